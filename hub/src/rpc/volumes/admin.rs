//! The volumes themselves.

use std::path::PathBuf;

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Row, Select};
use crate::error::{self, Error, Rpc};
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{Call, NameOrId};
use crate::{files, names};

/// Adds a storage volume, whose directory `vol/NAME` must be there; returns its `id` and `name`.
///
/// The link `toplink` in it, which leads back to the top directory, is made if there is none. Faults (1000):
/// no directory; a `toplink` that leads elsewhere; the volume exists (without `strict` it is returned).
#[rpc("addVolume(name, strict=True)", write, perm = "admin")]
pub async fn add_volume(call: &mut Call, name: Value, strict: bool) -> Rpc<Row> {
    let name = names::text("name", name)?;
    names::check_internal(&call.hub.options, &name)?;
    let folder = call.hub.tree.volume(Some(&name))?;
    if !tokio::fs::metadata(&folder).await.is_ok_and(|found| found.is_dir()) {
        return Err(error::generic(format!("please create the directory of volume {name} first")));
    }
    ensure_toplink(call, folder).await?;
    let volume = NameOrId::Name(name);
    if strict && lookup::find(&call.db, Table::Volume, &volume).await?.is_some() {
        return Err(error::generic(format!("volume {volume} already exists")));
    }
    let found = lookup::get_or_create(&call.db, Table::Volume, &volume).await?;
    Ok(row(found))
}

async fn ensure_toplink(call: &mut Call, folder: PathBuf) -> Rpc<()> {
    let link = folder.join("toplink");
    let top = call.hub.tree.top().to_path_buf();
    match tokio::fs::symlink_metadata(&link).await {
        Ok(found) if found.is_symlink() => {
            let failed = || Error::io(format!("{}", link.display()));
            let leads_to = tokio::fs::canonicalize(&link).await.map_err(failed())?;
            if leads_to == tokio::fs::canonicalize(&top).await.map_err(failed())? {
                return Ok(());
            }
            Err(error::generic(format!("{} leads elsewhere: to {}", link.display(), leads_to.display())))
        }
        Ok(_) => Err(error::generic(format!("Not a symlink: {}", link.display()))),
        Err(_) => files::link(call, top, link).await,
    }
}

/// Removes a storage volume (id or name) that no build is on; its directory stays.
#[rpc("removeVolume(volume)", write, perm = "admin")]
pub async fn remove_volume(call: &mut Call, volume: NameOrId) -> Rpc<()> {
    let volume = lookup::get(&call.db, Table::Volume, &volume).await?;
    if call.db.exists("SELECT 1 FROM build WHERE volume_id = ? LIMIT 1", vec![volume.id.into()]).await? {
        return Err(error::generic(format!("volume {} has builds on it", volume.name)));
    }
    call.db.execute("DELETE FROM volume WHERE id = ?", vec![volume.id.into()]).await?;
    Ok(())
}

/// The storage volumes: structs with `id` and `name`.
#[rpc("listVolumes()", read)]
pub async fn list_volumes(call: &mut Call) -> Rpc<Vec<Row>> {
    Select::from("volume").columns(&[("id", "id"), ("name", "name")]).order("id").all(&call.db).await
}

/// A storage volume by id or name: a struct with `id` and `name`. Nil if there is none; a fault with `strict`.
#[rpc("getVolume(volume, strict=False)", read)]
pub async fn get_volume(call: &mut Call, volume: NameOrId, strict: bool) -> Rpc<Option<Row>> {
    match lookup::find(&call.db, Table::Volume, &volume).await? {
        None if strict => Err(error::generic(format!("No such volume: {volume}"))),
        found => Ok(found.map(row)),
    }
}

fn row(volume: Named) -> Row {
    Row::from([("id".into(), Value::Integer(volume.id)), ("name".into(), Value::String(volume.name))])
}
