//! Build targets in the database.

use crate::db::{Db, Insert, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::{Call, NameOrId};

/// A build target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub id: i32,
    pub name: String,
    pub build_tag: i32,
    pub build_tag_name: String,
    pub dest_tag: i32,
    pub dest_tag_name: String,
}

/// All targets at the event, or now: `id, name, build_tag, build_tag_name, dest_tag, dest_tag_name`.
pub fn select(event: Option<i32>) -> Select {
    Select::from("build_target_config")
        .join("build_target ON build_target.id = build_target_config.build_target_id")
        .join("tag AS build ON build.id = build_target_config.build_tag")
        .join("tag AS dest ON dest.id = build_target_config.dest_tag")
        .columns(&[
            ("build_target.id", "id"),
            ("build_target.name", "name"),
            ("build_target_config.build_tag", "build_tag"),
            ("build.name", "build_tag_name"),
            ("build_target_config.dest_tag", "dest_tag"),
            ("dest.name", "dest_tag_name"),
        ])
        .at_event("build_target_config", event)
        .order("id")
}

/// Only the target of that name or id.
pub fn named(select: Select, target: &NameOrId) -> Select {
    match target {
        NameOrId::Id(id) => select.clause("build_target.id = ?", [(*id).into()]),
        NameOrId::Name(name) => select.clause("build_target.name = ?", [name.clone().into()]),
    }
}

/// The target, if it exists at the event, or now.
pub async fn find(db: &Db, target: &NameOrId, event: Option<i32>) -> Rpc<Option<Target>> {
    named(select(event), target).one(db).await?.as_ref().map(target_of).transpose()
}

/// The target; a general fault if it does not exist.
pub async fn get(db: &Db, target: &NameOrId, event: Option<i32>) -> Rpc<Target> {
    find(db, target, event).await?.ok_or_else(|| no_such(target))
}

/// The id and name of a target, whether it was deleted or not; a general fault for an unknown one.
pub async fn get_named(db: &Db, target: &NameOrId) -> Rpc<Named> {
    lookup::find(db, Table::Target, target).await?.ok_or_else(|| no_such(target))
}

/// The fault for a target that does not exist.
pub fn no_such(target: &NameOrId) -> error::Error {
    error::generic(format!("No such build target: {target}"))
}

/// The two tags of a target; general faults for those that do not exist.
pub async fn tags(db: &Db, build: &NameOrId, dest: &NameOrId) -> Rpc<(Tag, Tag)> {
    let build_tag = tags::find(db, build, When::Now).await?;
    let build_tag = build_tag.ok_or_else(|| error::generic(format!("The build tag {build} does not exist")))?;
    let dest_tag = tags::find(db, dest, When::Now).await?;
    let dest_tag = dest_tag.ok_or_else(|| error::generic(format!("The destination tag {dest} does not exist")))?;
    Ok((build_tag, dest_tag))
}

/// Opens a configuration in place of the one there may be.
pub async fn write_config(call: &mut Call, target_id: i32, build_tag: i32, dest_tag: i32) -> Rpc<()> {
    revoke_config(call, target_id).await?;
    let config = Insert::into("build_target_config")
        .set("build_target_id", target_id)
        .set("build_tag", build_tag)
        .set("dest_tag", dest_tag);
    call.open_version(config).await
}

/// Ends a target's configuration, if it has one.
pub async fn revoke_config(call: &mut Call, target_id: i32) -> Rpc<()> {
    call.revoke_versions("build_target_config", "build_target_id = ?", [target_id.into()]).await?;
    Ok(())
}

fn target_of(row: &Row) -> Rpc<Target> {
    Ok(Target {
        id: row.int("id")?,
        name: row.text("name").into(),
        build_tag: row.int("build_tag")?,
        build_tag_name: row.text("build_tag_name").into(),
        dest_tag: row.int("dest_tag")?,
        dest_tag_name: row.text("dest_tag_name").into(),
    })
}
