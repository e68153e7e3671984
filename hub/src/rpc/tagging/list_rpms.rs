//! `listTaggedRPMS` and `getLatestRPMS`.

use std::collections::HashMap;

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::list_builds::{find_tag, given, tag_id};
use super::listing::{self, Latest, Listing};
use super::{Call, Rpc};
use crate::db::{Db, Kind, Row, RowExt, Select};
use crate::error;
use crate::rpc::{AtEvent, FromArg, NameOrId};

/// The RPMs of the builds that a tag holds: a list of two, the RPMs and the builds.
///
/// RPMs are structs with `id, name, version, release, arch, epoch, draft, payloadhash, size, buildtime,
/// buildroot_id, build_id, metadata_only`, `extra` unless that is false, and `sigkey` with `rpmsigs`: then an
/// RPM comes once for each signature. `arch` is one or a list of them. The rest is as of `listTagged`, but
/// a tag that does not exist gives one empty list.
#[rpc(
    "listTaggedRPMS(tag, event=None, inherit=False, latest=False, package=None, arch=None, rpmsigs=False, owner=None, type=None, strict=True, extra=True, draft=None)",
    read
)]
pub async fn list_tagged_rpms(
    call: &mut Call,
    tag: NameOrId,
    event: AtEvent,
    inherit: bool,
    latest: Latest,
    package: Option<String>,
    arch: ArchList,
    sigs: bool,
    owner: Option<String>,
    kind: Option<NameOrId>,
    strict: bool,
    extra: bool,
    draft: Option<bool>,
) -> Rpc<Value> {
    let Some(tag) = find_tag(call, &tag, event, strict).await? else { return Ok(Value::Array(vec![])) };
    let (package, owner) = (given(package), given(owner));
    let listing = Listing { event: event.0, inherit, latest, package, owner, kind, draft, ..Listing::of(tag.id) };
    pair(rpms(&call.db, &listing, arch.0, sigs, extra).await?)
}

/// The RPMs of the last tagged build of each package that a tag holds or inherits, as of `listTaggedRPMS`.
///
/// An unknown tag name is a fault (1000); an unknown id holds nothing.
#[rpc("getLatestRPMS(tag, package=None, arch=None, event=None, rpmsigs=False, type=None, draft=None)", read)]
pub async fn get_latest_rpms(
    call: &mut Call,
    tag: NameOrId,
    package: Option<String>,
    arch: ArchList,
    event: AtEvent,
    sigs: bool,
    kind: Option<NameOrId>,
    draft: Option<bool>,
) -> Rpc<Value> {
    let tag_id = tag_id(call, &tag).await?;
    let (latest, package) = (Latest::Only(1.0), given(package));
    let listing = Listing { event: event.0, inherit: true, latest, package, kind, draft, ..Listing::of(tag_id) };
    pair(rpms(&call.db, &listing, arch.0, sigs, true).await?)
}

/// One arch or a list of them; nothing is no wish.
pub struct ArchList(Option<Vec<String>>);

impl FromArg for ArchList {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match value {
            ref value if !value.is_true() => Ok(Self(None)),
            Value::String(arch) => Ok(Self(Some(vec![arch]))),
            Value::Array(_) => Ok(Self(Some(Vec::from_arg(value, name)?))),
            other => Err(error::generic(format!("Invalid type for {name}: {}", other.repr()))),
        }
    }
}

fn pair((rpms, builds): (Vec<Row>, Vec<Row>)) -> Rpc<Value> {
    let list = |rows: Vec<Row>| Value::Array(rows.into_iter().map(Value::Struct).collect());
    Ok(Value::Array(vec![list(rpms), list(builds)]))
}

/// The RPMs of a tag's builds, and the builds. RPMs come tag by tag in the order of inheritance; those of a
/// build that several tags hold, with the last of them.
pub async fn rpms(
    db: &Db,
    listing: &Listing,
    arches: Option<Vec<String>>,
    sigs: bool,
    extra: bool,
) -> Rpc<(Vec<Row>, Vec<Row>)> {
    let builds = listing::builds(db, listing).await?;
    let mut select = Select::from("rpminfo").columns(&[
        ("rpminfo.id", "id"),
        ("rpminfo.name", "name"),
        ("rpminfo.version", "version"),
        ("rpminfo.release", "release"),
        ("rpminfo.arch", "arch"),
        ("rpminfo.epoch", "epoch"),
        ("rpminfo.draft", "draft"),
        ("rpminfo.payloadhash", "payloadhash"),
        ("rpminfo.size", "size"),
        ("rpminfo.buildtime", "buildtime"),
        ("rpminfo.buildroot_id", "buildroot_id"),
        ("rpminfo.build_id", "build_id"),
        ("rpminfo.metadata_only", "metadata_only"),
    ]);
    if sigs {
        select = select
            .join("LEFT JOIN rpmsigs ON rpmsigs.rpm_id = rpminfo.id")
            .column("rpmsigs.sigkey", "sigkey")
            .order("id,sigkey");
    } else {
        select = select.order("id");
    }
    if extra {
        select = select.column_as("rpminfo.extra", "extra", Kind::Json);
    }
    if let Some(arches) = arches {
        select = select.is_in_strings(db, "rpminfo.arch", &arches);
    }
    let select = select.clause_if("rpminfo.draft = ?", listing.draft);
    let order = Order::of(&builds)?;
    let rows = select.is_in(db, "rpminfo.build_id", &order.build_ids()).all(db).await?;
    Ok((order.sorted(rows)?, builds))
}

/// In which order the contents of builds are listed.
pub struct Order {
    /// Where the build's tag comes among the tags, by the build's id.
    places: HashMap<i32, usize>,
}

impl Order {
    pub fn of(builds: &[Row]) -> Rpc<Self> {
        let mut tags: HashMap<i32, usize> = HashMap::new();
        let mut places = HashMap::new();
        for build in builds {
            let next = tags.len();
            let place = *tags.entry(build.int("tag_id")?).or_insert(next);
            places.insert(build.int("build_id")?, place);
        }
        Ok(Self { places })
    }

    pub fn build_ids(&self) -> Vec<i32> {
        let mut ids: Vec<i32> = self.places.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Rows with a `build_id`, tag by tag, else in the order they have.
    pub fn sorted(&self, rows: Vec<Row>) -> Rpc<Vec<Row>> {
        let mut placed = rows
            .into_iter()
            .map(|row| Ok((self.places.get(&row.int("build_id")?).copied().unwrap_or(usize::MAX), row)))
            .collect::<Rpc<Vec<_>>>()?;
        placed.sort_by_key(|(place, _)| *place);
        Ok(placed.into_iter().map(|(_, row)| row).collect())
    }
}
