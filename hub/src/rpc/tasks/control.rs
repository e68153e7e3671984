//! What admins do to tasks by hand.

use toji_hub_macros::rpc;
use toji_scheduler::{log, transition};

use super::{Call, Rpc, store, tree};
use crate::db::{RowExt, Update};
use crate::error;
use crate::rpc::hosts::store as hosts;
use crate::rpc::{FromArg, NameOrId, Value};

/// Takes the task from its host, for any host to take.
///
/// Faults: a task that has ended, is free already or does not exist (1000).
#[rpc("freeTask(task_id)", write, perm = "admin")]
pub async fn free_task(call: &mut Call, task_id: i32) -> Rpc<()> {
    free(call, task_id).await
}

/// The same, without asking who wants it.
pub async fn free(call: &mut Call, id: i32) -> Rpc<()> {
    let standing = store::standing(call, id).await?;
    if !transition::free(call.db.tx().await?, &standing).await? {
        return Err(error::generic(format!("Cannot free task {id}, state is {}", standing.state)));
    }
    call.db.touched();
    call.wake_scheduler();
    Ok(())
}

/// Assigns a task to a host; false if it is not free. One that the host has already may be assigned again.
///
/// `force` takes any task in any state. With `override` the scheduler leaves the task there whatever happens.
/// Faults: a host or a task that does not exist (1000).
#[rpc("assignTask(task_id, host, force=False, override=False)", write, perm = "admin")]
pub async fn assign_task(call: &mut Call, task_id: i32, host: NameOrId, force: bool, r#override: bool) -> Rpc<bool> {
    let host = hosts::get(&call.db, &host).await?.int("id")?;
    let db = call.db.tx().await?;
    toji_scheduler::lock::take(db, true).await?;
    let standing = store::standing(call, task_id).await?;
    let assigned = if force {
        transition::seize(db, &standing, host).await?
    } else {
        transition::assign(db, &standing, host).await?
    };
    let note = match (assigned, r#override) {
        (false, _) => "Assignment failed",
        (true, true) => "Assigning task (override)",
        (true, false) => "Assigning task",
    };
    log::note(db, Some(task_id), Some(host), note).await?;
    match (assigned, r#override) {
        (false, _) => {}
        // Without a run of its own the task is nobody's to take back.
        (true, true) => toji_scheduler::end_runs(db, [task_id]).await?,
        (true, false) => toji_scheduler::begin_runs(db, &[(task_id, host)]).await?,
    }
    call.db.touched();
    call.wake_scheduler();
    Ok(assigned)
}

/// Sets a task's priority (smaller runs first), and with `recurse` that of all its descendants, also of those
/// that have ended.
///
/// Faults: a task that has ended or does not exist (1000).
#[rpc("setTaskPriority(task_id, priority, recurse=True)", write, perm = "admin")]
pub async fn set_task_priority(call: &mut Call, task_id: i32, priority: Value, recurse: bool) -> Rpc<()> {
    if store::standing(call, task_id).await?.state.is_finished() {
        return Err(error::generic(format!("the priority of task {task_id} cannot be set: it has ended")));
    }
    let priority = i32::from_arg(priority, "priority")?;
    let mut level = vec![task_id];
    let mut seen = std::collections::HashSet::new();
    while !level.is_empty() {
        level.retain(|id| seen.insert(*id));
        for id in &level {
            Update::table("task").set("priority", priority).clause("id = ?", [(*id).into()]).run(&call.db).await?;
        }
        level = if recurse { tree::child_ids(&call.db, &level).await? } else { vec![] };
    }
    call.wake_scheduler();
    Ok(())
}
