//! `listTaggedArchives`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::list_builds::{find_tag, given};
use super::list_rpms::Order;
use super::listing::{self, Latest, Listing};
use super::{Call, Rpc};
use crate::db::{Db, Kind, Row, Select};
use crate::error;
use crate::rpc::{AtEvent, NameOrId};

/// The archives of the builds that a tag holds: a list of two, the archives and the builds.
///
/// Archives are structs with `id, type_id, btype_id, btype, build_id, buildroot_id, filename, size, checksum,
/// checksum_type, metadata_only` and, unless that is false, `extra`. `type` is `maven` (which adds
/// `maven_group_id, maven_artifact_id, maven_version`) or `win` (`relpath, platforms, flags`). The rest is as
/// of `listTagged`, but a tag that does not exist gives one empty list.
#[rpc(
    "listTaggedArchives(tag, event=None, inherit=False, latest=False, package=None, type=None, strict=True, extra=True)",
    read
)]
pub async fn list_tagged_archives(
    call: &mut Call,
    tag: NameOrId,
    event: AtEvent,
    inherit: bool,
    latest: Latest,
    package: Option<String>,
    kind: Option<NameOrId>,
    strict: bool,
    extra: bool,
) -> Rpc<Value> {
    let Some(tag) = find_tag(call, &tag, event, strict).await? else { return Ok(Value::Array(vec![])) };
    let listing = Listing { event: event.0, inherit, latest, package: given(package), kind, ..Listing::of(tag.id) };
    let (archives, builds) = archives(&call.db, &listing, extra).await?;
    let list = |rows: Vec<Row>| Value::Array(rows.into_iter().map(Value::Struct).collect());
    Ok(Value::Array(vec![list(archives), list(builds)]))
}

/// The archives of a tag's builds, and the builds; in the order of `list_rpms::rpms`.
pub async fn archives(db: &Db, listing: &Listing, extra: bool) -> Rpc<(Vec<Row>, Vec<Row>)> {
    let builds = listing::builds(db, listing).await?;
    let mut select = Select::from("archiveinfo").join("btype ON btype.id = archiveinfo.btype_id").columns(&[
        ("archiveinfo.id", "id"),
        ("archiveinfo.type_id", "type_id"),
        ("archiveinfo.btype_id", "btype_id"),
        ("btype.name", "btype"),
        ("archiveinfo.build_id", "build_id"),
        ("archiveinfo.buildroot_id", "buildroot_id"),
        ("archiveinfo.filename", "filename"),
        ("archiveinfo.size", "size"),
        ("archiveinfo.checksum", "checksum"),
        ("archiveinfo.checksum_type", "checksum_type"),
        ("archiveinfo.metadata_only", "metadata_only"),
    ]);
    select = match &listing.kind {
        None => select,
        Some(NameOrId::Name(name)) if name == "maven" => {
            select.join("maven_archives ON maven_archives.archive_id = archiveinfo.id").columns(&[
                ("maven_archives.group_id", "maven_group_id"),
                ("maven_archives.artifact_id", "maven_artifact_id"),
                ("maven_archives.version", "maven_version"),
            ])
        }
        Some(NameOrId::Name(name)) if name == "win" => {
            select.join("win_archives ON win_archives.archive_id = archiveinfo.id").columns(&[
                ("win_archives.relpath", "relpath"),
                ("win_archives.platforms", "platforms"),
                ("win_archives.flags", "flags"),
            ])
        }
        Some(other) => return Err(error::generic(format!("unsupported archive type: {other}"))),
    };
    if extra {
        select = select.column_as("archiveinfo.extra", "extra", Kind::Json);
    }
    let order = Order::of(&builds)?;
    let rows = select.is_in(db, "archiveinfo.build_id", &order.build_ids()).order("id").all(db).await?;
    Ok((order.sorted(rows)?, builds))
}
