//! `waittest`: waits for some sleeping children, one of which fails and may. For trying things out.

use async_trait::async_trait;

use crate::args;
use crate::task::{Handler, SubtaskOpts, Task, TaskError, Wait};
use crate::value::Value;

const MOST: i64 = 1000;

pub struct WaitTest;

#[async_trait]
impl Handler for WaitTest {
    fn methods(&self) -> &'static [&'static str] {
        &["waittest"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let count = args.int("count")?;
        let seconds = args.opt_int("seconds")?.unwrap_or(10);
        if !(0..=MOST).contains(&count) {
            return Err(TaskError::parameter(format!("waittest: count must be between 0 and {MOST}")));
        }
        let mut children = Vec::new();
        for number in 0..count {
            children.push(task.subtask("sleep", args![seconds], SubtaskOpts::labelled(number.to_string())).await?);
        }
        let bad = task.subtask("sleep", args!["no number"], SubtaskOpts::labelled("bad")).await?;
        children.push(bad);
        let how = Wait { all: true, fail_any: true, can_fail: vec![bad], ..Wait::default() };
        let outcomes = task.wait(&children, how).await?;
        tracing::info!(task = task.id, ?outcomes, "the children have ended");
        Ok(Value::Nil)
    }
}
