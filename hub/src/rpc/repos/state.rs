//! How a repository ends.

use toji_hub_macros::rpc;
use toji_proto::states::RepoState;

use super::{Call, Rpc, store};
use crate::error;

/// Marks a repository expired: no new build uses it.
///
/// Faults: one that does not exist, has a problem, or is deleted (1000).
#[rpc("repoExpire(repo_id)", write, perm = "repo")]
pub async fn repo_expire(call: &mut Call, repo_id: i32) -> Rpc<()> {
    store::set_state(call, repo_id, RepoState::Expired).await
}

/// Marks a repository as broken.
///
/// Faults: one that does not exist or is deleted (1000).
#[rpc("repoProblem(repo_id)", write, perm = "repo")]
pub async fn repo_problem(call: &mut Call, repo_id: i32) -> Rpc<()> {
    store::set_state(call, repo_id, RepoState::Problem).await
}

/// Marks a repository deleted, unless buildroots use it. Returns how many do. Its files stay for now.
///
/// Faults: one that does not exist (1000).
#[rpc("repoDelete(repo_id)", write, perm = "repo")]
pub async fn repo_delete(call: &mut Call, repo_id: i32) -> Rpc<usize> {
    let references = store::references(&call.db, repo_id).await?.len();
    if references == 0 {
        store::set_state(call, repo_id, RepoState::Deleted).await?;
    }
    Ok(references)
}

/// Moves a repository to a state: 0 INIT, 1 READY, 2 EXPIRED, 3 DELETED, 4 PROBLEM. States only go up, but for
/// DELETED, which follows any other and is the end. Staying in a state is no fault.
///
/// Faults: an unknown state (1019), a repository that does not exist, a step back (1000).
#[rpc("repo.setState(repo_id, state)", write, perm = "repo")]
pub async fn set_state(call: &mut Call, repo_id: i32, state: i32) -> Rpc<()> {
    let state = RepoState::from_code(state).ok_or_else(|| error::param(format!("Unknown repo state: {state}")))?;
    store::set_state(call, repo_id, state).await
}
