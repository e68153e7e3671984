//! What still needs a build.

use toji_hub_macros::rpc;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, value};

use super::store::{self, BuildRef};
use crate::db::{Param, QueryOpts, Select};
use crate::error::Rpc;
use crate::rpc::Call;

/// What refers to a build: a struct of lists, `tags` (structs with `tag_id`, `name`), `rpms` (built in a
/// buildroot that it was in: `id`, `name`, `version`, `release`, `arch`, `build_id`), `archives` (the same: `id`,
/// `type_id`, `type_name`, `build_id`, `filename`), `component_of` (ids of archives that contain it, also as
/// `images`); and `last_used`, when a standard buildroot last began with it (seconds since 1970, or nil).
///
/// Only what belongs to complete builds counts. `limit` cuts each list but the tags; `lazy` stops at the first
/// one that is not empty and leaves out the rest.
#[rpc("buildReferences(build, limit=None, lazy=False)", read)]
pub async fn build_references(call: &mut Call, build: BuildRef, limit: Option<i64>, lazy: bool) -> Rpc<Struct> {
    let build = store::get(&call.db, &build).await?;
    of_build(call, build.id, limit, lazy).await
}

const OWN_RPMS: &str = "(SELECT own.id FROM rpminfo own WHERE own.build_id = ?)";
const OWN_ARCHIVES: &str = "(SELECT own.id FROM archiveinfo own WHERE own.build_id = ?)";

/// See `buildReferences`.
pub async fn of_build(call: &Call, build_id: i32, limit: Option<i64>, lazy: bool) -> Rpc<Struct> {
    let mut found = Struct::new();
    for what in ["tags", "rpms", "component_of", "archives", "component_of archives"] {
        let rows =
            select(what, build_id).opts(QueryOpts { limit: limit.filter(|_| what != "tags"), ..Default::default() });
        let mut items = match rows.answer(&call.db).await? {
            Value::Array(items) => items,
            _ => vec![],
        };
        let name = what.split(' ').next().unwrap_or(what);
        if name == "component_of" {
            items =
                items.into_iter().filter_map(|row| toji_proto::ValueExt::get(&row, "archive_id").cloned()).collect();
        }
        if let Some(Value::Array(earlier)) = found.remove(name) {
            items = [earlier, items].concat();
        }
        let any = !items.is_empty();
        found.insert(name.into(), Value::Array(items));
        if lazy && any {
            return Ok(found);
        }
    }
    found.insert("last_used".into(), value!(last_used(call, build_id).await?));
    // Older clients know the containing archives as images.
    let images = found.get("component_of").cloned().unwrap_or(Value::Array(vec![]));
    found.insert("images".into(), images);
    Ok(found)
}

fn select(what: &str, build_id: i32) -> Select {
    let own = || vec![Param::from(build_id)];
    let complete = [BuildState::Complete.code().into()];
    match what {
        "tags" => Select::from("tag_listing")
            .join("tag ON tag.id = tag_listing.tag_id")
            .columns(&[("tag_listing.tag_id", "tag_id"), ("tag.name", "name")])
            .clause("tag_listing.build_id = ? AND tag_listing.active = TRUE", own())
            .order("tag_id"),
        "rpms" => Select::from("rpminfo")
            .join("build ON build.id = rpminfo.build_id")
            .columns(&[
                ("rpminfo.id", "id"),
                ("rpminfo.name", "name"),
                ("rpminfo.version", "version"),
                ("rpminfo.release", "release"),
                ("rpminfo.arch", "arch"),
                ("rpminfo.build_id", "build_id"),
            ])
            .clause(
                &format!(
                    "rpminfo.buildroot_id IN (SELECT buildroot_id FROM buildroot_listing WHERE rpm_id IN {OWN_RPMS})"
                ),
                own(),
            )
            .clause("build.state = ?", complete)
            .order("id"),
        "component_of" => {
            components("archive_rpm_components", "rpm_id", OWN_RPMS, own()).clause("build.state = ?", complete)
        }
        "archives" => Select::from("archiveinfo")
            .join("build ON build.id = archiveinfo.build_id")
            .join("archivetypes ON archivetypes.id = archiveinfo.type_id")
            .columns(&[
                ("archiveinfo.id", "id"),
                ("archiveinfo.type_id", "type_id"),
                ("archivetypes.name", "type_name"),
                ("archiveinfo.build_id", "build_id"),
                ("archiveinfo.filename", "filename"),
            ])
            .clause(
                &format!(
                    "archiveinfo.buildroot_id IN \
                     (SELECT buildroot_id FROM buildroot_archives WHERE archive_id IN {OWN_ARCHIVES})"
                ),
                own(),
            )
            .clause("build.state = ?", complete)
            .order("id"),
        _ => components("archive_components", "component_id", OWN_ARCHIVES, own()).clause("build.state = ?", complete),
    }
}

/// The archives that contain something of the build's, once for each such part.
fn components(table: &str, part: &str, own: &str, params: Vec<Param>) -> Select {
    Select::from(table)
        .join(&format!("archiveinfo ON archiveinfo.id = {table}.archive_id"))
        .join("build ON build.id = archiveinfo.build_id")
        .columns(&[(&format!("{table}.{part}"), "part"), (&format!("{table}.archive_id"), "archive_id")])
        .clause(&format!("{table}.{part} IN {own}"), params)
        .order("part,archive_id")
}

/// Seconds since 1970.
async fn last_used(call: &Call, build_id: i32) -> Rpc<Option<f64>> {
    let used = format!(
        "SELECT max(create_event) FROM standard_buildroot WHERE buildroot_id IN \
         (SELECT buildroot_id FROM buildroot_listing WHERE rpm_id IN {OWN_RPMS} \
         UNION SELECT buildroot_id FROM buildroot_archives WHERE archive_id IN {OWN_ARCHIVES})"
    );
    let Some(event) = call.db.value::<i32>(&used, vec![build_id.into(), build_id.into()]).await? else {
        return Ok(None);
    };
    let row = Select::from("events").epoch("time", "ts").clause("id = ?", [event.into()]).one(&call.db).await?;
    Ok(row.and_then(|row| row.get("ts").and_then(toji_proto::ValueExt::as_f64)))
}
