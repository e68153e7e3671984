//! `deleteBuildTarget`.

use toji_hub_macros::rpc;

use super::{Call, Rpc, store};
use crate::rpc::NameOrId;

/// Deletes a build target; one that was deleted before stays so. Faults: an unknown one (1000).
#[rpc("deleteBuildTarget(buildTargetInfo)", write, perm = "target")]
pub async fn delete_build_target(call: &mut Call, target: NameOrId) -> Rpc<()> {
    let target = store::get_named(&call.db, &target).await?;
    store::revoke_config(call, target.id).await
}
