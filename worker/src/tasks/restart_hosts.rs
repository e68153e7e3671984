//! `restartHosts`: restarts the workers of many hosts and waits until all are back.
//!
//! Among them may be the host that runs this task. While it waits it does not keep its worker from
//! restarting: the worker gives it back, and the next run finds the children by their labels.

use std::time::Duration;

use async_trait::async_trait;

use crate::args;
use crate::task::{Handler, SubtaskOpts, Task, TaskError, Wait};
use crate::value::{Lookup, Value, ValueExt};

const DEFAULT_TIMEOUT: i64 = 24 * 3600;

pub struct RestartHosts;

#[async_trait]
impl Handler for RestartHosts {
    fn methods(&self) -> &'static [&'static str] {
        &["restartHosts"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let options = task.args()?.opts("options")?;
        let mut query = crate::members! { "enabled" => true };
        if let Some(channel) = options.get("channel") {
            let named = crate::members! { "strict" => true };
            let channel = task.hub.call_named("getChannel", args![channel], named).await?;
            query.insert("channelID".into(), channel.get("id").cloned().unwrap_or(Value::Nil));
        }
        if let Some(arches) = options.get("arches") {
            query.insert("arches".into(), arches.clone());
        }
        let hosts = task.hub.call_named("listHosts", vec![], query).await?;
        let hosts = hosts.as_array().unwrap_or_default();
        if hosts.is_empty() {
            return Err(TaskError::generic("no enabled host matches"));
        }
        let timeout = options.get_int("timeout").unwrap_or(DEFAULT_TIMEOUT);
        let timeout = Duration::from_secs(u64::try_from(timeout).unwrap_or_default());
        let mut children = Vec::new();
        for host in hosts {
            let id = host.get_id("id").ok_or_else(|| TaskError::generic(format!("a host without an id: {host:?}")))?;
            let opts = |label: String| SubtaskOpts { assign: Some(id), ..SubtaskOpts::labelled(label) };
            let restart = task.subtask("restart", args![host], opts(format!("restart {id}"))).await?;
            let verify = task.subtask("restartVerify", args![restart, host], opts(format!("sleep {id}"))).await?;
            children.extend([restart, verify]);
        }
        task.wait(&children, Wait { all: true, timeout: Some(timeout), ..Wait::default() }).await?;
        Ok(Value::Nil)
    }
}
