//! `restart` and `restartVerify`: the two halves of restarting one host's worker.
//!
//! The first asks for the restart and ends; the worker takes no more tasks and begins a new life
//! when the running ones have ended. The second runs in that new life and makes sure that it is one.

use async_trait::async_trait;
use toji_proto::states::TaskState;

use crate::args;
use crate::hub::host::state;
use crate::task::{Handler, Task, TaskError};
use crate::value::{Lookup, Value, ValueExt};

pub struct Restart;
pub struct RestartVerify;

#[async_trait]
impl Handler for Restart {
    fn methods(&self) -> &'static [&'static str] {
        &["restart"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    fn foreground(&self) -> bool {
        true
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        check_host(task, task.args()?.need("host")?)?;
        tracing::warn!(task = task.id, "a task asks this worker to restart");
        task.control.restart();
        Ok(Value::String("the worker restarts when its running tasks have ended".into()))
    }
}

#[async_trait]
impl Handler for RestartVerify {
    fn methods(&self) -> &'static [&'static str] {
        &["restartVerify"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    fn foreground(&self) -> bool {
        true
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let first = args.id("task_id")?;
        let info = task.hub.call("getTaskInfo", args![first]).await?;
        let found = state(&info);
        if found != Some(TaskState::Closed) {
            let found = found.map_or("unknown", TaskState::name);
            return Err(TaskError::generic(format!("task {first}, which was to restart the worker, is {found}")));
        }
        check_host(task, args.need("host")?)?;
        let asked = info.get("completion_ts").and_then(Value::as_f64).unwrap_or(f64::MAX);
        if task.control.started < asked {
            return Err(TaskError::generic(format!(
                "the worker did not restart: it runs since {:.0}, task {first} ended at {asked:.0}",
                task.control.started
            )));
        }
        Ok(Value::Nil)
    }
}

fn check_host(task: &Task, host: &Value) -> Result<(), TaskError> {
    match host.get_id("id") {
        Some(id) if id == task.host_id => Ok(()),
        id => {
            Err(TaskError::generic(format!("the task is for host {}, this is host {}", id.unwrap_or(0), task.host_id)))
        }
    }
}
