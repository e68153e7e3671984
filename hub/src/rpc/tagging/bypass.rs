//! Tagging and untagging at once, past the package list, for imports.

use toji_hub_macros::rpc;

use super::notify::{self, Tagging};
use super::{Call, Rpc, store};
use crate::rpc::NameOrId;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::sidetags;
use crate::rpc::tags;
use crate::rpc::tags::store::When;

/// Tags a build at once, whether or not its package is in the tag's list.
///
/// With `force`, admins pass locks, permissions and the policy `tag`, and a build that is tagged already
/// becomes the last tagged. With `notify`, those who want to know are told.
///
/// Faults: a tag or build that does not exist (1000), a build that is not complete or tagged already (1003),
/// locked tags, a missing permission, what the policy `tag` forbids (1004).
#[rpc("tagBuildBypass(tag, build, force=False, notify=False)", write, perm = "tag")]
pub async fn tag_build_bypass(call: &mut Call, tag: NameOrId, build: BuildRef, force: bool, notify: bool) -> Rpc<()> {
    let tag = tags::store::get(&call.db, &tag, When::Now).await?;
    let build = builds::get(&call.db, &build).await?;
    call.assert_policy("tag", store::policy_data(Some(&tag), None, &build, "tag"), force).await?;
    let user_id = call.user_id()?;
    tags::assert_access(&call.db, &tag, user_id, force).await?;
    store::tag(call, &tag, &build, user_id, force).await?;
    if notify {
        notify::tell(call, &Tagging::done(Some(tag.id), None, &build, user_id)).await?;
    }
    Ok(())
}

/// Untags a build at once. Options and faults as `tagBuildBypass`; a build that is not tagged is a fault
/// (1003) unless `strict` is false.
#[rpc("untagBuildBypass(tag, build, strict=True, force=False, notify=False)", write, perm = "tag")]
pub async fn untag_build_bypass(
    call: &mut Call,
    tag: NameOrId,
    build: BuildRef,
    strict: bool,
    force: bool,
    notify: bool,
) -> Rpc<()> {
    let tag = tags::store::get(&call.db, &tag, When::Now).await?;
    let build = builds::get(&call.db, &build).await?;
    call.assert_policy("tag", store::policy_data(None, Some(&tag), &build, "untag"), force).await?;
    let user_id = call.user_id()?;
    tags::assert_access(&call.db, &tag, user_id, force).await?;
    store::untag(call, &tag, &build, user_id, strict).await?;
    if notify {
        notify::tell(call, &Tagging::done(None, Some(tag.id), &build, user_id)).await?;
    }
    sidetags::after_untagging(call, tag.id).await
}
