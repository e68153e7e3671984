//! What still needs a build.

use std::collections::BTreeSet;

use toji_hub_macros::rpc;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt, value};

use super::store::{self, BuildRef};
use crate::db::{QueryOpts, Row, RowExt, Select, in_list};
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

/// See `buildReferences`.
pub async fn of_build(call: &Call, build_id: i32, limit: Option<i64>, lazy: bool) -> Rpc<Struct> {
    let mut found = Struct::from([("tags".into(), Value::Array(tags(call, build_id).await?))]);
    if lazy && found["tags"].is_true() {
        return Ok(found);
    }
    let limit = limit.filter(|limit| *limit > 0);
    let rpms = own(call, "rpminfo", build_id).await?;
    let archives = own(call, "archiveinfo", build_id).await?;
    for (name, parts, users) in [
        ("rpms", &rpms, Users::Rpms),
        ("component_of", &rpms, Users::ImagesOfRpms),
        ("archives", &archives, Users::Archives),
        ("component_of", &archives, Users::ImagesOfArchives),
    ] {
        let mut items = users.find(call, parts, limit).await?;
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

async fn tags(call: &Call, build_id: i32) -> Rpc<Vec<Value>> {
    let tags = Select::from("tag_listing")
        .join("tag ON tag.id = tag_listing.tag_id")
        .columns(&[("tag_listing.tag_id", "tag_id"), ("tag.name", "name")])
        .clause("tag_listing.build_id = ? AND tag_listing.active = TRUE", [build_id.into()])
        .order("tag_id");
    Ok(tags.all(&call.db).await?.into_iter().map(Value::Struct).collect())
}

/// The ids of a build's RPMs or archives.
async fn own(call: &Call, table: &str, build_id: i32) -> Rpc<Vec<i32>> {
    call.db.values(&format!("SELECT id FROM {table} WHERE build_id = ? ORDER BY id"), vec![build_id.into()]).await
}

/// Who may need parts of a build.
#[derive(Clone, Copy)]
enum Users {
    /// RPMs built in a buildroot that some of the RPMs were in.
    Rpms,
    ImagesOfRpms,
    /// Archives built in a buildroot that used some of the archives.
    Archives,
    ImagesOfArchives,
}

impl Users {
    /// Each user once. With a limit, up to that many for each part, and no more parts once there are more.
    async fn find(self, call: &Call, parts: &[i32], limit: Option<i64>) -> Rpc<Vec<Value>> {
        let Some(limit) = limit else {
            return self.told(self.select(call, parts).all(&call.db).await?);
        };
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for part in parts {
            let opts = QueryOpts { limit: Some(limit), ..Default::default() };
            for row in self.select(call, &[*part]).opts(opts).all(&call.db).await? {
                if self.lists_parts() || seen.insert(row.int("id")?) {
                    found.push(row);
                }
            }
            // Usually one part tells enough; a library may have been in every buildroot there is.
            if !self.lists_parts() && found.len() as i64 > limit {
                break;
            }
        }
        self.told(found)
    }

    /// Containing archives are told once for each part, by id.
    fn lists_parts(self) -> bool {
        matches!(self, Self::ImagesOfRpms | Self::ImagesOfArchives)
    }

    fn told(self, rows: Vec<Row>) -> Rpc<Vec<Value>> {
        let value =
            |row: Row| if self.lists_parts() { row.int("id").map(Value::Integer) } else { Ok(Value::Struct(row)) };
        rows.into_iter().map(value).collect()
    }

    fn select(self, call: &Call, parts: &[i32]) -> Select {
        let select = match self {
            Self::Rpms => {
                let (used, params) = in_list(call.db.is_postgres(), "rpm_id", parts);
                Select::from("rpminfo")
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
                        &format!("rpminfo.buildroot_id IN (SELECT buildroot_id FROM buildroot_listing WHERE {used})"),
                        params,
                    )
            }
            Self::Archives => {
                let (used, params) = in_list(call.db.is_postgres(), "archive_id", parts);
                Select::from("archiveinfo")
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
                            "archiveinfo.buildroot_id IN (SELECT buildroot_id FROM buildroot_archives WHERE {used})"
                        ),
                        params,
                    )
            }
            Self::ImagesOfRpms => images(call, "archive_rpm_components", "rpm_id", parts),
            Self::ImagesOfArchives => images(call, "archive_components", "component_id", parts),
        };
        select.clause("build.state = ?", [BuildState::Complete.code().into()]).order("id")
    }
}

/// The archives that contain parts, once for each part.
fn images(call: &Call, table: &str, part: &str, parts: &[i32]) -> Select {
    Select::from(table)
        .join(&format!("archiveinfo ON archiveinfo.id = {table}.archive_id"))
        .join("build ON build.id = archiveinfo.build_id")
        .column(&format!("{table}.archive_id"), "id")
        .is_in(&call.db, &format!("{table}.{part}"), parts)
}

/// Seconds since 1970.
async fn last_used(call: &Call, build_id: i32) -> Rpc<Option<f64>> {
    let used = "SELECT max(create_event) FROM standard_buildroot WHERE buildroot_id IN \
         (SELECT buildroot_id FROM buildroot_listing \
          WHERE rpm_id IN (SELECT id FROM rpminfo WHERE build_id = ?) \
          UNION SELECT buildroot_id FROM buildroot_archives \
          WHERE archive_id IN (SELECT id FROM archiveinfo WHERE build_id = ?))";
    let Some(event) = call.db.value::<i32>(used, vec![build_id.into(), build_id.into()]).await? else {
        return Ok(None);
    };
    let row = Select::from("events").epoch("time", "ts").clause("id = ?", [event.into()]).one(&call.db).await?;
    Ok(row.and_then(|row| row.get("ts").and_then(ValueExt::as_f64)))
}
