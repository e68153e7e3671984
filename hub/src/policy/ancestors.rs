//! Which tags a tag inherits from.

use std::collections::BTreeMap;

use crate::db::{Db, Row, RowExt, Select};
use crate::error::Rpc;

/// How many more steps may be taken; `None` is any number.
type Reach = Option<i32>;

/// The names of all tags that a tag inherits from, in no particular order.
///
/// A link's `maxdepth` limits what lies behind it, and an intransitive link counts only
/// for the tag that has it. Loops are harmless: a tag is looked at again only if it is
/// reached with more steps to go.
pub(super) async fn names(db: &Db, tag_id: i32, event: Option<i32>) -> Rpc<Vec<String>> {
    let mut found: BTreeMap<i32, (String, Reach)> = BTreeMap::new();
    let mut pending = vec![(tag_id, None)];
    while let Some((child, reach)) = pending.pop() {
        for link in links(db, child, event).await? {
            let parent = link.int("parent_id")?;
            if parent == tag_id || (link.is("intransitive") && child != tag_id) {
                continue;
            }
            let reach = behind(link.opt_int("maxdepth"), reach);
            if found.get(&parent).is_some_and(|(_, known)| covers(*known, reach)) {
                continue;
            }
            found.insert(parent, (link.text("name").to_owned(), reach));
            if reach.is_none_or(|steps| steps > 0) {
                pending.push((parent, reach));
            }
        }
    }
    Ok(found.into_values().map(|(name, _)| name).collect())
}

async fn links(db: &Db, tag_id: i32, event: Option<i32>) -> Rpc<Vec<Row>> {
    Select::from("tag_inheritance")
        .join("tag ON tag.id = tag_inheritance.parent_id")
        .columns(&[
            ("parent_id", "parent_id"),
            ("tag.name", "name"),
            ("maxdepth", "maxdepth"),
            ("intransitive", "intransitive"),
        ])
        .at_event("tag_inheritance", event)
        .clause("tag_inheritance.tag_id = ?", [tag_id.into()])
        .all(db)
        .await
}

/// The steps left behind a link, given those left before it.
fn behind(maxdepth: Option<i32>, reach: Reach) -> Reach {
    match (maxdepth, reach) {
        (limit, None) => limit,
        (None, Some(steps)) => Some(steps - 1),
        (Some(limit), Some(steps)) => Some(limit.min(steps) - 1),
    }
}

fn covers(known: Reach, reach: Reach) -> bool {
    match (known, reach) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(known), Some(reach)) => known >= reach,
    }
}
