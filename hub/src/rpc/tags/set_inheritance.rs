//! `setInheritanceData`.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::inheritance::{self, Link};
use super::store;
use super::{Call, Rpc};
use crate::db::Insert;
use crate::error;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{FromArg, NameOrId, Struct};

/// Changes what a tag inherits from.
///
/// `data` is one link or a list of them: structs with `parent_id, priority, maxdepth, intransitive, noconfig,
/// pkg_filter`, or with `parent_id` and a true `delete link`. Links that are not named stay unless `clear`.
///
/// Faults: a tag or parent that does not exist, a missing member, two links of the same priority (1000). A
/// filter that is no regular expression is a fault only where it is used.
#[rpc("setInheritanceData(tag, data, clear=False)", write)]
pub async fn set_inheritance_data(call: &mut Call, tag: NameOrId, data: Value, clear: bool) -> Rpc<()> {
    let tag = lookup::get(&call.db, Table::Tag, &tag).await?;
    call.assert_perm("tag").await?;
    let items = match data {
        Value::Array(items) => items,
        one => vec![one],
    };
    let changes = items.into_iter().map(Change::read).collect::<Rpc<Vec<_>>>()?;
    write(call, tag.id, &changes, clear).await
}

/// A change of the link to one parent.
#[derive(Clone, Debug)]
pub enum Change {
    /// Adds the link, or replaces the one there is.
    Link(ParentLink),
    Delete {
        parent_id: i32,
    },
}

/// A link as its child defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentLink {
    pub parent_id: i32,
    pub priority: i32,
    pub maxdepth: Option<i32>,
    pub intransitive: bool,
    pub noconfig: bool,
    pub pkg_filter: Option<String>,
}

impl From<Link> for ParentLink {
    fn from(link: Link) -> Self {
        let Link { parent_id, priority, maxdepth, intransitive, noconfig, pkg_filter, .. } = link;
        Self { parent_id, priority, maxdepth, intransitive, noconfig, pkg_filter }
    }
}

impl Change {
    /// A link without bounds.
    pub fn plain_parent(parent_id: i32, priority: i32) -> Self {
        let pkg_filter = Some(String::new());
        Self::Link(ParentLink { parent_id, priority, maxdepth: None, intransitive: false, noconfig: false, pkg_filter })
    }

    fn read(value: Value) -> Rpc<Self> {
        let mut link = Struct::from_arg(value, "data")?;
        let deletes = link.get("delete link").is_some_and(ValueExt::is_true);
        let parent_id = take(&mut link, "parent_id")?;
        if deletes {
            return Ok(Self::Delete { parent_id });
        }
        Ok(Self::Link(ParentLink {
            parent_id,
            priority: take(&mut link, "priority")?,
            maxdepth: take(&mut link, "maxdepth")?,
            intransitive: take(&mut link, "intransitive")?,
            noconfig: take(&mut link, "noconfig")?,
            pkg_filter: take(&mut link, "pkg_filter")?,
        }))
    }

    fn parent_id(&self) -> i32 {
        match self {
            Self::Link(link) => link.parent_id,
            Self::Delete { parent_id } => *parent_id,
        }
    }
}

fn take<T: FromArg>(link: &mut Struct, name: &str) -> Rpc<T> {
    let value = link.remove(name).ok_or_else(|| error::generic(format!("An inheritance link needs {name}")))?;
    T::from_arg(value, name)
}

/// Changes a tag's links, whoever the caller is; faults as `setInheritanceData` does. With `clear`, all other
/// links go, and those given are written even if they are as they were.
pub async fn write(call: &mut Call, tag_id: i32, changes: &[Change], clear: bool) -> Rpc<()> {
    let parent_ids: Vec<i32> = changes.iter().map(Change::parent_id).collect();
    let parents = store::many(&call.db, &parent_ids, None).await?;
    if let Some(absent) = parent_ids.iter().find(|id| !parents.contains_key(id)) {
        return Err(store::no_such(&NameOrId::Id(*absent)));
    }

    let present = inheritance::parents(&call.db, tag_id, None).await?;
    let before: BTreeMap<i32, ParentLink> = present.into_iter().map(|link| (link.parent_id, link.into())).collect();
    let mut after = if clear { BTreeMap::new() } else { before.clone() };
    let mut rewritten: Vec<i32> = if clear { before.keys().copied().collect() } else { Vec::new() };
    for change in changes {
        match change {
            Change::Link(link) => {
                if after.insert(link.parent_id, link.clone()).as_ref() != Some(link) {
                    rewritten.push(link.parent_id);
                }
            }
            Change::Delete { parent_id } => {
                after.remove(parent_id);
                rewritten.push(*parent_id);
            }
        }
    }
    check_priorities(tag_id, &after)?;
    rewritten.sort_unstable();
    rewritten.dedup();
    // First all revocations: the new links may take over priorities of the old ones.
    for parent_id in rewritten.iter().filter(|id| before.contains_key(id)) {
        let pair = [tag_id.into(), (*parent_id).into()];
        call.revoke_versions("tag_inheritance", "tag_id = ? AND parent_id = ?", pair).await?;
    }
    for link in rewritten.iter().filter_map(|id| after.get(id)) {
        open(call, tag_id, link.clone()).await?;
    }
    Ok(())
}

fn check_priorities(tag_id: i32, links: &BTreeMap<i32, ParentLink>) -> Rpc<()> {
    let mut by_priority = BTreeMap::new();
    for link in links.values() {
        if let Some(other) = by_priority.insert(link.priority, link.parent_id) {
            return Err(error::generic(format!(
                "The parents {other} and {} of tag {tag_id} cannot both have the priority {}",
                link.parent_id, link.priority
            )));
        }
    }
    Ok(())
}

async fn open(call: &mut Call, tag_id: i32, link: ParentLink) -> Rpc<()> {
    let insert = Insert::into("tag_inheritance")
        .set("tag_id", tag_id)
        .set("parent_id", link.parent_id)
        .set("priority", link.priority)
        .set("maxdepth", link.maxdepth)
        .set("intransitive", link.intransitive)
        .set("noconfig", link.noconfig)
        .set("pkg_filter", link.pkg_filter);
    call.open_version(insert).await
}
