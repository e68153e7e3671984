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

mod leases;
mod limits;
mod placement;
mod timeouts;

pub mod leader;
pub mod lock;
pub mod log;
pub mod outbox;
pub mod refusals;
pub mod round;
pub mod transition;

pub use limits::Limits;
pub use placement::{begin_runs, end_runs};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, Value,
};
use serde::Deserialize;
use sqlx::postgres::PgListener;
use toji_queue::Queue;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
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

/// A pass that belongs to another crate, because it needs what only that one has, such as policies.
#[async_trait]
pub trait Pass: Send + Sync {
    /// Does what is due. `clock` is false if only a commit caused the run.
    async fn run(&self, clock: bool) -> anyhow::Result<()>;
}

pub struct Scheduler {
    database: DatabaseConnection,
    queue: Arc<dyn Queue>,
    config: SchedulerConfig,
    limits: Limits,
    wake: Arc<Notify>,
    others: Vec<Arc<dyn Pass>>,
}

impl Scheduler {
    pub fn new(
        database: DatabaseConnection,
        queue: Arc<dyn Queue>,
        config: SchedulerConfig,
        limits: Limits,
        wake: Arc<Notify>,
    ) -> Self {
        Self { database, queue, config, limits, wake, others: Vec::new() }
    }

    /// Adds a pass, which runs after tasks were placed; if it makes tasks it wakes the scheduler as any commit does.
    pub fn with(mut self, pass: Arc<dyn Pass>) -> Self {
        self.others.push(pass);
        self
    }

    /// Runs until told to stop. A pass that fails is logged and tried again with the next run.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let listening = tokio::spawn(listen(self.database.clone(), self.wake.clone()));
        let send = Arc::new(Notify::new());
        let sending = tokio::spawn(relay(self.database.clone(), self.queue.clone(), send.clone()));
        let mut me = leader::Lease::new("scheduler", Duration::from_secs(self.config.leader_lease));
        let poll = Duration::from_secs(self.config.poll_interval.max(1));
        let mut look = tokio::time::interval(poll);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut oldest_run = 0;
        while !stop.is_cancelled() {
            // A wake-up places what is free; the rest is for the clock.
            let due = tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => false,
                _ = look.tick() => true,
            };
            match me.acquire(&self.database).await {
                Ok(true) => self.passes(due, &mut oldest_run, &send).await,
                Ok(false) => {}
                Err(e) => warn!(error = %e, "the scheduler's lease could not be taken"),
            }
        }
        listening.abort();
        sending.abort();
        me.release(&self.database).await.ok();
        Ok(())
    }

    async fn passes(&self, due: bool, oldest_run: &mut i32, send: &Notify) {
        if due && let Err(e) = self.look_after(oldest_run).await {
            warn!(error = %e, "hosts and tasks could not be looked after");
        }
        if let Err(e) = self.place().await {
            warn!(error = %e, "tasks could not be placed");
        }
        send.notify_one();
        for pass in &self.others {
            if let Err(e) = pass.run(due).await {
                warn!(error = %e, "a pass failed");
            }
        }
    }

    /// What time brings about: hosts that are silent, tasks that are overdue, runs that are over.
    async fn look_after(&self, oldest_run: &mut i32) -> Result<(), DbErr> {
        let tx = self.begin().await?;
        lock::take(&tx, true).await?;
        round::note(&tx).await?;
        leases::run(&tx, Duration::from_secs(self.config.worker_lease)).await?;
        timeouts::hosts(&tx, &self.limits).await?;
        refusals::forget(&tx, &self.limits).await?;
        timeouts::tasks(&tx, &self.limits).await?;
        let oldest = timeouts::runs(&tx, *oldest_run).await?;
        tx.commit().await?;
        *oldest_run = oldest;
        Ok(())
    }

    async fn place(&self) -> Result<(), DbErr> {
        // Read before the transaction: most wake-ups have nothing to place. Who was faster is found out within.
        let tasks = placement::free_tasks(&self.database).await?;
        if tasks.is_empty() {
            return Ok(());
        }
        let tx = self.begin().await?;
        lock::take(&tx, true).await?;
        placement::run(&tx, &tasks, &self.limits).await?;
        tx.commit().await
    }

    async fn begin(&self) -> Result<sea_orm::DatabaseTransaction, DbErr> {
        let immediate = Some(SqliteTransactionMode::Immediate);
        self.database
            .begin_with_options(TransactionOptions { sqlite_transaction_mode: immediate, ..Default::default() })
            .await
    }
}

/// SQL for either database, with `$1`, `$2`, … for the values.
fn statement<C: ConnectionTrait>(db: &C, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// Publishes what is in the outbox whenever asked. A broker that is away holds up nothing else: hosts poll.
async fn relay(database: DatabaseConnection, queue: Arc<dyn Queue>, asked: Arc<Notify>) {
    loop {
        asked.notified().await;
        if let Err(e) = outbox::relay(&database, &*queue).await {
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
