//! `editTag2`, and the older `editTag`.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::store::{self, Extra, Tag, When};
use super::{Call, Rpc};
use crate::db::{Insert, Update};
use crate::error;
use crate::names;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Arches, FromArg, NameOrId, Struct};

/// Changes a tag: only what is given, by name.
///
/// * `name` renames it, in all of its history;
/// * `arches` (separated by spaces; nil inherits them), `locked`, `maven_support`, `maven_include_all`;
/// * `perm` or `perm_id`: the permission, by name or id, that tagging builds needs; nil for none;
/// * `extra`: settings to add or change, by name; `remove_extra`: names of settings to take away;
///   `block_extra`: names of inherited settings to hide.
///
/// Faults: a tag or permission that does not exist, a name that is taken or breaks the rules, bad arches, a
/// setting to remove that the tag lacks or that is also added, Maven flags where Maven is off (1000).
#[rpc("editTag2(tagInfo, **kwargs)", write, perm = "tag")]
pub async fn edit_tag2(call: &mut Call, tag: NameOrId, kwargs: Struct) -> Rpc<()> {
    edit(call, &tag, Changes::read(kwargs)?).await
}

/// Changes a tag like `editTag2`, with all of its plain settings given; `extra` must be a struct.
#[rpc("editTag(tagInfo, name, arches, locked, permissionID, extra=None)", write, perm = "tag")]
pub async fn edit_tag(
    call: &mut Call,
    tag: NameOrId,
    name: Option<String>,
    arches: Option<Arches>,
    locked: bool,
    permission: Option<NameOrId>,
    extra: Struct,
) -> Rpc<()> {
    let changes = Changes {
        name,
        arches: Some(arches.map(|arches| arches.0)),
        locked: Some(locked),
        perm: Some(permission),
        extra,
        ..Changes::default()
    };
    edit(call, &tag, changes).await
}

/// What to change; an outer `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub name: Option<String>,
    pub arches: Option<Option<String>>,
    pub locked: Option<bool>,
    pub perm: Option<Option<NameOrId>>,
    pub maven_support: Option<bool>,
    pub maven_include_all: Option<bool>,
    pub extra: Struct,
    pub remove_extra: Vec<String>,
    pub block_extra: Vec<String>,
}

impl Changes {
    /// What is not known is ignored.
    fn read(mut given: Struct) -> Rpc<Self> {
        let perm = given.remove("perm");
        Ok(Self {
            name: take::<Option<String>>(&mut given, "name")?.flatten(),
            arches: take::<Option<Arches>>(&mut given, "arches")?.map(|arches| arches.map(|arches| arches.0)),
            locked: take(&mut given, "locked")?,
            perm: match given.remove("perm_id").or(perm) {
                Some(value) => Some(Option::from_arg(value, "perm")?),
                None => None,
            },
            maven_support: take(&mut given, "maven_support")?,
            maven_include_all: take(&mut given, "maven_include_all")?,
            extra: take(&mut given, "extra")?.unwrap_or_default(),
            remove_extra: take(&mut given, "remove_extra")?.unwrap_or_default(),
            block_extra: take(&mut given, "block_extra")?.unwrap_or_default(),
        })
    }
}

fn take<T: FromArg>(given: &mut Struct, name: &str) -> Rpc<Option<T>> {
    given.remove(name).map(|value: Value| T::from_arg(value, name)).transpose()
}

/// Changes a tag, whoever the caller is; faults as `editTag2` does.
pub async fn edit(call: &mut Call, tag: &NameOrId, changes: Changes) -> Rpc<()> {
    let maven = changes.maven_support.is_some() || changes.maven_include_all.is_some();
    if maven && !call.hub.options.enable_maven {
        return Err(error::generic("Maven support is not enabled"));
    }
    let tag = store::get(&call.db, tag, When::Now).await?;
    if let Some(name) = changes.name.as_deref().filter(|name| !name.is_empty() && *name != tag.name) {
        rename(call, &tag, name).await?;
    }
    write_config(call, &tag, &changes).await?;
    write_extras(call, &tag, changes).await
}

async fn rename(call: &mut Call, tag: &Tag, name: &str) -> Rpc<()> {
    names::check_internal(&call.hub.options, name)?;
    if let Some(other) = lookup::find(&call.db, Table::Tag, &NameOrId::Name(name.into())).await? {
        return Err(error::generic(format!("The name {name} belongs to another tag ({})", other.id)));
    }
    Update::table("tag").set("name", name).clause("id = ?", [tag.id.into()]).run(&call.db).await?;
    Ok(())
}

/// Opens a new version of the configuration if it differs from the present one.
async fn write_config(call: &mut Call, tag: &Tag, changes: &Changes) -> Rpc<()> {
    let arches = changes.arches.clone().unwrap_or_else(|| tag.arches.clone());
    let perm_id = match &changes.perm {
        None => tag.perm_id,
        Some(None) => None,
        Some(Some(perm)) => Some(lookup::get(&call.db, Table::Permission, perm).await?.id),
    };
    let locked = changes.locked.unwrap_or(tag.locked);
    let maven_support = changes.maven_support.unwrap_or(tag.maven_support);
    let maven_include_all = changes.maven_include_all.unwrap_or(tag.maven_include_all);
    let present = (&tag.arches, tag.perm_id, tag.locked, tag.maven_support, tag.maven_include_all);
    if present == (&arches, perm_id, locked, maven_support, maven_include_all) {
        return Ok(());
    }
    call.revoke_versions("tag_config", "tag_id = ?", [tag.id.into()]).await?;
    let config = Insert::into("tag_config")
        .set("tag_id", tag.id)
        .set("arches", arches)
        .set("perm_id", perm_id)
        .set("locked", locked)
        .set("maven_support", maven_support)
        .set("maven_include_all", maven_include_all);
    call.open_version(config).await
}

async fn write_extras(call: &mut Call, tag: &Tag, changes: Changes) -> Rpc<()> {
    let Changes { extra, remove_extra, block_extra, .. } = changes;
    let own: BTreeMap<String, Value> = tag.settings();
    if let Some(key) = remove_extra.iter().chain(&block_extra).find(|key| extra.contains_key(*key)) {
        return Err(error::generic(format!("The extra setting {key} cannot be both added and removed")));
    }
    let absent: Vec<&str> = remove_extra.iter().filter(|key| !own.contains_key(*key)).map(String::as_str).collect();
    if !absent.is_empty() {
        return Err(error::generic(format!("Tag {} has no extra setting {}", tag.name, absent.join(", "))));
    }
    for (key, value) in extra {
        if own.get(&key) != Some(&value) {
            store::write_extra(call, tag.id, &key, &Extra::Set(value)).await?;
        }
    }
    for key in &block_extra {
        store::write_extra(call, tag.id, key, &Extra::Blocked).await?;
    }
    for key in &remove_extra {
        store::revoke_extra(call, tag.id, key).await?;
    }
    Ok(())
}
