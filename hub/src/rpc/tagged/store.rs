//! The builds of a tag and their RPMs, in the database.

use std::collections::{BTreeMap, HashMap, HashSet};

use toji_proto::states::BuildState;

use super::Rpc;
use crate::db::{Db, Kind, Row, RowExt, Select, in_strings};
use crate::error;
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};
use crate::rpc::packages::store as packages;
use crate::rpc::tags::inheritance;

/// Which builds of a tag to read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub tag_id: i32,
    pub event: Option<i32>,
    /// Also what the tag inherits.
    pub inherit: bool,
    /// So many of each package, counted over the whole inheritance; nothing, or 0, for all. Less than that is none.
    pub latest: Option<i64>,
    /// Only of this package, by name.
    pub package: Option<String>,
    /// Only of this user, by name; others do not count towards `latest`.
    pub owner: Option<String>,
    /// Only of this build type.
    pub kind: Option<String>,
    /// Only drafts, or only others.
    pub draft: Option<bool>,
    /// With the column `extra`.
    pub extra: bool,
}

/// The builds of a tag: rows with `id, build_id, name, package_name, version, release, epoch, nvr, state, draft`,
/// `tag_id` and `tag_name` (of where it is tagged), `create_event` (of the tagging), `start_time, completion_time,
/// creation_time, creation_event_id, promotion_time, promoter_id, promoter_name`, `package_id, task_id, owner_id,
/// owner_name, volume_id, volume_name`, and what belongs to the build type.
///
/// Faults: an unknown build type (1000).
pub async fn builds(db: &Db, wanted: &Wanted) -> Rpc<Vec<Row>> {
    let usable = usable_packages(db, wanted).await?;
    let mut chain = vec![wanted.tag_id];
    if wanted.inherit {
        let order = inheritance::order(db, wanted.tag_id, wanted.event).await?;
        chain.extend(order.iter().map(|step| step.link.parent_id));
    }
    let rows = select(db, wanted).await?.is_in(db, "tag_listing.tag_id", &chain).all(db).await?;
    let mut by_tag: BTreeMap<i32, Vec<Row>> = BTreeMap::new();
    for row in rows {
        if usable.contains(&row.int("package_id")?) {
            by_tag.entry(row.int("tag_id")?).or_default().push(row);
        }
    }
    let latest = wanted.latest.filter(|latest| *latest != 0);
    let mut taken: HashMap<i32, i64> = HashMap::new();
    let mut builds = Vec::new();
    // A tag that is met twice, with other filters, counts twice.
    for row in chain.iter().filter_map(|tag| by_tag.get(tag)).flatten() {
        let taken = taken.entry(row.int("package_id")?).or_default();
        if latest.is_none_or(|latest| *taken < latest) {
            *taken += 1;
            builds.push(row.clone());
        }
    }
    Ok(builds)
}

/// Which RPMs of a tag's builds to read.
#[derive(Clone, Debug, Default)]
pub struct WantedRpms {
    /// Only of these arches; none for any.
    pub arches: Vec<String>,
    /// A row for each signature, with its `sigkey`; what has none comes once, without.
    pub signatures: bool,
    /// With the column `extra`.
    pub extra: bool,
    /// Only of drafts, or only of others.
    pub draft: Option<bool>,
}

/// The RPMs of a tag's builds, as `builds` gives them: rows with `id, build_id, buildroot_id, name, version,
/// release, epoch, arch, draft, payloadhash, size, buildtime, metadata_only`. By tag in the order of inheritance,
/// then by id.
pub async fn rpms(db: &Db, builds: &[Row], wanted: &WantedRpms) -> Rpc<Vec<Row>> {
    let mut tags: Vec<i32> = Vec::new();
    let mut tag_of: HashMap<i32, i32> = HashMap::new();
    for build in builds {
        let tag = build.int("tag_id")?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        tag_of.insert(build.int("build_id")?, tag);
    }
    let mut ids: Vec<i32> = tag_of.keys().copied().collect();
    ids.sort_unstable();
    let columns = [
        "id",
        "build_id",
        "buildroot_id",
        "name",
        "version",
        "release",
        "epoch",
        "arch",
        "draft",
        "payloadhash",
        "size",
        "buildtime",
        "metadata_only",
    ];
    let mut select = columns
        .iter()
        .fold(Select::from("rpminfo"), |select, name| select.column(&format!("rpminfo.{name}"), name))
        .is_in(db, "rpminfo.build_id", &ids)
        .order("id");
    if wanted.extra {
        select = select.column_as("rpminfo.extra", "extra", Kind::Json);
    }
    if wanted.signatures {
        select = select
            .join("LEFT JOIN rpmsigs ON rpmsigs.rpm_id = rpminfo.id")
            .column("rpmsigs.sigkey", "sigkey")
            .order("id,sigkey");
    }
    if !wanted.arches.is_empty() {
        let (clause, params) = in_strings(db.is_postgres(), "rpminfo.arch", &wanted.arches);
        select = select.clause(&clause, params);
    }
    select = select.clause_if("rpminfo.draft = ?", wanted.draft);
    let mut by_tag: HashMap<i32, Vec<Row>> = HashMap::new();
    for row in select.all(db).await? {
        if let Some(tag) = tag_of.get(&row.int("build_id")?) {
            by_tag.entry(*tag).or_default().push(row);
        }
    }
    Ok(tags.iter().filter_map(|tag| by_tag.remove(tag)).flatten().collect())
}

/// The packages whose builds count.
async fn usable_packages(db: &Db, wanted: &Wanted) -> Rpc<HashSet<i32>> {
    let list = packages::Wanted {
        tag_id: Some(wanted.tag_id),
        event: wanted.event,
        inherit: true,
        with_owners: false,
        ..packages::Wanted::default()
    };
    let entries = packages::read(db, &list).await?;
    Ok(entries.into_iter().filter(|entry| !entry.blocked).map(|entry| entry.package_id).collect())
}

/// All builds that fit but for their tag, what was tagged last first.
async fn select(db: &Db, wanted: &Wanted) -> Rpc<Select> {
    let select = Select::from("tag_listing")
        .join("tag ON tag.id = tag_listing.tag_id")
        .join("build ON build.id = tag_listing.build_id")
        .join("events ON events.id = build.create_event")
        .join("package ON package.id = build.pkg_id")
        .join("volume ON volume.id = build.volume_id")
        .join("users ON users.id = build.owner")
        .join("LEFT JOIN users AS promoter ON promoter.id = build.promoter")
        .columns(&[
            ("tag.id", "tag_id"),
            ("tag.name", "tag_name"),
            ("build.id", "id"),
            ("build.id", "build_id"),
            ("build.version", "version"),
            ("build.release", "release"),
            ("build.epoch", "epoch"),
            ("build.state", "state"),
            ("build.completion_time", "completion_time"),
            ("build.promotion_time", "promotion_time"),
            ("build.start_time", "start_time"),
            ("build.task_id", "task_id"),
            ("build.draft", "draft"),
            ("users.id", "owner_id"),
            ("users.name", "owner_name"),
            ("promoter.id", "promoter_id"),
            ("promoter.name", "promoter_name"),
            ("events.id", "creation_event_id"),
            ("events.time", "creation_time"),
            ("volume.id", "volume_id"),
            ("volume.name", "volume_name"),
            ("package.id", "package_id"),
            ("package.name", "package_name"),
            ("package.name", "name"),
            ("package.name || '-' || build.version || '-' || build.release", "nvr"),
            ("tag_listing.create_event", "create_event"),
        ])
        .at_event("tag_listing", wanted.event)
        .clause("build.state = ?", [BuildState::Complete.code().into()])
        .clause_if("package.name = ?", wanted.package.clone())
        .clause_if("users.name = ?", wanted.owner.clone())
        .clause_if("build.draft = ?", wanted.draft)
        .order("-create_event,-id");
    let select = if wanted.extra { select.column_as("build.extra", "extra", Kind::Json) } else { select };
    of_kind(db, select, wanted.kind.as_deref()).await
}

async fn of_kind(db: &Db, select: Select, kind: Option<&str>) -> Rpc<Select> {
    Ok(match kind {
        None => select,
        Some("maven") => select.join("maven_builds ON maven_builds.build_id = build.id").columns(&[
            ("maven_builds.group_id", "maven_group_id"),
            ("maven_builds.artifact_id", "maven_artifact_id"),
            ("maven_builds.version", "maven_version"),
        ]),
        Some("win") => {
            select.join("win_builds ON win_builds.build_id = build.id").column("win_builds.platform", "platform")
        }
        Some("image") => select.join("image_builds ON image_builds.build_id = build.id"),
        Some(other) => {
            let found = lookup::find(db, Table::BuildType, &NameOrId::Name(other.into())).await?;
            let btype = found.ok_or_else(|| error::generic(format!("Unsupported build type: {other}")))?;
            select
                .join("build_types ON build_types.build_id = build.id")
                .clause("build_types.btype_id = ?", [btype.id.into()])
        }
    })
}
