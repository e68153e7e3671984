//! Tasks made by tasks, and waiting for them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::{Task, TaskError};
use crate::args;
use crate::hub::HubError;
use crate::value::{Lookup, Members, Value, ValueExt};

/// How often a waiting task looks for itself, should its wake-up call have been lost.
const POLL: Duration = Duration::from_secs(60);

/// What a subtask is to have; the hub fills in the rest.
#[derive(Debug, Default, Clone)]
pub struct SubtaskOpts {
    pub label: Option<String>,
    pub arch: Option<String>,
    pub channel: Option<String>,
    pub priority: Option<i32>,
    pub weight: Option<f64>,
    /// The host that is to run it, at once.
    pub assign: Option<i32>,
}

impl SubtaskOpts {
    /// A child of that label: a rerun of the task finds it again.
    pub fn labelled(label: impl Into<String>) -> Self {
        SubtaskOpts { label: Some(label.into()), ..Self::default() }
    }

    fn members(self) -> Members {
        let SubtaskOpts { label, arch, channel, priority, weight, assign } = self;
        let all = crate::members! {
            "label" => label, "arch" => arch, "channel" => channel,
            "priority" => priority, "weight" => weight, "assign" => assign,
        };
        all.into_iter().filter(|(_, value)| !value.is_nil()).collect()
    }
}

/// How long to wait and what to make of failures.
#[derive(Debug, Default, Clone)]
pub struct Wait {
    /// Until all have ended, rather than any.
    pub all: bool,
    /// End as soon as one (outside `can_fail`) has failed, and cancel the others.
    pub fail_any: bool,
    /// Tasks whose failure is a result like any other.
    pub can_fail: Vec<i32>,
    /// After so long the children are cancelled and the wait fails.
    pub timeout: Option<Duration>,
}

/// How a subtask ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Done(Value),
    /// Only for tasks in [`Wait::can_fail`].
    Failed {
        code: i32,
        message: String,
    },
}

impl Task {
    /// Makes a child task. A label that this task used before gives the same child again, so a
    /// rerun finds the children of the first run.
    pub async fn subtask(&self, method: &str, args: Vec<Value>, opts: SubtaskOpts) -> Result<i32, TaskError> {
        self.subtask_with(method, args, opts.members()).await
    }

    /// Makes a child task with options as the hub calls them.
    pub async fn subtask_with(&self, method: &str, args: Vec<Value>, opts: Members) -> Result<i32, TaskError> {
        let answer = self.hub.call_named("host.subtask", args![method, args, self.id], opts).await?;
        let id = answer.as_id();
        id.ok_or_else(|| TaskError::generic(format!("the hub made no {method} task: {answer:?}")))
    }

    /// Waits until all of the children are done; the first failure is ours.
    pub async fn wait_all(&self, ids: &[i32]) -> Result<BTreeMap<i32, Value>, TaskError> {
        let outcomes = self.wait(ids, Wait { all: true, fail_any: true, ..Wait::default() }).await?;
        Ok(outcomes
            .into_iter()
            .filter_map(|(id, outcome)| match outcome {
                Outcome::Done(value) => Some((id, value)),
                Outcome::Failed { .. } => None,
            })
            .collect())
    }

    /// Waits for one child and answers with its result.
    pub async fn wait_for(&self, id: i32) -> Result<Value, TaskError> {
        let mut results = self.wait_all(&[id]).await?;
        results.remove(&id).ok_or_else(|| TaskError::generic(format!("the hub has no result of task {id}")))
    }

    /// Waits for children. The task weighs nothing meanwhile.
    pub async fn wait(&self, ids: &[i32], how: Wait) -> Result<BTreeMap<i32, Outcome>, TaskError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let finished = {
            let _waiting = self.entry.waiting();
            self.hub.call("host.taskSetWait", args![self.id, ids.to_vec()]).await?;
            self.until_finished(&how).await?
        };
        let wanted = if how.all { ids.to_vec() } else { finished };
        let answer = self.hub.call("host.taskWaitResults", args![self.id, wanted, how.can_fail.clone()]).await?;
        let unexpected = || TaskError::generic(format!("unexpected answer from the hub to a wait: {answer:?}"));
        let mut outcomes = BTreeMap::new();
        for pair in answer.as_array().ok_or_else(unexpected)? {
            let [id, result] = pair.as_array().ok_or_else(unexpected)? else { return Err(unexpected()) };
            let id = id.as_id().ok_or_else(unexpected)?;
            outcomes.insert(id, outcome(result, how.can_fail.contains(&id)));
        }
        Ok(outcomes)
    }

    /// Waits until the children have ended that must, and answers with those seen last.
    async fn until_finished(&self, how: &Wait) -> Result<Vec<i32>, TaskError> {
        let deadline = how.timeout.map(|timeout| Instant::now() + timeout);
        let mut checked: BTreeSet<i32> = how.can_fail.iter().copied().collect();
        loop {
            let (finished, unfinished) = self.look_at_children().await?;
            if unfinished.is_empty() || (!finished.is_empty() && !how.all) {
                return Ok(finished);
            }
            if how.fail_any {
                for &id in &finished {
                    if checked.insert(id) {
                        self.fail_if_failed(id).await?;
                    }
                }
            }
            let pause = Instant::now() + POLL;
            tokio::select! {
                () = self.entry.woken() => {}
                () = tokio::time::sleep_until(deadline.map_or(pause, |deadline| deadline.min(pause))) => {}
                () = self.cancel.cancelled() => return Err(TaskError::Cancelled),
            }
            if let Some(timeout) = how.timeout
                && deadline.is_some_and(|deadline| Instant::now() >= deadline)
            {
                self.cancel_children().await;
                return Err(TaskError::generic(format!("the subtasks did not end within {} s", timeout.as_secs())));
            }
        }
    }

    /// The awaited children that have newly ended, and those that have not.
    async fn look_at_children(&self) -> Result<(Vec<i32>, Vec<i32>), TaskError> {
        let answer = self.hub.call("host.taskWait", args![self.id]).await?;
        let ids = |list: &Value| -> Option<Vec<i32>> { list.as_array()?.iter().map(|id| id.as_id()).collect() };
        match answer.as_array() {
            Some([finished, unfinished]) => ids(finished).zip(ids(unfinished)),
            _ => None,
        }
        .ok_or_else(|| TaskError::generic(format!("unexpected answer from the hub to a wait: {answer:?}")))
    }

    /// Takes over the failure of a child; the others are no longer needed.
    async fn fail_if_failed(&self, id: i32) -> Result<(), TaskError> {
        match self.hub.call("getTaskResult", args![id]).await {
            Err(error @ HubError::Fault { .. }) => {
                self.cancel_children().await;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn cancel_children(&self) {
        if let Err(error) = self.hub.call("cancelTaskChildren", args![self.id]).await {
            tracing::warn!(task = self.id, %error, "cannot cancel the children");
        }
    }
}

/// A result; for a child that may fail, a struct with a fault in it is its failure.
fn outcome(result: &Value, may_fail: bool) -> Outcome {
    match (result.get_id("faultCode"), result.get_str("faultString")) {
        (Some(code), Some(message)) if may_fail => Outcome::Failed { code, message: message.to_owned() },
        _ => Outcome::Done(result.clone()),
    }
}
