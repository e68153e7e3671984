//! A task on its host: opened, weighed, closed or failed.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::states::TaskState;
use toji_scheduler::transition;

use super::{Call, Rpc};
use crate::db::{RowExt, Update};
use crate::error;
use crate::rpc::tasks::{result, store};

/// Opens a task that is assigned to the host, or free: its struct as of `getTaskInfo`, with `request` as
/// XML-RPC text. Nil if it is neither, so that of two hosts only one gets it.
///
/// Faults: a task that does not exist (1000).
#[rpc("host.openTask(task_id)", write, host)]
pub async fn open_task(call: &mut Call, task_id: i32) -> Rpc<Value> {
    let host = call.assert_host().await?;
    let standing = store::standing(call, task_id).await?;
    if !transition::open(call.db.tx().await?, &standing, host).await? {
        return Ok(Value::Nil);
    }
    call.db.touched();
    let mut task = store::get(&call.db, task_id).await?;
    if let Ok(xml) = store::xml(task.text("request")) {
        task.insert("request".into(), Value::String(xml));
    }
    Ok(Value::Struct(task))
}

/// Closes the task with its result, an XML-RPC response as text.
///
/// Faults: a task that the host does not have open (1004), or that does not exist; text that is no response
/// (the task stays open).
#[rpc("host.closeTask(task_id, response)", write, host)]
pub async fn close_task(call: &mut Call, task_id: i32, response: String) -> Rpc<()> {
    let host = call.assert_host().await?;
    store::assert_host(call, task_id, host).await?;
    if let Err(why) = result::parse(&response) {
        return Err(error::param(format!("the response of task {task_id} is no XML-RPC response: {why}")));
    }
    finish(call, task_id, host, TaskState::Closed, &response).await
}

/// Fails the task, with a fault as XML-RPC text.
///
/// Faults: a task that the host does not have open (1004), or that does not exist.
#[rpc("host.failTask(task_id, response)", write, host)]
pub async fn fail_task(call: &mut Call, task_id: i32, response: String) -> Rpc<()> {
    let host = call.assert_host().await?;
    finish(call, task_id, host, TaskState::Failed, &response).await
}

async fn finish(call: &mut Call, id: i32, host: i32, end: TaskState, response: &str) -> Rpc<()> {
    let standing = store::assert_host(call, id, host).await?;
    if !transition::finish(call.db.tx().await?, &standing, host, end, response).await? {
        return Err(error::denied(format!("host {host} does not own task {id}")));
    }
    call.db.touched();
    call.wake_scheduler();
    Ok(())
}

/// Sets what the task weighs against the host's capacity.
///
/// Faults: a task that the host does not have open (1004), a weight that is negative or no number (1019).
#[rpc("host.setTaskWeight(task_id, weight)", write, host)]
pub async fn set_task_weight(call: &mut Call, task_id: i32, weight: f64) -> Rpc<()> {
    let host = call.assert_host().await?;
    store::assert_host(call, task_id, host).await?;
    if !weight.is_finite() || weight < 0.0 {
        return Err(error::param(format!("a task's weight is not negative: {weight}")));
    }
    Update::table("task")
        .set("weight", weight)
        .clause("id = ? AND host_id = ?", [task_id.into(), host.into()])
        .run(&call.db)
        .await?;
    call.wake_scheduler();
    Ok(())
}
