//! A round of the scheduler on a call's behalf.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};
use toji_scheduler::round::Round;

use super::{Call, Rpc};
use crate::error;

/// Runs the scheduler now. False if it did not: because it runs elsewhere, or ran less than RunInterval seconds
/// ago; `force` waits for the former and does not ask for the latter.
#[rpc("scheduler.doRun(force=False)", write, perm = "admin")]
pub async fn do_run(call: &mut Call, force: Value) -> Rpc<bool> {
    if force.is_nil() {
        return Err(error::param("Invalid type for force: expected a truth value, got None"));
    }
    round(call, force.is_true()).await
}

/// The same, within any call that writes.
pub async fn round(call: &mut Call, force: bool) -> Rpc<bool> {
    let limits = call.hub.options.scheduler_limits();
    let done = toji_scheduler::round::run(call.db.tx().await?, &limits, force).await?;
    if done != Round::NotDue {
        call.db.touched();
        // For the messages to the hosts.
        call.wake_scheduler();
    }
    Ok(done == Round::Ran)
}
