//! `shutdown`: ends the worker that runs it.

use async_trait::async_trait;

use crate::task::{Handler, Task, TaskError};
use crate::value::Value;

pub struct Shutdown;

#[async_trait]
impl Handler for Shutdown {
    fn methods(&self) -> &'static [&'static str] {
        &["shutdown"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.0
    }

    fn foreground(&self) -> bool {
        true
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        task.args()?;
        tracing::warn!(task = task.id, "a task asks this worker to end");
        task.control.stop();
        Ok(Value::Nil)
    }
}
