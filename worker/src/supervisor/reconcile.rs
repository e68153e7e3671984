//! Bringing the tasks that run here in line with what the hub knows.
//!
//! Messages of the queue may be late, double or lost; the hub's database is right. Every look is
//! harmless to repeat.

use std::collections::HashSet;
use std::sync::Arc;

use super::Worker;
use super::running::{Begin, Entry};
use crate::hub::HubError;
use crate::hub::host::state;
use crate::value::Lookup;
use toji_proto::states::TaskState;

/// How the hub's view of a task relates to the run of it here.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// Open on this host.
    Ours,
    /// Placed on this host anew: the run here is of an earlier placement.
    Again,
    /// Cancelled, ended, freed, on another host, or unknown.
    Lost,
}

impl Worker {
    /// One look at the hub: wakes, cancels, frees and begins what needs it.
    pub(super) async fn reconcile(self: &Arc<Self>) -> Result<(), HubError> {
        let before: HashSet<i32> = self.running.all().into_iter().map(|(id, _)| id).collect();
        let open = self.session.open_tasks().await?;
        for task in open.iter().filter(|task| task.alert) {
            if let Some(entry) = self.running.get(task.id) {
                entry.wake();
            }
        }
        let stale: Vec<i32> = open
            .iter()
            .map(|task| task.id)
            .filter(|id| !before.contains(id) && self.running.get(*id).is_none())
            .collect();
        if !stale.is_empty() {
            tracing::warn!(tasks = ?stale, "tasks are open on this host that do not run here, freeing them");
            self.session.free_tasks(&stale).await?;
        }
        let open: HashSet<i32> = open.iter().map(|task| task.id).collect();
        for id in before.difference(&open) {
            if let Some(entry) = self.running.get(*id) {
                self.check(*id, &entry).await?;
            }
        }
        self.take_assigned().await
    }

    /// Begins the tasks that are placed here, as far as there is room for them.
    pub(super) async fn take_assigned(self: &Arc<Self>) -> Result<(), HubError> {
        // One look at a time: the next one then sees what this one began.
        let _turn = self.taking.lock().await;
        for task in self.session.assigned_tasks().await? {
            let foreground = self.handlers.get(task.method.as_str()).is_some_and(|handler| handler.foreground());
            if foreground {
                self.begin_foreground(task.id);
            } else {
                self.begin(task.id).await;
            }
        }
        Ok(())
    }

    /// Tasks about the worker itself stay with it, whatever its state; a `restartVerify` waits for the next life.
    fn begin_foreground(self: &Arc<Self>, task_id: i32) {
        if self.control.is_stopping() || self.control.is_restarting() {
            return;
        }
        if let Begin::Started(entry) = self.running.begin_foreground(task_id) {
            self.jobs.spawn(self.clone().job(task_id, entry));
        }
    }

    async fn begin(self: &Arc<Self>, task_id: i32) {
        match self.running.begin(task_id, self.config.maxjobs) {
            Begin::Started(entry) => match self.obstacle() {
                None => {
                    self.jobs.spawn(self.clone().job(task_id, entry));
                }
                Some(why) => {
                    self.running.end(task_id);
                    tracing::info!(task = task_id, why, "refusing the task");
                    if let Err(error) = self.session.refuse_task(task_id, true, &why).await {
                        tracing::warn!(task = task_id, %error, "cannot refuse the task");
                    }
                }
            },
            Begin::Running(entry) => {
                // Asked after the opening, "assigned" can only mean a new placement. The end of the earlier run
                // makes the worker look again.
                if entry.is_opened()
                    && !entry.is_reporting()
                    && matches!(self.standing(task_id).await, Ok(Standing::Again))
                {
                    tracing::info!(task = task_id, "the task was placed here anew, ending its earlier run");
                    entry.cancel.cancel();
                }
            }
            // The next task that ends here makes room and a look.
            Begin::Full => {}
        }
    }

    /// Cancels the run of a task that is no longer ours.
    pub(super) async fn check(&self, task_id: i32, entry: &Entry) -> Result<(), HubError> {
        if entry.is_reporting() || self.standing(task_id).await? == Standing::Ours {
            return Ok(());
        }
        // It may have ended while we asked.
        if !entry.is_reporting() {
            tracing::info!(task = task_id, "the task is no longer ours");
            entry.cancel.cancel();
        }
        Ok(())
    }

    async fn standing(&self, task_id: i32) -> Result<Standing, HubError> {
        let info = self.session.call("getTaskInfo", crate::args![task_id]).await?;
        Ok(match (info.get_id("host_id"), state(&info)) {
            (Some(host), Some(TaskState::Open)) if host == self.host_id => Standing::Ours,
            (Some(host), Some(TaskState::Assigned)) if host == self.host_id => Standing::Again,
            _ => Standing::Lost,
        })
    }
}
