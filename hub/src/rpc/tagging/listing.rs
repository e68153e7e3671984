//! Which builds a tag holds: the reader that all listings share.

use std::collections::{BTreeMap, HashMap, HashSet};

use toji_proto::states::BuildState;
use toji_proto::{Value, ValueExt};

use crate::db::{Db, Kind, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::packages::store as packages;
use crate::rpc::tags::inheritance;
use crate::rpc::{FromArg, NameOrId};

/// How many builds of each package, the last tagged first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latest {
    All,
    /// At most so many; none if it is negative.
    Only(f64),
}

impl FromArg for Latest {
    /// True is one; zero and what else is false are all.
    fn from_arg(value: Value, _: &str) -> Rpc<Self> {
        Ok(match value.as_f64() {
            _ if !value.is_true() => Self::All,
            Some(count) => Self::Only(count),
            None => Self::Only(1.0),
        })
    }
}

impl Latest {
    fn admits(self, so_far: u32) -> bool {
        match self {
            Self::All => true,
            Self::Only(count) => f64::from(so_far) < count,
        }
    }
}

/// What to list.
#[derive(Clone, Debug)]
pub struct Listing {
    pub tag_id: i32,
    /// As of this event, or now.
    pub event: Option<i32>,
    /// Also what the tag inherits.
    pub inherit: bool,
    pub latest: Latest,
    /// Only of this package, by name.
    pub package: Option<String>,
    /// Only this user's, by name.
    pub owner: Option<String>,
    /// Only builds of a type: `maven`, `win` and `image` add columns of their own.
    pub kind: Option<NameOrId>,
    pub extra: bool,
    /// Only drafts, or only others.
    pub draft: Option<bool>,
}

impl Listing {
    /// All builds of a tag, now.
    pub fn of(tag_id: i32) -> Self {
        Self {
            tag_id,
            event: None,
            inherit: false,
            latest: Latest::All,
            package: None,
            owner: None,
            kind: None,
            extra: false,
            draft: None,
        }
    }
}

/// The tag, and what it inherits from if asked for, in the order in which builds count. A tag that inheritance
/// lists again stands there again.
pub async fn tags(db: &Db, listing: &Listing) -> Rpc<Vec<i32>> {
    let mut tags = vec![listing.tag_id];
    if listing.inherit {
        let steps = inheritance::order(db, listing.tag_id, listing.event).await?;
        tags.extend(steps.iter().map(|step| step.link.parent_id));
    }
    Ok(tags)
}

/// The complete builds that a tag holds, the last tagged first, tag by tag in the order of inheritance.
///
/// Builds of packages that the tag's list lacks or blocks are passed over. Rows have `tag_id, tag_name, id,
/// build_id, version, release, epoch, state, completion_time, promotion_time, start_time, task_id, draft,
/// owner_id, owner_name, promoter_id, promoter_name, creation_event_id, creation_time, volume_id,
/// volume_name, package_id, package_name, name, nvr, create_event` (of the tagging), `extra` if asked for, and
/// for some types their own columns. An unknown type is a general fault.
pub async fn builds(db: &Db, listing: &Listing) -> Rpc<Vec<Row>> {
    let select = of_kind(db, select(listing), listing.kind.as_ref()).await?;
    let package_id = match &listing.package {
        Some(name) => match lookup::find(db, Table::Package, &NameOrId::Name(name.clone())).await? {
            Some(package) => Some(package.id),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let listed = packages::listed(db, listing.tag_id, package_id, listing.event).await?;
    let tags = tags(db, listing).await?;
    let rows = select
        .clause_if("build.pkg_id = ?", package_id)
        .is_in(db, "tag_listing.tag_id", &distinct(&tags))
        .all(db)
        .await?;

    let mut by_tag: HashMap<i32, Vec<Row>> = HashMap::new();
    for row in rows {
        by_tag.entry(row.int("tag_id")?).or_default().push(row);
    }
    pick(by_tag, &tags, &listed, listing.latest)
}

/// The tags, each once, in their order.
pub fn distinct(tags: &[i32]) -> Vec<i32> {
    let mut seen = HashSet::new();
    tags.iter().copied().filter(|tag| seen.insert(*tag)).collect()
}

fn pick(mut by_tag: HashMap<i32, Vec<Row>>, tags: &[i32], listed: &HashSet<i32>, latest: Latest) -> Rpc<Vec<Row>> {
    let mut visits: BTreeMap<i32, u32> = BTreeMap::new();
    for tag in tags {
        *visits.entry(*tag).or_default() += 1;
    }
    let mut picked = Vec::new();
    let mut counts: HashMap<i32, u32> = HashMap::new();
    for tag in tags {
        let last_visit = visits.get_mut(tag).is_none_or(|left| {
            *left -= 1;
            *left == 0
        });
        let rows = if last_visit { by_tag.remove(tag) } else { by_tag.get(tag).cloned() };
        for row in rows.into_iter().flatten() {
            let package_id = row.int("package_id")?;
            let count = counts.entry(package_id).or_default();
            if listed.contains(&package_id) && latest.admits(*count) {
                *count += 1;
                picked.push(row);
            }
        }
    }
    Ok(picked)
}

fn select(listing: &Listing) -> Select {
    let mut select = Select::from("tag_listing")
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
        .at_event("tag_listing", listing.event)
        .clause("build.state = ?", [BuildState::Complete.code().into()])
        .clause_if("users.name = ?", listing.owner.clone())
        .clause_if("build.draft = ?", listing.draft)
        .order("-create_event,-id");
    if listing.extra {
        select = select.column_as("build.extra", "extra", Kind::Json);
    }
    select
}

async fn of_kind(db: &Db, select: Select, kind: Option<&NameOrId>) -> Rpc<Select> {
    let Some(kind) = kind else { return Ok(select) };
    Ok(match kind {
        NameOrId::Name(name) if name == "maven" => {
            select.join("maven_builds ON maven_builds.build_id = build.id").columns(&[
                ("maven_builds.group_id", "maven_group_id"),
                ("maven_builds.artifact_id", "maven_artifact_id"),
                ("maven_builds.version", "maven_version"),
            ])
        }
        NameOrId::Name(name) if name == "win" => {
            select.join("win_builds ON win_builds.build_id = build.id").column("win_builds.platform", "platform")
        }
        NameOrId::Name(name) if name == "image" => select.join("image_builds ON image_builds.build_id = build.id"),
        other => {
            let found = lookup::find(db, Table::BuildType, other).await?;
            let id = found.ok_or_else(|| error::generic(format!("unsupported build type: {other}")))?.id;
            select
                .join("build_types ON build_types.build_id = build.id")
                .clause("build_types.btype_id = ?", [id.into()])
        }
    })
}

#[cfg(test)]
mod tests {
    use toji_proto::value;

    use super::*;

    #[test]
    fn latest_is_read_as_clients_mean_it() {
        let latest = |value: Value| Latest::from_arg(value, "latest").unwrap();
        assert_eq!(latest(value!(false)), Latest::All);
        assert_eq!(latest(value!(0)), Latest::All);
        assert_eq!(latest(Value::Nil), Latest::All);
        assert_eq!(latest(value!(true)), Latest::Only(1.0));
        assert_eq!(latest(value!("yes")), Latest::Only(1.0));
        assert!(latest(value!(2)).admits(1) && !latest(value!(2)).admits(2));
        assert!(!latest(value!(-1)).admits(0));
    }
}
