//! A build without a task.

use toji_hub_macros::rpc;
use toji_proto::nvr::Nvr;
use toji_proto::{Value, ValueExt};

use super::new::{self, NewBuild};
use crate::rpc::{Call, Rpc, lookup};

/// Creates a complete build that has no content yet; returns its id.
///
/// `owner` is the caller if not given. A draft's release gets `,draft_ID` appended. Faults: the build
/// exists, unless it failed or was canceled (then its id is used again); a draft's target exists.
#[rpc("createEmptyBuild(name, version, release, epoch, owner=None, draft=False)", write, perm = "admin")]
pub async fn create_empty_build(
    call: &mut Call,
    name: Option<String>,
    version: String,
    release: String,
    epoch: Option<i32>,
    owner: Value,
    draft: bool,
) -> Rpc<i32> {
    let nvr = Nvr { name: name.unwrap_or_default(), version, release, epoch: None };
    let mut build = NewBuild { draft, ..NewBuild::complete(call, nvr, epoch)? };
    if owner.is_true() {
        build.owner = lookup::user_id(&call.db, &owner).await?;
    }
    new::create(call, build, false).await
}
