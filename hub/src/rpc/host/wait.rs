//! A task that waits for its subtasks.
//!
//! The parent is marked `waiting` and weighs nothing meanwhile; the subtasks it waits for are `awaited`. When one
//! of them ends the parent's host is told. Only the host that has the parent changes these marks.

use toji_hub_macros::rpc;
use toji_proto::states::TaskState;
use toji_proto::{FaultCode, Value, value};

use super::{Call, Rpc};
use crate::db::{RowExt, Select, in_list};
use crate::error::Error;
use crate::rpc::FromArg;
use crate::rpc::tasks::store;

/// Marks the parent as waiting for these of its subtasks (a list of ids), or for all (nil).
#[rpc("host.taskSetWait(parent, tasks)", write, host)]
pub async fn task_set_wait(call: &mut Call, parent: i32, tasks: Value) -> Rpc<()> {
    let host = call.assert_host().await?;
    let awaited: Option<Vec<i32>> = Option::from_arg(tasks, "tasks")?;
    if !mark_waiting(call, parent, host, true).await? {
        return Ok(());
    }
    match awaited {
        None => {
            let sql = "UPDATE task SET awaited = TRUE WHERE parent = ?";
            call.db.execute(sql, vec![parent.into()]).await?;
        }
        Some(awaited) if !awaited.is_empty() => {
            let (these, params) = in_list(call.db.is_postgres(), "id", &awaited);
            let parent_and = |params: Vec<_>| [vec![parent.into()], params].concat();
            let sql = format!("UPDATE task SET awaited = TRUE WHERE parent = ? AND {these}");
            call.db.execute(&sql, parent_and(params.clone())).await?;
            let sql = format!("UPDATE task SET awaited = FALSE WHERE parent = ? AND awaited = TRUE AND NOT {these}");
            call.db.execute(&sql, parent_and(params)).await?;
        }
        Some(_) => {}
    }
    // What waits leaves room for others.
    call.wake_scheduler();
    Ok(())
}

/// The awaited subtasks, as two lists of ids: those that have ended since the last time, and the others.
#[rpc("host.taskWait(parent)", write, host)]
pub async fn task_wait(call: &mut Call, parent: i32) -> Rpc<Value> {
    let host = call.assert_host().await?;
    let rows = Select::from("task")
        .columns(&[("id", "id"), ("state", "state")])
        .clause("parent = ? AND awaited = TRUE", [parent.into()])
        .order("id")
        .all(&call.db)
        .await?;
    let (mut finished, mut unfinished) = (Vec::new(), Vec::new());
    for row in rows {
        let ended = row.opt_int("state").and_then(TaskState::from_code).is_some_and(TaskState::is_finished);
        if ended { &mut finished } else { &mut unfinished }.push(row.int("id")?);
    }
    if !finished.is_empty() {
        let (these, params) = in_list(call.db.is_postgres(), "id", &finished);
        let ours = "parent IN (SELECT id FROM task WHERE id = ? AND host_id = ?)";
        let sql = format!("UPDATE task SET awaited = FALSE WHERE {ours} AND {these}");
        call.db.execute(&sql, [vec![parent.into(), host.into()], params].concat()).await?;
    }
    Ok(value!([finished, unfinished]))
}

/// The results of these subtasks, or of all that have ended (nil), as lists of id and result; the parent waits no
/// more. A failed one's fault is raised; for those in `canfail` it is a struct with `faultCode` and `faultString`
/// instead, also if they were cancelled.
///
/// Faults: a task that has not ended, was cancelled, or does not exist (1000).
#[rpc("host.taskWaitResults(parent, tasks, canfail=None)", write, host)]
pub async fn task_wait_results(
    call: &mut Call,
    parent: i32,
    tasks: Option<Vec<i32>>,
    canfail: Option<Vec<i32>>,
) -> Rpc<Vec<Value>> {
    let host = call.assert_host().await?;
    let canfail = canfail.unwrap_or_default();
    if mark_waiting(call, parent, host, false).await? {
        let sql = "UPDATE task SET awaited = FALSE WHERE parent = ?";
        call.db.execute(sql, vec![parent.into()]).await?;
    }
    let tasks = match tasks {
        Some(tasks) => tasks,
        None => {
            let ended = Select::from("task").column("id", "id").clause("parent = ?", [parent.into()]);
            ended.clause("state IN (2, 3, 5)", []).order("id").values(&call.db).await?
        }
    };
    let mut results = Vec::with_capacity(tasks.len());
    for id in tasks {
        let may_fail = canfail.contains(&id);
        let result = match store::result(&call.db, id, !may_fail).await {
            Ok(result) => result,
            Err(Error::Fault { text, .. }) if may_fail && is_cancelled(call, id).await? => {
                value!({ "faultCode": FaultCode::Generic.code(), "faultString": text })
            }
            Err(e) => return Err(e),
        };
        results.push(value!([id, result]));
    }
    Ok(results)
}

async fn is_cancelled(call: &Call, id: i32) -> Rpc<bool> {
    let state: Option<i32> = call.db.value("SELECT state FROM task WHERE id = ?", vec![id.into()]).await?;
    Ok(state == Some(TaskState::Canceled.code()))
}

/// False if the host does not have the parent.
async fn mark_waiting(call: &Call, parent: i32, host: i32, waiting: bool) -> Rpc<bool> {
    let sql = "UPDATE task SET waiting = ? WHERE id = ? AND host_id = ?";
    Ok(call.db.execute(sql, vec![waiting.into(), parent.into(), host.into()]).await? > 0)
}
