//! `subtask`: a chain of tasks that wait for each other, `n` deep, with a `sleep` at its end. For
//! trying things out.

use async_trait::async_trait;

use crate::args;
use crate::task::{Handler, SubtaskOpts, Task, TaskError};
use crate::value::Value;

const LAST_SLEEP: i32 = 15;

pub struct Subtask;

#[async_trait]
impl Handler for Subtask {
    fn methods(&self) -> &'static [&'static str] {
        &["subtask"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let depth = task.args()?.opt_int("n")?.unwrap_or(4);
        let child = if depth > 0 {
            task.subtask("subtask", args![depth - 1], SubtaskOpts::labelled("foo")).await?
        } else {
            task.subtask("sleep", args![LAST_SLEEP], SubtaskOpts::labelled("bar")).await?
        };
        task.wait_for(child).await?;
        Ok(Value::Nil)
    }
}
