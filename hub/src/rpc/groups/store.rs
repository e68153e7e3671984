//! Comps groups in the database.

use std::collections::{BTreeMap, HashMap, HashSet};

use toji_proto::Value;
use toji_proto::value::Record;

use super::options::Flag;
use crate::db::{Db, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::Named;
use crate::rpc::tags::inheritance;

/// A group as a tag lists it, by itself or inherited.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub id: i32,
    pub name: String,
    /// The tag whose entry it is.
    pub tag_id: i32,
    pub settings: Settings,
    /// Blocked ones are among them; none if the group is blocked. By tag in the order of inheritance, then by
    /// age.
    pub packages: Vec<Package>,
    /// Likewise; those on groups that the tag does not list, or blocks, are left out.
    pub requirements: Vec<Requirement>,
}

/// What an entry says about its group.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub blocked: bool,
    pub exported: Flag,
    pub display_name: String,
    pub is_default: Flag,
    pub uservisible: Flag,
    pub description: Option<String>,
    pub langonly: Option<String>,
    pub biarchonly: Flag,
}

/// A package, or a pattern for some, that belongs to a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    pub group_id: i32,
    pub tag_id: i32,
    pub name: String,
    pub blocked: bool,
    /// `mandatory`, `default`, `optional` or `conditional`.
    pub kind: String,
    pub basearchonly: Flag,
    pub requires: Option<String>,
}

/// A group that another one requires.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    pub group_id: i32,
    pub tag_id: i32,
    pub required_id: i32,
    pub required: String,
    pub blocked: bool,
    /// As of `Package`.
    pub kind: Option<String>,
    pub is_metapkg: bool,
}

/// What to read of the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Also what the tag inherits.
    pub inherit: bool,
    pub packages: bool,
    pub requirements: bool,
}

impl Wanted {
    pub const ALL: Self = Self { inherit: true, packages: true, requirements: true };
    pub const PACKAGES: Self = Self { requirements: false, ..Self::ALL };
    pub const REQUIREMENTS: Self = Self { packages: false, ..Self::ALL };
    pub const GROUPS: Self = Self { packages: false, requirements: false, inherit: true };
}

/// The groups of a tag, now or at an event, blocked ones among them. By tag in the order of inheritance, then
/// by id.
pub async fn all(db: &Db, tag_id: i32, event: Option<i32>, wanted: Wanted) -> Rpc<Vec<Group>> {
    let tags = if wanted.inherit { inheritance::chain(db, tag_id, event).await? } else { vec![tag_id] };
    let mut groups = Groups::default();
    for group in read(db, groups_of(event), &tags, group_of).await? {
        groups.add(group);
    }
    if wanted.packages {
        let mut seen = HashSet::new();
        for package in read(db, packages_of(event), &tags, package_of).await? {
            if let Some(group) = groups.unblocked(package.group_id)
                && seen.insert((group.id, package.name.clone()))
            {
                group.packages.push(package);
            }
        }
    }
    if wanted.requirements {
        let mut seen = HashSet::new();
        for requirement in read(db, requirements_of(event), &tags, requirement_of).await? {
            if groups.unblocked(requirement.required_id).is_none() {
                continue;
            }
            if let Some(group) = groups.unblocked(requirement.group_id)
                && seen.insert((group.id, requirement.required_id))
            {
                group.requirements.push(requirement);
            }
        }
    }
    Ok(groups.list)
}

/// The groups of a tag that are not blocked, with their packages and requirements that are not blocked.
pub async fn unblocked(db: &Db, tag_id: i32, event: Option<i32>, wanted: Wanted) -> Rpc<Vec<Group>> {
    let mut groups = all(db, tag_id, event, wanted).await?;
    groups.retain(|group| !group.settings.blocked);
    for group in &mut groups {
        group.packages.retain(|package| !package.blocked);
        group.requirements.retain(|requirement| !requirement.blocked);
    }
    Ok(groups)
}

/// The group among a tag's groups; a general fault if the tag does not list it, or blocks it.
pub fn usable(groups: Vec<Group>, group: &Named, tag: &Named) -> Rpc<Group> {
    match groups.into_iter().find(|listed| listed.id == group.id) {
        Some(listed) if listed.settings.blocked => {
            Err(error::generic(format!("The group {} is blocked in tag {}", group.name, tag.name)))
        }
        Some(listed) => Ok(listed),
        None => Err(error::generic(format!("Tag {} does not list the group {}", tag.name, group.name))),
    }
}

impl Group {
    /// A struct with `group_id, name, tag_id, blocked, exported, display_name, is_default, uservisible,
    /// description, langonly, biarchonly` and, if they were wanted, `packagelist` and `grouplist`.
    pub fn record(self, wanted: Wanted) -> Record {
        let Settings { blocked, exported, display_name, is_default, uservisible, description, langonly, biarchonly } =
            self.settings;
        let packages = wanted.packages.then(|| self.packages.into_iter().map(Package::record).collect::<Vec<_>>());
        let requirements =
            wanted.requirements.then(|| self.requirements.into_iter().map(Requirement::record).collect::<Vec<_>>());
        Record::new()
            .set("group_id", self.id)
            .set("name", self.name)
            .set("tag_id", self.tag_id)
            .set("blocked", blocked)
            .set("exported", exported.0)
            .set("display_name", display_name)
            .set("is_default", is_default.0)
            .set("uservisible", uservisible.0)
            .set("description", description)
            .set("langonly", langonly)
            .set("biarchonly", biarchonly.0)
            .set_some("packagelist", packages)
            .set_some("grouplist", requirements)
    }
}

impl Package {
    /// A struct with `group_id, tag_id, package, blocked, type, basearchonly, requires`.
    fn record(self) -> Record {
        Record::new()
            .set("group_id", self.group_id)
            .set("tag_id", self.tag_id)
            .set("package", self.name)
            .set("blocked", self.blocked)
            .set("type", self.kind)
            .set("basearchonly", self.basearchonly.0)
            .set("requires", self.requires)
    }
}

impl Requirement {
    /// A struct with `group_id, tag_id, req_id, name` (of the required group), `blocked, type, is_metapkg`.
    fn record(self) -> Record {
        Record::new()
            .set("group_id", self.group_id)
            .set("tag_id", self.tag_id)
            .set("req_id", self.required_id)
            .set("name", self.required)
            .set("blocked", self.blocked)
            .set("type", self.kind)
            .set("is_metapkg", self.is_metapkg)
    }
}

/// The groups found so far; the first entry of each counts.
#[derive(Default)]
struct Groups {
    list: Vec<Group>,
    by_id: HashMap<i32, usize>,
}

impl Groups {
    fn add(&mut self, group: Group) {
        if !self.by_id.contains_key(&group.id) {
            self.by_id.insert(group.id, self.list.len());
            self.list.push(group);
        }
    }

    fn unblocked(&mut self, id: i32) -> Option<&mut Group> {
        let place = self.by_id.get(&id)?;
        self.list.get_mut(*place).filter(|group| !group.settings.blocked)
    }
}

/// Reads the entries of some tags, in the order of the tags.
async fn read<T>(db: &Db, select: Select, tags: &[i32], entry: fn(&Row) -> Rpc<T>) -> Rpc<Vec<T>> {
    let mut by_tag: BTreeMap<i32, Vec<T>> = BTreeMap::new();
    for row in select.is_in(db, "tag_id", tags).all(db).await? {
        by_tag.entry(row.int("tag_id")?).or_default().push(entry(&row)?);
    }
    Ok(tags.iter().filter_map(|tag| by_tag.remove(tag)).flatten().collect())
}

fn groups_of(event: Option<i32>) -> Select {
    let columns =
        ["blocked", "exported", "display_name", "is_default", "uservisible", "description", "langonly", "biarchonly"];
    Select::from("group_config")
        .join("groups ON groups.id = group_config.group_id")
        .columns(&[("group_id", "group_id"), ("groups.name", "name"), ("tag_id", "tag_id")])
        .columns(&columns.map(|column| (column, column)))
        .at_event("group_config", event)
        .order("group_id")
}

fn packages_of(event: Option<i32>) -> Select {
    let columns = ["group_id", "tag_id", "package", "blocked", "type", "basearchonly", "requires", "create_event"];
    Select::from("group_package_listing")
        .columns(&columns.map(|column| (column, column)))
        .at_event("group_package_listing", event)
        .order("create_event,package")
}

fn requirements_of(event: Option<i32>) -> Select {
    let columns = ["group_id", "tag_id", "req_id", "blocked", "type", "is_metapkg", "create_event"];
    Select::from("group_req_listing")
        .join("groups ON groups.id = group_req_listing.req_id")
        .columns(&columns.map(|column| (column, column)))
        .column("groups.name", "name")
        .at_event("group_req_listing", event)
        .order("create_event,req_id")
}

fn group_of(row: &Row) -> Rpc<Group> {
    Ok(Group {
        id: row.int("group_id")?,
        name: row.text("name").into(),
        tag_id: row.int("tag_id")?,
        settings: Settings {
            blocked: row.is("blocked"),
            exported: flag(row, "exported"),
            display_name: row.text("display_name").into(),
            is_default: flag(row, "is_default"),
            uservisible: flag(row, "uservisible"),
            description: row.opt_text("description").map(Into::into),
            langonly: row.opt_text("langonly").map(Into::into),
            biarchonly: flag(row, "biarchonly"),
        },
        packages: Vec::new(),
        requirements: Vec::new(),
    })
}

fn package_of(row: &Row) -> Rpc<Package> {
    Ok(Package {
        group_id: row.int("group_id")?,
        tag_id: row.int("tag_id")?,
        name: row.text("package").into(),
        blocked: row.is("blocked"),
        kind: row.text("type").into(),
        basearchonly: flag(row, "basearchonly"),
        requires: row.opt_text("requires").map(Into::into),
    })
}

fn requirement_of(row: &Row) -> Rpc<Requirement> {
    Ok(Requirement {
        group_id: row.int("group_id")?,
        tag_id: row.int("tag_id")?,
        required_id: row.int("req_id")?,
        required: row.text("name").into(),
        blocked: row.is("blocked"),
        kind: row.opt_text("type").map(Into::into),
        is_metapkg: row.is("is_metapkg"),
    })
}

fn flag(row: &Row, column: &str) -> Flag {
    match row.get(column) {
        Some(Value::Boolean(set)) => Flag(Some(*set)),
        _ => Flag(None),
    }
}
