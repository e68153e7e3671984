//! Looking single packages up.

use toji_hub_macros::rpc;
use toji_proto::{Value, value};

use super::{Call, Rpc, store};
use crate::db::Row;
use crate::error;
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{AtEvent, NameOrId};

/// A package, named by name or id: a struct with `id` and `name`.
///
/// An unknown one is nil; with `strict` it is a fault (1000), with `create`, for who is logged in, a name
/// becomes a package.
#[rpc("getPackage(info, strict=False, create=False)", write)]
pub async fn get_package(call: &mut Call, info: NameOrId, strict: bool, create: bool) -> Rpc<Option<Value>> {
    let told = |package: Named| Some(value!({ "id": package.id, "name": package.name }));
    if let Some(found) = lookup::find(&call.db, Table::Package, &info).await? {
        return Ok(told(found));
    }
    match info {
        _ if strict => lookup::get(&call.db, Table::Package, &info).await.map(told),
        NameOrId::Id(id) if create => Err(error::generic(format!("A new package needs a name, not the id {id}"))),
        NameOrId::Name(_) if create => {
            call.session()?;
            lookup::get_or_create(&call.db, Table::Package, &info).await.map(told)
        }
        _ => Ok(None),
    }
}

/// The id of the package with that name. An unknown one is nil or, with `strict`, a fault (1000).
#[rpc("getPackageID(name, strict=False)", read)]
pub async fn get_package_id(call: &mut Call, name: String, strict: bool) -> Rpc<Option<i32>> {
    match lookup::find(&call.db, Table::Package, &NameOrId::Name(name.clone())).await? {
        None if strict => Err(error::generic(format!("No such package: {name}"))),
        found => Ok(found.map(|package| package.id)),
    }
}

/// The entry that counts for a package in a tag's list, as of `listPackages`; nil if there is none.
#[rpc("getPackageConfig(tag, pkg, event=None)", read)]
pub async fn get_package_config(call: &mut Call, tag: NameOrId, package: NameOrId, event: AtEvent) -> Rpc<Option<Row>> {
    let Some((tag, package)) = both(call, &tag, &package).await? else { return Ok(None) };
    Ok(store::find(&call.db, tag, package, event.0).await?.map(store::Entry::row))
}

/// Whether a package is in a tag's list, inherited or not, and not blocked.
#[rpc("checkTagPackage(tag, pkg)", read)]
pub async fn check_tag_package(call: &mut Call, tag: NameOrId, package: NameOrId) -> Rpc<bool> {
    let Some((tag, package)) = both(call, &tag, &package).await? else { return Ok(false) };
    Ok(store::listed(&call.db, tag, Some(package), None).await?.contains(&package))
}

async fn both(call: &Call, tag: &NameOrId, package: &NameOrId) -> Rpc<Option<(i32, i32)>> {
    let tag = lookup::find(&call.db, Table::Tag, tag).await?;
    let package = lookup::find(&call.db, Table::Package, package).await?;
    Ok(tag.zip(package).map(|(tag, package)| (tag.id, package.id)))
}
