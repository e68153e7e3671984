//! `default`: what a task of an unknown kind used to become. It can only fail.

use async_trait::async_trait;

use crate::task::{Handler, Task, TaskError};
use crate::value::Value;

pub struct Default;

#[async_trait]
impl Handler for Default {
    fn methods(&self) -> &'static [&'static str] {
        &["default"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        Err(TaskError::generic(format!("{} is no kind of task that can be run", task.method)))
    }
}
