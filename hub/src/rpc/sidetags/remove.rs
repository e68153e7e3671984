//! `removeSideTag`, and the removal of side tags that became empty.

use toji_hub_macros::rpc;

use super::{Call, Rpc, is_side_tag, own};
use crate::db::Select;
use crate::error;
use crate::rpc::NameOrId;
use crate::rpc::tags::delete;
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::targets::store as targets;

/// Removes a side tag and its target. Only its owner and admins may.
///
/// Faults: a tag that does not exist or is no side tag, a target that is missing or leads elsewhere (1000),
/// somebody else's side tag (1004).
#[rpc("removeSideTag(sidetag)", write, login)]
pub async fn remove_side_tag(call: &mut Call, side_tag: NameOrId) -> Rpc<()> {
    let tag = own(call, &side_tag).await?;
    remove(call, &tag).await
}

/// Removes a side tag from which the last build was untagged, if the option SidetagRemoveEmpty says so. One
/// whose target is not as it was made stays.
pub async fn after_untagging(call: &mut Call, tag_id: i32) -> Rpc<()> {
    if !call.hub.options.sidetag_remove_empty {
        return Ok(());
    }
    let Some(tag) = tags::find(&call.db, &NameOrId::Id(tag_id), When::Now).await? else { return Ok(()) };
    if !is_side_tag(&tag) {
        return Ok(());
    }
    let left = Select::from("tag_listing").clause("tag_id = ?", [tag_id.into()]).at_event("tag_listing", None);
    if left.count(&call.db).await? > 0 || check_target(call, &tag).await.is_err() {
        return Ok(());
    }
    remove(call, &tag).await
}

async fn remove(call: &mut Call, tag: &Tag) -> Rpc<()> {
    let target_id = check_target(call, tag).await?;
    targets::revoke_config(call, target_id).await?;
    delete::delete(call, &NameOrId::Id(tag.id)).await
}

/// The id of a side tag's target, which builds in it and for it.
async fn check_target(call: &Call, tag: &Tag) -> Rpc<i32> {
    let target = targets::find(&call.db, &NameOrId::Name(tag.name.clone()), None).await?;
    let target = target.ok_or_else(|| error::generic(format!("The target of side tag {} is missing", tag.name)))?;
    if (target.build_tag, target.dest_tag) != (tag.id, tag.id) {
        return Err(error::generic(format!("The target {} leads elsewhere than to its side tag", target.name)));
    }
    Ok(target.id)
}
