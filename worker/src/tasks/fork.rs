//! `fork`: leaves processes behind. For trying out that nothing of a task outlives it.

use std::process::Stdio;

use async_trait::async_trait;
use tokio::process::Command;

use crate::task::{Handler, Task, TaskError};
use crate::value::Value;

/// More would try out the host rather than the worker.
const MOST: i64 = 1000;

pub struct Fork;

#[async_trait]
impl Handler for Fork {
    fn methods(&self) -> &'static [&'static str] {
        &["fork"]
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let count = args.opt_int("n")?.unwrap_or(5);
        let seconds = args.opt_int("m")?.unwrap_or(37);
        if !(0..=MOST).contains(&count) {
            return Err(TaskError::parameter(format!("fork: n must be between 0 and {MOST}")));
        }
        let mut children = Vec::new();
        for _ in 0..count {
            let mut sleep = Command::new("sleep");
            sleep.arg(seconds.max(0).to_string()).stdin(Stdio::null()).kill_on_drop(true);
            children.push(sleep.spawn().map_err(|error| TaskError::io("sleep", error))?);
        }
        // The task ends, and its processes with it.
        drop(children);
        Ok(Value::Nil)
    }
}
