//! What the leading scheduler does for repositories.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt;
use toji_proto::states::TaskState;
use toji_scheduler::Pass;
use tokio::sync::Mutex;
use tracing::warn;

use super::{RepoConfig, expiry};
use crate::Hub;
use crate::db::Db;
use crate::error::Rpc;
use crate::rpc::repos::requests::{request_automatic, run_queue};
use crate::rpc::repos::update_end_events;
use crate::rpc::run_own;

/// What the calls of the passes are known as.
const NAME: &str = "repo upkeep";

/// The passes for repositories. None of them touches files, so the hub's file tree may be anywhere.
pub struct Passes {
    hub: Arc<Hub>,
    config: RepoConfig,
    /// When all repositories were last looked at.
    looked: Mutex<Option<Instant>>,
}

impl Passes {
    pub fn new(hub: Arc<Hub>, config: RepoConfig) -> Self {
        Self { hub, config, looked: Mutex::new(None) }
    }

    /// Each in a transaction of its own, so that one that fails stops no other.
    async fn look_after_all(&self) {
        let hub = &self.hub;
        let looks = [
            ("noting which repos have fallen behind", run_own(hub, NAME, |call| update_end_events(call).boxed()).await),
            ("automatic repo requests", run_own(hub, NAME, |call| request_automatic(call).boxed()).await),
            ("ending old repos", run_own(hub, NAME, |call| expiry::run(call, self.config.clone()).boxed()).await),
        ];
        for (what, result) in looks {
            if let Err(e) = result {
                warn!(error = %e, "{what} failed");
            }
        }
    }

    async fn is_due(&self, clock: bool) -> bool {
        let mut looked = self.looked.lock().await;
        let due = clock && looked.is_none_or(|last| last.elapsed() >= Duration::from_secs(self.config.interval));
        if due {
            *looked = Some(Instant::now());
        }
        due
    }
}

#[async_trait]
impl Pass for Passes {
    async fn run(&self, clock: bool) -> anyhow::Result<()> {
        if !self.config.upkeep {
            return Ok(());
        }
        if self.is_due(clock).await {
            self.look_after_all().await;
        }
        if queue_waits(&self.hub).await? {
            run_own(&self.hub, NAME, |call| run_queue(call).boxed()).await?;
        }
        Ok(())
    }
}

/// Whether any request needs a task, or has one that has ended. Most wake-ups have nothing to do with requests;
/// those need no transaction that writes.
async fn queue_waits(hub: &Hub) -> Rpc<bool> {
    let db = Db::new(&hub.database, false);
    let sql = "SELECT 1 FROM repo_queue LEFT JOIN task ON task.id = repo_queue.task_id \
         WHERE repo_queue.active = TRUE AND repo_queue.repo_id IS NULL \
         AND (repo_queue.task_id IS NULL OR task.state IN (?, ?, ?)) LIMIT 1";
    let ended = [TaskState::Closed, TaskState::Canceled, TaskState::Failed].map(|state| state.code().into());
    let waits = db.exists(sql, ended.to_vec()).await;
    db.rollback().await?;
    waits
}
