//! Package lists in the database.

use std::collections::{BTreeMap, HashMap, HashSet};

use toji_proto::value;

use crate::db::{Db, Insert, Row, RowExt, Select};
use crate::error::Rpc;
use crate::rpc::Call;
use crate::rpc::tags::{Filters, inheritance};

/// An entry of a tag's package list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub package_id: i32,
    pub package: String,
    /// The tag whose own entry it is.
    pub tag_id: i32,
    pub tag: String,
    /// Separated by spaces: built for besides the tag's own.
    pub extra_arches: Option<String>,
    pub blocked: bool,
    /// Id and name; only if asked for.
    pub owner: Option<(i32, String)>,
}

impl Entry {
    /// A struct with `package_id, package_name, tag_id, tag_name, extra_arches, blocked`, and `owner_id` and
    /// `owner_name` if asked for.
    pub fn row(self) -> Row {
        let mut row = Row::from([
            ("package_id".into(), value!(self.package_id)),
            ("package_name".into(), value!(self.package)),
            ("tag_id".into(), value!(self.tag_id)),
            ("tag_name".into(), value!(self.tag)),
            ("extra_arches".into(), value!(self.extra_arches)),
            ("blocked".into(), value!(self.blocked)),
        ]);
        if let Some((id, name)) = self.owner {
            row.insert("owner_id".into(), value!(id));
            row.insert("owner_name".into(), value!(name));
        }
        row
    }
}

/// Which entries to read: those that fit all that is given.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub tag_id: Option<i32>,
    pub owner_id: Option<i32>,
    pub package_id: Option<i32>,
    pub event: Option<i32>,
    /// Also what the tag inherits.
    pub inherit: bool,
    /// Also entries that do not count because an earlier one of the same package does.
    pub with_dups: bool,
    pub with_owners: bool,
    pub with_blocked: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            tag_id: None,
            owner_id: None,
            package_id: None,
            event: None,
            inherit: false,
            with_dups: false,
            with_owners: true,
            with_blocked: true,
        }
    }
}

/// Reads entries: by the order of inheritance, and within a tag by age. Blocked ones are among them. Without
/// `with_dups` there is one per package: the first in the order of inheritance or, where that does not matter,
/// the latest made.
pub async fn read(db: &Db, wanted: &Wanted) -> Rpc<Vec<Entry>> {
    let mut picked = Picked { entries: Vec::new(), groups: HashMap::new(), with_dups: wanted.with_dups };
    let Some(tag_id) = wanted.tag_id.filter(|_| wanted.inherit) else {
        for entry in select(db, wanted, wanted.tag_id.as_slice()).await? {
            picked.add_or_replace(entry);
        }
        return Ok(picked.flattened());
    };
    let steps = inheritance::order(db, tag_id, wanted.event).await?;
    let mut tags: Vec<i32> = steps.iter().map(|step| step.link.parent_id).chain([tag_id]).collect();
    tags.sort_unstable();
    tags.dedup();
    let mut by_tag: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
    for entry in select(db, wanted, &tags).await? {
        by_tag.entry(entry.tag_id).or_default().push(entry);
    }
    for entry in by_tag.get(&tag_id).into_iter().flatten() {
        picked.add(entry.clone());
    }
    let filters = Filters::of(&steps)?;
    for step in &steps {
        for entry in by_tag.get(&step.link.parent_id).into_iter().flatten() {
            if filters.pass(step, &entry.package)? {
                picked.add(entry.clone());
            }
        }
    }
    Ok(picked.flattened())
}

/// The entry that counts for a package in a tag, inherited or not.
pub async fn find(db: &Db, tag_id: i32, package_id: i32, event: Option<i32>) -> Rpc<Option<Entry>> {
    let (tag_id, package_id) = (Some(tag_id), Some(package_id));
    let wanted = Wanted { tag_id, package_id, event, inherit: true, ..Wanted::default() };
    Ok(read(db, &wanted).await?.into_iter().next())
}

/// The ids of the packages whose builds a tag lists: those with an entry, inherited or not, that is not
/// blocked.
pub async fn listed(db: &Db, tag_id: i32, package_id: Option<i32>, event: Option<i32>) -> Rpc<HashSet<i32>> {
    let wanted =
        Wanted { tag_id: Some(tag_id), package_id, event, inherit: true, with_owners: false, ..Wanted::default() };
    let entries = read(db, &wanted).await?.into_iter();
    Ok(entries.filter(|entry| !entry.blocked).map(|entry| entry.package_id).collect())
}

/// Writes a tag's own entry in place of the one there may be.
pub async fn write(
    call: &mut Call,
    tag_id: i32,
    package_id: i32,
    owner_id: i32,
    blocked: bool,
    extra_arches: Option<String>,
) -> Rpc<()> {
    remove(call, tag_id, package_id).await?;
    let insert = Insert::into("tag_packages")
        .set("tag_id", tag_id)
        .set("package_id", package_id)
        .set("blocked", blocked)
        .set("extra_arches", extra_arches);
    call.open_version(insert).await?;
    write_owner(call, tag_id, package_id, owner_id).await
}

/// Makes a user the owner of a package in a tag.
pub async fn write_owner(call: &mut Call, tag_id: i32, package_id: i32, owner_id: i32) -> Rpc<()> {
    let pair = [tag_id.into(), package_id.into()];
    call.revoke_versions("tag_package_owners", "tag_id = ? AND package_id = ?", pair).await?;
    let insert =
        Insert::into("tag_package_owners").set("tag_id", tag_id).set("package_id", package_id).set("owner", owner_id);
    call.open_version(insert).await
}

/// Removes a tag's own entry, if there is one; who owned it is kept.
pub async fn remove(call: &mut Call, tag_id: i32, package_id: i32) -> Rpc<()> {
    let pair = [tag_id.into(), package_id.into()];
    call.revoke_versions("tag_packages", "tag_id = ? AND package_id = ?", pair).await?;
    Ok(())
}

/// The entries of these tags (or of all, if there are none) by age.
async fn select(db: &Db, wanted: &Wanted, tags: &[i32]) -> Rpc<Vec<Entry>> {
    let mut select = Select::from("tag_packages")
        .join("tag ON tag.id = tag_packages.tag_id")
        .join("package ON package.id = tag_packages.package_id")
        .columns(&[
            ("package.id", "package_id"),
            ("package.name", "package_name"),
            ("tag.id", "tag_id"),
            ("tag.name", "tag_name"),
            ("tag_packages.extra_arches", "extra_arches"),
            ("tag_packages.blocked", "blocked"),
            ("tag_packages.create_event", "create_event"),
        ])
        .at_event("tag_packages", wanted.event)
        .clause_if("tag_packages.package_id = ?", wanted.package_id)
        .order("create_event,package_id,tag_id");
    if !tags.is_empty() {
        select = select.is_in(db, "tag_packages.tag_id", tags);
    }
    if wanted.with_owners {
        select = select
            .join(
                "tag_package_owners ON tag_package_owners.tag_id = tag_packages.tag_id \
                 AND tag_package_owners.package_id = tag_packages.package_id",
            )
            .join("users ON users.id = tag_package_owners.owner")
            .columns(&[("users.id", "owner_id"), ("users.name", "owner_name")])
            .at_event("tag_package_owners", wanted.event)
            .clause_if("users.id = ?", wanted.owner_id);
    }
    if !wanted.with_blocked {
        select = select.clause("NOT tag_packages.blocked", []);
    }
    select.all(db).await?.iter().map(entry_of).collect()
}

fn entry_of(row: &Row) -> Rpc<Entry> {
    Ok(Entry {
        package_id: row.int("package_id")?,
        package: row.text("package_name").into(),
        tag_id: row.int("tag_id")?,
        tag: row.text("tag_name").into(),
        extra_arches: row.opt_text("extra_arches").map(Into::into),
        blocked: row.is("blocked"),
        owner: row.opt_int("owner_id").map(|id| (id, row.text("owner_name").into())),
    })
}

/// Entries by package, in the order in which packages came up.
struct Picked {
    entries: Vec<Vec<Entry>>,
    groups: HashMap<i32, usize>,
    with_dups: bool,
}

impl Picked {
    fn add(&mut self, entry: Entry) {
        match self.groups.get(&entry.package_id) {
            None => {
                self.groups.insert(entry.package_id, self.entries.len());
                self.entries.push(vec![entry]);
            }
            Some(group) if self.with_dups => self.entries[*group].push(entry),
            Some(_) => {}
        }
    }

    /// Unless duplicates are wanted, takes the place of an earlier entry of the same package.
    fn add_or_replace(&mut self, entry: Entry) {
        match self.groups.get(&entry.package_id) {
            Some(group) if !self.with_dups => self.entries[*group] = vec![entry],
            _ => self.add(entry),
        }
    }

    fn flattened(self) -> Vec<Entry> {
        self.entries.into_iter().flatten().collect()
    }
}
