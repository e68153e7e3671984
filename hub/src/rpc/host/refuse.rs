//! Giving tasks back.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};
use toji_scheduler::refusals::{self, Refusal};
use toji_scheduler::transition;

use super::{Call, Rpc};
use crate::error;
use crate::rpc::FromArg;
use crate::rpc::tasks::{control, store};

/// Frees those of the tasks that the host has open; of others it may have lost, which is no fault.
///
/// Faults: a task that does not exist (1000).
#[rpc("host.freeTasks(tasks)", write, host)]
pub async fn free_tasks(call: &mut Call, tasks: Vec<i32>) -> Rpc<()> {
    let host = call.assert_host().await?;
    for id in tasks {
        let standing = store::standing(call, id).await?;
        if standing.is_open_on(host) && transition::free(call.db.tx().await?, &standing).await? {
            call.db.touched();
            call.wake_scheduler();
        }
    }
    Ok(())
}

/// Gives back a task that was assigned to the host or is open there, and keeps it from coming again: for some
/// time if `soft`, or else for good. Another host's task is left alone.
///
/// Faults: a task that has ended or does not exist (1000).
#[rpc("host.refuseTask(task_id, soft=True, msg='')", write, host)]
pub async fn refuse_task(call: &mut Call, task_id: i32, soft: Value, msg: Value) -> Rpc<()> {
    if soft.is_nil() {
        return Err(error::param("Invalid type for soft: expected a truth value, got None"));
    }
    let reason = match msg {
        Value::Nil => return Err(error::param("Invalid type for msg: expected a string, got None")),
        Value::String(reason) => reason,
        other => other.repr().to_string(),
    };
    let host = call.assert_host().await?;
    if store::standing(call, task_id).await?.host != Some(host) {
        return Ok(());
    }
    let refusal = Refusal { soft: bool::from_arg(soft, "soft")?, by_host: true, reason: &reason };
    refusals::refuse(call.db.tx().await?, task_id, host, refusal).await?;
    control::free(call, task_id).await
}
