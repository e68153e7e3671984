//! A build without a task.

use toji_hub_macros::rpc;
use toji_proto::nvr::Nvr;

use super::new::{self, NewBuild};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, Rpc};

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
    owner: Option<UserRef>,
    draft: bool,
) -> Rpc<i32> {
    let nvr = Nvr { name: name.unwrap_or_default(), version, release, epoch: None };
    let mut build = NewBuild { draft, ..NewBuild::complete(call, nvr, epoch)? };
    if let Some(owner) = owner {
        build.owner = users::get(call, &owner).await?.id;
    }
    new::create(call, build, false).await
}
