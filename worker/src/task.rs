//! What a task kind is given and what it gives back.
//!
//! A [`Handler`] runs one kind of task. It gets a [`Task`]: the request, a hub session of its own,
//! a folder that is empty at the start and removed at the end, and a token that is cancelled when
//! the task is no longer ours. A handler that starts processes hands them the token; everything
//! else may simply be dropped at an `.await`.

mod args;
mod children;
mod control;
mod error;

pub use args::Args;
pub use children::{Outcome, SubtaskOpts, Wait};
pub use control::Control;
pub use error::TaskError;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::config::WorkerConfig;
use crate::hub::Session;
use crate::logs::LogUploader;
use crate::repo_watch::RepoWatch;
use crate::supervisor::Entry;
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

    /// Whether the task is about this worker itself, and so runs even when all jobs are taken.
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
    /// The worker that runs this task.
    pub control: Arc<Control>,
    pub(crate) entry: Arc<Entry>,
}

impl Task {
    /// The request by parameter names; see [`Args`].
    pub fn args(&self) -> Result<Args, TaskError> {
        Args::read(&self.method, &self.request)
    }

    /// The task's folder below the hub's `work/`: `tasks/<id % 10000>/<id>`.
    pub fn upload_dir(&self) -> String {
        upload_dir(self.id)
    }

    /// Uploads a file into the task's folder (or `sub_dir` in it) as `name` (or under its own
    /// name) and answers with its path below the hub's `work/`. Verified, resumed, repeatable.
    pub async fn upload_file(
        &self,
        path: &Path,
        sub_dir: Option<&str>,
        name: Option<&str>,
    ) -> Result<String, TaskError> {
        let mut dir = self.upload_dir();
        if let Some(sub_dir) = sub_dir.map(|dir| dir.trim_matches('/')).filter(|dir| !dir.is_empty()) {
            dir = format!("{dir}/{sub_dir}");
        }
        let own_name = path.file_name().map(|name| name.to_string_lossy());
        let name = match (name, &own_name) {
            (Some(name), _) => name,
            (None, Some(name)) => name,
            (None, None) => return Err(TaskError::generic(format!("{} has no file name", path.display()))),
        };
        self.hub.upload(path, &dir, name).await?;
        Ok(format!("{dir}/{name}"))
    }

    /// Tells the hub how much of the host the task needs.
    pub async fn set_weight(&self, weight: f64) -> Result<(), TaskError> {
        self.hub.set_task_weight(self.id, weight).await?;
        self.entry.set_weight(weight);
        Ok(())
    }

    /// Sleeps, unless the task is cancelled.
    pub async fn sleep(&self, time: Duration) -> Result<(), TaskError> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.cancel.cancelled() => Err(TaskError::Cancelled),
        }
    }

    /// The repository (stock `repoinfo` struct) of `tag` that holds all of `nvrs` and, if
    /// `current`, everything tagged until now. When there is none yet, a `waitrepo` child waits.
    pub async fn repo(&self, tag: &Value, nvrs: &[String], current: bool) -> Result<Value, TaskError> {
        let mut watch = RepoWatch::new(&self.hub, tag, nvrs, None).await?;
        if current {
            watch.need_current().await?;
        }
        if let Some(repo) = watch.available().await? {
            return Ok(repo);
        }
        let child = self.subtask("waitrepo", watch.task_args(), SubtaskOpts::default()).await?;
        self.wait_for(child).await
    }
}

/// A task's folder below the hub's `work/`.
pub fn upload_dir(task_id: i32) -> String {
    format!("tasks/{}/{task_id}", task_id % 10_000)
}
