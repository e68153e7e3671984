//! Side tags: a tag and target of one's own, on top of a base tag, for whoever is allowed to have one.
//!
//! A side tag is told by its extra settings: `sidetag` (true), `sidetag_user` and `sidetag_user_id` (its owner),
//! and `with_debuginfo`. Its name is made from the base tag's name and its own id. Only the owner and admins may
//! change or remove it, and only as far as the base tag allows.

mod create;
mod edit;
mod list;
mod remove;

use toji_proto::ValueExt;

use super::tags::store::{self as tags, Tag, When};
use super::{Call, Method, NameOrId, Rpc};
use crate::error;

pub use remove::after_untagging;

pub const METHODS: &[Method] =
    &[create::CREATE_SIDE_TAG, edit::EDIT_SIDE_TAG, list::LIST_SIDE_TAGS, remove::REMOVE_SIDE_TAG];

/// The side tag, if the caller may change it. Faults: a tag that does not exist or is no side tag (1000),
/// somebody else's (1004).
async fn own(call: &Call, tag: &NameOrId) -> Rpc<Tag> {
    let tag = tags::get(&call.db, tag, When::Now).await?;
    if !is_side_tag(&tag) {
        return Err(error::generic(format!("{} is no side tag", tag.name)));
    }
    let owner = tag.settings().get("sidetag_user_id").and_then(ValueExt::as_i64);
    if owner == Some(call.user_id()?.into()) || call.has_perm("admin").await? {
        Ok(tag)
    } else {
        Err(error::denied(format!("The side tag {} belongs to somebody else", tag.name)))
    }
}

fn is_side_tag(tag: &Tag) -> bool {
    tag.settings().get("sidetag").is_some_and(ValueExt::is_true)
}
