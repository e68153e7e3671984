//! `sleep`: does nothing for a while. For trying things out.

use std::time::Duration;

use async_trait::async_trait;

use crate::task::{Handler, Task, TaskError};
use crate::value::{Value, ValueExt};

pub struct Sleep;

#[async_trait]
impl Handler for Sleep {
    fn methods(&self) -> &'static [&'static str] {
        &["sleep"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.25
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let seconds = args.need("n")?.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let time = seconds.ok_or_else(|| TaskError::parameter("sleep: n must be a number of seconds"))?;
        task.sleep(time).await?;
        Ok(Value::Nil)
    }
}
