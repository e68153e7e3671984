//! `createTag`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::set_inheritance::{self, Change};
use super::store::{self, Extra, When};
use super::{Call, Rpc};
use crate::db::Insert;
use crate::error;
use crate::names;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Arches, NameOrId, Struct};

/// Creates a tag, which may inherit from a parent, and returns its id.
///
/// `arches` are separated by spaces; without them the tag has none, and inherits none. `perm` is the
/// permission that tagging builds will need. `extra` has settings by name. A tag of that name that was
/// deleted gets its id back.
///
/// Faults: a name that is in use or breaks the rules, a parent or permission that does not exist, bad
/// arches, Maven flags where Maven is off (1000).
#[rpc(
    "createTag(name, parent=None, arches=None, perm=None, locked=False, maven_support=False, maven_include_all=False, extra=None)",
    write,
    perm = "tag"
)]
pub async fn create_tag(
    call: &mut Call,
    name: Value,
    parent: Option<NameOrId>,
    arches: Option<Arches>,
    perm: Option<NameOrId>,
    locked: bool,
    maven_support: bool,
    maven_include_all: bool,
    extra: Option<Struct>,
) -> Rpc<i32> {
    let arches = arches.map(|arches| arches.0);
    let new = NewTag { arches, perm, locked, maven_support, maven_include_all, extra: extra.unwrap_or_default() };
    create(call, &names::text("Name", name)?, parent.as_ref(), new).await
}

/// What a new tag is like, besides its name.
#[derive(Clone, Debug, Default)]
pub struct NewTag {
    pub arches: Option<String>,
    pub perm: Option<NameOrId>,
    pub locked: bool,
    pub maven_support: bool,
    pub maven_include_all: bool,
    pub extra: Struct,
}

/// Creates a tag, whoever the caller is; faults as `createTag` does.
pub async fn create(call: &mut Call, name: &str, parent: Option<&NameOrId>, new: NewTag) -> Rpc<i32> {
    names::check_internal(&call.hub.options, name)?;
    if (new.maven_support || new.maven_include_all) && !call.hub.options.enable_maven {
        return Err(error::generic("Maven support is not enabled"));
    }
    let tag = NameOrId::Name(name.into());
    if store::find(&call.db, &tag, When::Now).await?.is_some() {
        return Err(error::generic(format!("There is a tag {name} already")));
    }
    let parent = match parent.filter(|p| !matches!(p, NameOrId::Name(name) if name.is_empty())) {
        Some(parent) => match store::find(&call.db, parent, When::Now).await? {
            Some(found) => Some(found.id),
            None => return Err(error::generic(format!("The parent tag {parent} does not exist"))),
        },
        None => None,
    };
    let perm_id = match &new.perm {
        Some(perm) => Some(lookup::get(&call.db, Table::Permission, perm).await?.id),
        None => None,
    };

    let tag_id = lookup::get_or_create(&call.db, Table::Tag, &tag).await?.id;
    let config = Insert::into("tag_config")
        .set("tag_id", tag_id)
        .set("arches", new.arches.unwrap_or_default())
        .set("perm_id", perm_id)
        .set("locked", new.locked)
        .set("maven_support", new.maven_support)
        .set("maven_include_all", new.maven_include_all);
    call.open_version(config).await?;
    for (key, value) in new.extra {
        store::write_extra(call, tag_id, &key, &Extra::Set(value)).await?;
    }
    if let Some(parent) = parent {
        set_inheritance::write(call, tag_id, &[Change::plain_parent(parent, 0)], false).await?;
    }
    Ok(tag_id)
}
