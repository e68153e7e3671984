//! Cancelling: a task, what hangs on it, or the whole tree that it belongs to.

use std::collections::HashSet;

use toji_hub_macros::rpc;
use toji_proto::states::{BuildState, TaskState};
use toji_scheduler::transition;

use super::{Call, Rpc, store, tree};
use crate::error;
use crate::rpc::builds;

/// Cancels a task, and with `recurse` its descendants as far as they are not cancelled already. Builds that a
/// cancelled task had under way are cancelled too. One that has ended stays as it is.
///
/// For its owner, the host that runs it, and admins (1004). Faults: a task that does not exist (1000).
#[rpc("cancelTask(task_id, recurse=True)", write)]
pub async fn cancel_task(call: &mut Call, task_id: i32, recurse: bool) -> Rpc<()> {
    store::assert_steers(call, task_id).await?;
    cancel(call, task_id, recurse).await?;
    Ok(())
}

/// Cancels a task's descendants, but not the task itself. For those who may cancel the task.
#[rpc("cancelTaskChildren(task_id)", write, login)]
pub async fn cancel_task_children(call: &mut Call, task_id: i32) -> Rpc<()> {
    store::assert_steers(call, task_id).await?;
    let children = tree::child_ids(&call.db, &[task_id]).await?;
    cancel_down(call, children).await
}

/// Cancels a task and all its descendants, also below those that were cancelled before.
///
/// Faults: a task that is not at the top (1000); without `strict`, the top above it is cancelled instead.
#[rpc("cancelTaskFull(task_id, strict=True)", write, perm = "admin")]
pub async fn cancel_task_full(call: &mut Call, task_id: i32, strict: bool) -> Rpc<()> {
    cancel_full(call, task_id, strict).await
}

/// Cancels a task, without asking who wants it. False if it had ended otherwise.
pub async fn cancel(call: &mut Call, id: i32, recurse: bool) -> Rpc<bool> {
    let state = store::standing(call, id).await?.state;
    if state.is_finished() {
        return Ok(state == TaskState::Canceled);
    }
    if recurse {
        cancel_down(call, vec![id]).await?;
    } else {
        cancel_one(call, id).await?;
    }
    Ok(true)
}

/// Cancels the top of the tree that the task is in and everything below it; see `cancelTaskFull`.
pub async fn cancel_full(call: &mut Call, id: i32, strict: bool) -> Rpc<()> {
    let mut top = store::standing(call, id).await?;
    if let Some(parent) = top.parent.filter(|_| strict) {
        return Err(error::generic(format!("Task {id} is not top-level (parent={parent})")));
    }
    let mut seen = HashSet::from([id]);
    while let Some(parent) = top.parent {
        if !seen.insert(parent) {
            return Err(error::generic(format!("Task {id} is its own ancestor")));
        }
        top = store::standing(call, parent).await?;
    }
    let mut level = vec![top.id];
    let mut seen = HashSet::new();
    while !level.is_empty() {
        level.retain(|id| seen.insert(*id));
        for id in &level {
            cancel_one(call, *id).await?;
        }
        level = tree::child_ids(&call.db, &level).await?;
    }
    Ok(())
}

/// Cancels these tasks, and on below those that were not finished.
async fn cancel_down(call: &mut Call, mut level: Vec<i32>) -> Rpc<()> {
    while !level.is_empty() {
        let mut cancelled = Vec::new();
        for id in level {
            if cancel_one(call, id).await? {
                cancelled.push(id);
            }
        }
        level = tree::child_ids(&call.db, &cancelled).await?;
    }
    Ok(())
}

/// Cancels a task and its builds that are under way. False if it had ended.
async fn cancel_one(call: &mut Call, id: i32) -> Rpc<bool> {
    let standing = store::standing(call, id).await?;
    if !transition::cancel(call.db.tx().await?, &standing).await? {
        return Ok(false);
    }
    call.db.touched();
    call.wake_scheduler();
    cancel_builds(call, id).await?;
    Ok(true)
}

async fn cancel_builds(call: &mut Call, task: i32) -> Rpc<()> {
    let sql = "SELECT id FROM build WHERE task_id = ? AND state = ? ORDER BY id";
    for build in call.db.values::<i32>(sql, vec![task.into(), BuildState::Building.code().into()]).await? {
        builds::cancel::cancel(call, build, Some(task)).await?;
    }
    Ok(())
}
