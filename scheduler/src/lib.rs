//! The scheduler: decides which host runs which task, and tells the hosts.
//!
//! * Everything it knows is in the database. Each pass reads it, changes what is due, and may be repeated
//!   or interrupted at any point; none takes input.
//! * An assignment and the message about it are written in one transaction; `outbox` publishes the message
//!   afterwards and removes the row when the broker has it. A message may arrive twice, never not at all.
//! * Of several schedulers one leads (`leader`); the others wait for its lease to run out.
//!
//! A commit that may give it work wakes it: in the same process through `wake`, elsewhere through
//! PostgreSQL's NOTIFY on `toji_wake`. Looking every few seconds is the fallback.

pub mod leader;
pub mod outbox;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DatabaseConnection, DbBackend};
use serde::Deserialize;
use sqlx::postgres::PgListener;
use toji_queue::Queue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The `[scheduler]` section of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    /// Seconds between two looks at the database if nothing wakes the scheduler.
    pub poll_interval: u64,
    /// Seconds that a leader may be silent until another takes over.
    pub leader_lease: u64,
    /// Seconds without a sign of life after which a toji worker's tasks are given to others.
    pub worker_lease: u64,
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self { poll_interval: 5, leader_lease: 15, worker_lease: 60, unknown: BTreeMap::new() }
    }
}

pub struct Scheduler {
    database: DatabaseConnection,
    queue: Arc<dyn Queue>,
    config: SchedulerConfig,
    wake: Arc<Notify>,
}

impl Scheduler {
    pub fn new(
        database: DatabaseConnection,
        queue: Arc<dyn Queue>,
        config: SchedulerConfig,
        wake: Arc<Notify>,
    ) -> Self {
        Self { database, queue, config, wake }
    }

    /// Runs until told to stop. A pass that fails is logged and tried again with the next run.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let listening = tokio::spawn(listen(self.database.clone(), self.wake.clone()));
        let me = leader::Lease::new("scheduler", Duration::from_secs(self.config.leader_lease));
        while !stop.is_cancelled() {
            match me.acquire(&self.database).await {
                Ok(true) => self.passes().await,
                Ok(false) => {}
                Err(e) => warn!(error = %e, "the scheduler's lease could not be taken"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(Duration::from_secs(self.config.poll_interval)) => {}
            }
        }
        listening.abort();
        me.release(&self.database).await.ok();
        Ok(())
    }

    async fn passes(&self) {
        if let Err(e) = outbox::relay(&self.database, &*self.queue).await {
            warn!(error = %e, "messages wait in the outbox");
        }
    }
}

/// Turns PostgreSQL's notifications into wake-ups; after a break it wakes once, to catch up.
async fn listen(database: DatabaseConnection, wake: Arc<Notify>) {
    if database.get_database_backend() != DbBackend::Postgres {
        return;
    }
    loop {
        let heard = async {
            let mut listener = PgListener::connect_with(database.get_postgres_connection_pool()).await?;
            listener.listen("toji_wake").await?;
            loop {
                wake.notify_one();
                listener.recv().await?;
            }
        };
        let ended: Result<(), sqlx::Error> = heard.await;
        if let Err(e) = ended {
            warn!(error = %e, "the database's notifications are lost; connecting again");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
