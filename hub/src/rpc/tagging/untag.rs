//! `untagBuild`.

use toji_hub_macros::rpc;

use super::notify::{self, Tagging};
use super::{Call, Rpc, store};
use crate::rpc::NameOrId;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::sidetags;
use crate::rpc::tags;
use crate::rpc::tags::store::When;

/// Untags a build at once; those who want to know are told.
///
/// With `force`, admins pass locks, permissions and the policy `tag`.
///
/// Faults: a tag or build that does not exist (1000), a build that is not tagged, if `strict` (1003), locked
/// tags, a missing permission, what the policy `tag` forbids (1004).
#[rpc("untagBuild(tag, build, strict=True, force=False)", write, login)]
pub async fn untag_build(call: &mut Call, tag: NameOrId, build: BuildRef, strict: bool, force: bool) -> Rpc<()> {
    let tag = tags::store::get(&call.db, &tag, When::Now).await?;
    let build = builds::get(&call.db, &build).await?;
    call.assert_policy("tag", store::policy_data(None, Some(&tag), &build, "untag"), force).await?;
    let user_id = call.user_id()?;
    tags::assert_access(&call.db, &tag, user_id, force).await?;
    store::untag(call, &tag, &build, user_id, strict).await?;
    notify::tell(call, &Tagging::done(None, Some(tag.id), &build, user_id)).await?;
    sidetags::after_untagging(call, tag.id).await
}
