//! `deleteExternalRepo`.

use toji_hub_macros::rpc;

use super::store;
use super::{Call, Rpc};
use crate::rpc::NameOrId;

/// Takes an external repository off all tags and deletes it; it can still be read at earlier events.
///
/// Faults: a repository that does not exist (1000).
#[rpc("deleteExternalRepo(info)", write, perm = "admin")]
pub async fn delete_external_repo(call: &mut Call, repo: NameOrId) -> Rpc<()> {
    let repo = store::get(&call.db, &repo, None).await?;
    call.revoke_versions("tag_external_repos", "external_repo_id = ?", [repo.id.into()]).await?;
    store::revoke_config(call, repo.id).await
}
