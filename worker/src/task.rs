//! What a task kind is given and what it gives back.
//!
//! A [`Handler`] runs one kind of task. It gets a [`Task`]: the request, a hub session of its own,
//! a folder that is empty at the start and removed at the end, and a token that is cancelled when
//! the task is no longer ours. A handler that starts processes hands them the token; everything
//! else may simply be dropped at an `.await`.

mod args;
mod error;

pub use args::Args;
pub use error::TaskError;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::WorkerConfig;
use crate::hub::Session;
use crate::logs::LogUploader;
use crate::value::Value;

/// One kind of task.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Names of the task methods that this handler runs.
    fn methods(&self) -> &'static [&'static str];

    /// The weight the task has while it runs, in the stock unit (1 is one light job).
    fn weight(&self, task: &Task) -> f64 {
        let _ = task;
        1.0
    }

    /// Whether the task is mere waiting for others, and so runs even when all jobs are taken.
    fn foreground(&self) -> bool {
        false
    }

    /// Refuses the task for this host; the text is kept with the refusal.
    async fn check_host(&self, task: &Task) -> Result<(), String> {
        let _ = task;
        Ok(())
    }

    /// Runs the task. The value becomes the task's result.
    async fn run(&self, task: &Task) -> Result<Value, TaskError>;
}

/// A task that this host has opened.
pub struct Task {
    pub id: i32,
    pub method: String,
    /// The request as it was made: positional arguments, perhaps named ones in the last.
    pub request: Vec<Value>,
    pub arch: String,
    pub label: Option<String>,
    pub parent: Option<i32>,
    pub channel_id: Option<i32>,
    pub priority: Option<i32>,
    pub owner: Option<i32>,
    /// Id of this host at the hub.
    pub host_id: i32,
    /// A subsession that only this task uses.
    pub hub: Session,
    pub config: Arc<WorkerConfig>,
    /// `workdir/tasks/<id % 10000>/<id>`: empty at the start, removed after the end.
    pub workdir: PathBuf,
    /// Cancelled when the task is cancelled, freed or given to another host.
    pub cancel: CancellationToken,
    pub logs: LogUploader,
    pub(crate) wake: Arc<Notify>,
}

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

/// How long to wait and what to make of failures.
#[derive(Debug, Default, Clone)]
pub struct Wait {
    /// Until all have ended, rather than any.
    pub all: bool,
    /// End as soon as one (outside `can_fail`) has failed: the others are cancelled with us.
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
    /// Binds the request to parameter names; see [`Args`].
    pub fn args(&self, names: &[&str]) -> Result<Args, TaskError> {
        Args::bind(&self.method, &self.request, names)
    }

    /// The task's folder below the hub's `work/`: `tasks/<id % 10000>/<id>`.
    pub fn upload_dir(&self) -> String {
        format!("tasks/{}/{}", self.id % 10_000, self.id)
    }

    /// Uploads a file into the task's folder (or `sub_dir` in it) as `name` (or under its own
    /// name) and answers with its path below the hub's `work/`. Verified, resumed, repeatable.
    pub async fn upload_file(
        &self,
        path: &Path,
        sub_dir: Option<&str>,
        name: Option<&str>,
    ) -> Result<String, TaskError> {
        let _ = (path, sub_dir, name);
        Err(TaskError::Cancelled)
    }

    pub async fn set_weight(&self, weight: f64) -> Result<(), TaskError> {
        let _ = weight;
        Ok(())
    }

    /// Makes a child task. A label that this task used before gives the same child again, so a
    /// rerun finds the children of the first run.
    pub async fn subtask(&self, method: &str, args: Vec<Value>, opts: SubtaskOpts) -> Result<i32, TaskError> {
        let _ = (method, args, opts);
        Err(TaskError::Cancelled)
    }

    /// Waits for children. The task weighs nothing meanwhile.
    pub async fn wait(&self, ids: &[i32], how: Wait) -> Result<BTreeMap<i32, Outcome>, TaskError> {
        let _ = (ids, how);
        Err(TaskError::Cancelled)
    }

    /// Waits until all of the children are done; the first failure is ours.
    pub async fn wait_all(&self, ids: &[i32]) -> Result<BTreeMap<i32, Value>, TaskError> {
        let how = Wait { all: true, fail_any: true, ..Wait::default() };
        let outcomes = self.wait(ids, how).await?;
        Ok(outcomes
            .into_iter()
            .filter_map(|(id, outcome)| match outcome {
                Outcome::Done(value) => Some((id, value)),
                Outcome::Failed { .. } => None,
            })
            .collect())
    }

    /// The repository (stock `repoinfo` struct) of `tag` that holds all of `nvrs` and, if
    /// `current`, everything tagged until now. When there is none yet, a `waitrepo` child waits.
    pub async fn repo(&self, tag: &Value, nvrs: &[String], current: bool) -> Result<Value, TaskError> {
        let _ = (tag, nvrs, current);
        Err(TaskError::Cancelled)
    }
}
