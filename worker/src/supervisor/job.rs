//! One task, from its opening to its report.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::Worker;
use super::running::Entry;
use crate::clean;
use crate::hub::HubError;
use crate::hub::host::OpenedTask;
use crate::logs::LogUploader;
use crate::task::{Handler, Task, TaskError};
use crate::value::Value;

/// How long a cancelled task may take to kill its processes and take down its root.
const CANCEL_GRACE: Duration = Duration::from_secs(60);

impl Worker {
    /// Opens the task and sees it through. The entry goes in the end, whatever happens.
    pub(super) async fn job(self: Arc<Self>, task_id: i32, entry: Arc<Entry>) {
        let opened = self.session.open_task(task_id, self.host_id).await;
        entry.set_opened();
        match opened {
            Ok(Some(opened)) => self.see_through(opened, entry).await,
            Ok(None) => tracing::info!(task = task_id, "the task is not ours to open"),
            Err(error) => tracing::warn!(task = task_id, %error, "cannot open the task"),
        }
        self.running.end(task_id);
        self.look.notify_one();
    }

    async fn see_through(&self, opened: OpenedTask, entry: Arc<Entry>) {
        let task_id = opened.id;
        tracing::info!(task = task_id, method = opened.method, "task opened");
        let hub = match self.session.subsession().await {
            Ok(hub) => hub,
            Err(error) => {
                tracing::error!(task = task_id, %error, "no session for the task");
                return self.free(task_id).await;
            }
        };
        let handler = self.handlers.get(opened.method.as_str()).cloned();
        let workdir = self.config.task_dir(task_id);
        let task = Task {
            id: task_id,
            method: opened.method,
            request: opened.request,
            arch: opened.arch,
            label: opened.label,
            parent: opened.parent,
            channel_id: opened.channel_id,
            priority: opened.priority,
            owner: opened.owner,
            host_id: self.host_id,
            logs: LogUploader::start(hub.clone(), crate::task::upload_dir(task_id), self.config.log_timestamps),
            hub,
            config: self.config.clone(),
            workdir,
            cancel: entry.cancel.clone(),
            control: self.control.clone(),
            entry: entry.clone(),
        };
        let result = match handler {
            Some(handler) => carry_out(&task, handler.as_ref()).await,
            None => Err(TaskError::Refused(format!("this host runs no {} tasks", task.method))),
        };
        let reports = !matches!(result, Err(TaskError::Cancelled));
        task.logs.finish(reports).await;
        if reports {
            entry.set_reporting();
        }
        report(&task, result).await;
        match clean::remove_tree(&task.workdir).await {
            // The folder that it shares with others goes with the last of them.
            Ok(()) => drop(task.workdir.parent().map(std::fs::remove_dir)),
            Err(error) => tracing::warn!(task = task_id, %error, "cannot remove the task's folder"),
        }
        task.hub.logout().await;
    }

    async fn free(&self, task_id: i32) {
        if let Err(error) = self.session.free_tasks(&[task_id]).await {
            tracing::warn!(task = task_id, %error, "cannot free the task");
        }
    }
}

/// Runs the handler in a clean folder, and ends it when the task is cancelled.
async fn carry_out(task: &Task, handler: &dyn Handler) -> Result<Value, TaskError> {
    let work = async {
        handler.check_host(task).await.map_err(TaskError::Refused)?;
        task.set_weight(handler.weight(task)).await?;
        make_workdir(task).await.map_err(|error| TaskError::io(format!("{}", task.workdir.display()), error))?;
        handler.run(task).await
    };
    let mut work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    let ended = tokio::select! {
        ended = &mut work => ended,
        () = task.cancel.cancelled() => {
            tracing::info!(task = task.id, "task cancelled, ending its work");
            if tokio::time::timeout(CANCEL_GRACE, &mut work).await.is_err() {
                tracing::warn!(task = task.id, "the task's work did not end by itself and was dropped");
            }
            return Err(TaskError::Cancelled);
        }
    };
    ended.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(TaskError::generic(format!("the worker crashed in this task (this is a bug): {text}")))
    })
}

async fn make_workdir(task: &Task) -> std::io::Result<()> {
    clean::remove_tree(&task.workdir).await?;
    tokio::fs::create_dir_all(&task.workdir).await
}

/// Tells the hub how the task ended.
async fn report(task: &Task, result: Result<Value, TaskError>) {
    let (id, hub) = (task.id, &task.hub);
    let told: Result<(), HubError> = match result {
        Ok(value) => {
            tracing::info!(task = id, "task done");
            hub.close_task(id, &value).await
        }
        Err(TaskError::Cancelled) => Ok(()),
        Err(TaskError::Refused(why)) => {
            tracing::info!(task = id, why, "task refused");
            hub.refuse_task(id, false, &why).await
        }
        Err(TaskError::Fault { code, message }) => {
            tracing::info!(task = id, code, message, "task failed");
            hub.fail_task(id, code, &message).await
        }
    };
    if let Err(error) = told {
        tracing::error!(task = id, %error, "the hub did not take the task's result");
    }
}
