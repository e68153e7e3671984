//! `getLatestMavenArchives`.

use std::collections::{HashMap, HashSet};

use toji_hub_macros::rpc;

use super::listing::{self, Listing};
use super::{Call, Rpc};
use crate::db::{Db, Kind, Row, RowExt, Select};
use crate::rpc::lookup::{self, Table};
use crate::rpc::packages::store as packages;
use crate::rpc::tags::store as tags;
use crate::rpc::{AtEvent, NameOrId};

/// The Maven archives that a tag's repository has: of each group and artifact those of the last tagged build.
/// Tags with `maven_include_all` add further versions, each from its last tagged build.
///
/// Structs with the archive's members, `group_id, artifact_id, version` (Maven's), `tag_id, tag_name,
/// tag_event`, and `build_id, build_name, build_version, build_release, build_epoch, state, task_id, owner,
/// volume_id, volume_name, pkg_id` of the build. Faults: a tag that does not exist (1000).
#[rpc("getLatestMavenArchives(tag, event=None, inherit=True)", read)]
pub async fn get_latest_maven_archives(call: &mut Call, tag: NameOrId, event: AtEvent, inherit: bool) -> Rpc<Vec<Row>> {
    let tag = lookup::get(&call.db, Table::Tag, &tag).await?;
    let listing = Listing { event: event.0, inherit, ..Listing::of(tag.id) };
    archives(&call.db, &listing).await
}

/// See `getLatestMavenArchives`; of the listing, tag, event and inheritance count.
pub async fn archives(db: &Db, listing: &Listing) -> Rpc<Vec<Row>> {
    let event = listing.event;
    let listed = packages::listed(db, listing.tag_id, None, event).await?;
    let tags = listing::distinct(&listing::tags(db, listing).await?);
    let configs = tags::many(db, &tags, event).await?;
    let mut by_tag: HashMap<i32, Vec<Row>> = HashMap::new();
    for row in select(event).is_in(db, "tag_listing.tag_id", &tags).all(db).await? {
        by_tag.entry(row.int("tag_id")?).or_default().push(row);
    }
    let mut chosen = Chosen::default();
    for tag in tags {
        let config = configs.get(&tag).ok_or_else(|| tags::no_such(&NameOrId::Id(tag)))?;
        for row in by_tag.remove(&tag).into_iter().flatten() {
            if listed.contains(&row.int("pkg_id")?) {
                chosen.offer(row, config.maven_include_all)?;
            }
        }
    }
    Ok(chosen.archives)
}

#[derive(Default)]
struct Chosen {
    archives: Vec<Row>,
    ids: HashSet<i32>,
    /// The build that each version of a group and artifact comes from.
    versions: HashMap<(String, String), HashMap<String, i32>>,
}

impl Chosen {
    /// Takes an archive unless another build stands for it already.
    fn offer(&mut self, row: Row, all_versions: bool) -> Rpc<()> {
        let (id, build_id) = (row.int("id")?, row.int("build_id")?);
        let artifact = (row.text("group_id").to_string(), row.text("artifact_id").to_string());
        let versions = self.versions.entry(artifact).or_default();
        let first = versions.is_empty();
        let taken = match versions.get(row.text("version")) {
            Some(build) => *build == build_id,
            None if first || all_versions => {
                versions.insert(row.text("version").into(), build_id);
                true
            }
            None => false,
        };
        if taken && self.ids.insert(id) {
            self.archives.push(row);
        }
        Ok(())
    }
}

fn select(event: Option<i32>) -> Select {
    Select::from("tag_listing")
        .join("tag ON tag.id = tag_listing.tag_id")
        .join("build ON build.id = tag_listing.build_id")
        .join("volume ON volume.id = build.volume_id")
        .join("package ON package.id = build.pkg_id")
        .join("archiveinfo ON archiveinfo.build_id = build.id")
        .join("maven_archives ON maven_archives.archive_id = archiveinfo.id")
        .columns(&[
            ("tag.id", "tag_id"),
            ("tag.name", "tag_name"),
            ("tag_listing.create_event", "tag_event"),
            ("build.id", "build_id"),
            ("build.pkg_id", "pkg_id"),
            ("package.name", "build_name"),
            ("build.version", "build_version"),
            ("build.release", "build_release"),
            ("build.epoch", "build_epoch"),
            ("build.state", "state"),
            ("build.task_id", "task_id"),
            ("build.owner", "owner"),
            ("volume.id", "volume_id"),
            ("volume.name", "volume_name"),
            ("archiveinfo.id", "id"),
            ("archiveinfo.type_id", "type_id"),
            ("archiveinfo.buildroot_id", "buildroot_id"),
            ("archiveinfo.filename", "filename"),
            ("archiveinfo.size", "size"),
            ("archiveinfo.checksum", "checksum"),
            ("archiveinfo.checksum_type", "checksum_type"),
            ("archiveinfo.metadata_only", "metadata_only"),
            ("maven_archives.group_id", "group_id"),
            ("maven_archives.artifact_id", "artifact_id"),
            ("maven_archives.version", "version"),
        ])
        .column_as("archiveinfo.extra", "extra", Kind::Json)
        .at_event("tag_listing", event)
        .order("-tag_event,-build_id,id")
}
