//! `getInheritanceData` and `getFullInheritance`.

use toji_hub_macros::rpc;
use toji_proto::value::Record;
use toji_proto::{Value, ValueExt};

use super::inheritance::{self, Direction};
use super::{Call, Rpc};
use crate::error;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{AtEvent, NameOrId, Struct};

/// A tag's links to its parents, by priority: structs with `child_id, parent_id, name` (of the parent),
/// `priority, maxdepth, intransitive, noconfig, pkg_filter`.
///
/// Faults: a tag that does not exist (1000).
#[rpc("getInheritanceData(tag, event=None)", read)]
pub async fn get_inheritance_data(call: &mut Call, tag: NameOrId, event: AtEvent) -> Rpc<Vec<Record>> {
    let tag = lookup::get(&call.db, Table::Tag, &tag).await?;
    let links = inheritance::parents(&call.db, tag.id, event.0).await?;
    Ok(links.iter().map(|link| link.record("child_id")).collect())
}

/// The order of inheritance: structs as of `getInheritanceData`, and `currdepth` (from 1), `nextdepth` (how
/// much further it goes, nil for any) and `filter` (all filters on the way).
///
/// With `reverse`, the tags that inherit from it; then the structs have `tag_id` (the child) instead of
/// `child_id`, and `name` is the child's. An unknown id inherits nothing; an unknown name is a fault (1000).
/// The options `stops` and `jumps` of old may only be empty (1019).
#[rpc("getFullInheritance(tag, event=None, reverse=False, **kwargs)", read)]
pub async fn get_full_inheritance(
    call: &mut Call,
    tag: NameOrId,
    event: AtEvent,
    reverse: bool,
    kwargs: Struct,
) -> Rpc<Vec<Record>> {
    for (name, value) in &kwargs {
        match name.as_str() {
            "stops" | "jumps" if !value.is_true() => {}
            "stops" | "jumps" => return Err(error::param(format!("The option {name} was removed"))),
            _ => return Err(error::param(format!("getFullInheritance: unknown argument {name}"))),
        }
    }
    let tag_id = match tag {
        NameOrId::Id(id) => id,
        NameOrId::Name(_) => lookup::get(&call.db, Table::Tag, &tag).await?.id,
    };
    let (direction, child) = if reverse { (Direction::Children, "tag_id") } else { (Direction::Parents, "child_id") };
    let steps = inheritance::walk(&call.db, tag_id, event.0, direction).await?;
    let records = steps.into_iter().map(|step| {
        step.link
            .record(child)
            .set("currdepth", step.depth)
            .set("nextdepth", step.depth_left)
            .set("filter", step.filters.into_iter().map(Value::String).collect::<Vec<_>>())
    });
    Ok(records.collect())
}
