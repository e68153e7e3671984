//! `getTag` and `getTagID`.

use toji_hub_macros::rpc;
use toji_proto::value::Record;

use super::store::{self, When};
use super::{Call, Rpc};
use crate::error;
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};

/// A tag: a struct with `id, name, perm_id, perm, arches, locked, maven_support, maven_include_all, extra`.
///
/// `event` looks at the past: an event's id, or `auto` for the last version of a tag that may have been
/// deleted; then `query_event` tells the event looked at, and `revoke_event` when the tag was deleted. With
/// `blocked`, the values in `extra` are pairs of blocked and value.
///
/// A tag that does not exist (at that event) is nil or, with `strict`, a fault (1000).
#[rpc("getTag(tagInfo, strict=False, event=None, blocked=False)", read)]
pub async fn get_tag(call: &mut Call, tag: NameOrId, strict: bool, event: When, blocked: bool) -> Rpc<Option<Record>> {
    match store::find(&call.db, &tag, event).await? {
        Some(found) if blocked => Ok(Some(found.record_with_blocks())),
        Some(found) => Ok(Some(found.record())),
        None if strict => Err(store::no_such(&tag)),
        None => Ok(None),
    }
}

/// The id of a tag's name, whether the tag was deleted or not.
///
/// An unknown name is nil; with `strict` it is a fault (1000), with `create` it gets an id, although no tag
/// exists yet.
#[rpc("getTagID(info, strict=False, create=False)", write)]
pub async fn get_tag_id(call: &mut Call, info: NameOrId, strict: bool, create: bool) -> Rpc<Option<i32>> {
    if strict {
        return Ok(Some(lookup::get(&call.db, Table::Tag, &info).await?.id));
    }
    if let Some(found) = lookup::find(&call.db, Table::Tag, &info).await? {
        return Ok(Some(found.id));
    }
    match info {
        NameOrId::Name(_) if create => Ok(Some(lookup::get_or_create(&call.db, Table::Tag, &info).await?.id)),
        NameOrId::Id(id) if create => Err(error::generic(format!("A new tag needs a name, not the id {id}"))),
        _ => Ok(None),
    }
}
