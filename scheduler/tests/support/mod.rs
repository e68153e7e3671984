//! A small world of hosts and tasks, and a queue that writes down.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement};
use toji_migrations::PoolOptions;
use toji_proto::message::HostMessage;
use toji_proto::states::TaskState;
use toji_queue::{Queue, QueueError, Subscription};
use toji_scheduler::transition::{self, Standing};
use toji_scheduler::{Limits, Scheduler, SchedulerConfig};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub struct World {
    pub db: DatabaseConnection,
    _folder: tempfile::TempDir,
}

impl World {
    /// One user, one channel (the stock `default`), no hosts, no tasks.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("hub.db").display());
        let db = toji_migrations::connect(&url, &PoolOptions::default()).await.unwrap();
        toji_migrations::migrate(&db).await.unwrap();
        let world = Self { db, _folder: folder };
        world.sql("INSERT INTO users (id, name, status, usertype) VALUES (1, 'owner', 0, 0)").await;
        world.sql("INSERT INTO events (id) VALUES (1)").await;
        world
    }

    pub async fn sql(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap();
    }

    async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        self.db.query_all_raw(statement).await.unwrap()
    }

    /// A host that is ready for x86_64 and noarch; one that listens is a worker of ours that was seen just now.
    pub async fn host(&self, name: &str, listens: bool) -> i32 {
        let id = self.rows("SELECT count(*) FROM host").await[0].try_get_by_index::<i32>(0).unwrap() + 1;
        let user = id + 100;
        let now = chrono::Utc::now().to_rfc3339();
        self.sql(&format!("INSERT INTO users (id, name, status, usertype) VALUES ({user}, '{name}', 0, 1)")).await;
        self.sql(&format!(
            "INSERT INTO host (id, user_id, name, ready, update_time) VALUES ({id}, {user}, '{name}', TRUE, '{now}')"
        ))
        .await;
        self.sql(&format!(
            "INSERT INTO host_config (host_id, arches, capacity, enabled, create_event, creator_id, active) \
             VALUES ({id}, 'x86_64', 10, TRUE, 1, 1, TRUE)"
        ))
        .await;
        self.sql(&format!(
            "INSERT INTO host_channels (host_id, channel_id, create_event, creator_id, active) \
             VALUES ({id}, 1, 1, 1, TRUE)"
        ))
        .await;
        if listens {
            self.sql(&format!("INSERT INTO toji_workers (host_id, instance, last_seen) VALUES ({id}, 'x', '{now}')"))
                .await;
        }
        id
    }

    pub async fn task(&self, arch: &str) -> i32 {
        self.insert_task(arch, "NULL", false).await
    }

    pub async fn child(&self, parent: i32, awaited: bool) -> i32 {
        self.insert_task("s390x", &parent.to_string(), awaited).await
    }

    async fn insert_task(&self, arch: &str, parent: &str, awaited: bool) -> i32 {
        let rows = self
            .rows(&format!(
                "INSERT INTO task (state, channel_id, owner, method, request, arch, priority, parent, awaited) \
                 VALUES (0, 1, 1, 'sleep', '', '{arch}', 20, {parent}, {awaited}) RETURNING id"
            ))
            .await;
        rows[0].try_get_by_index(0).unwrap()
    }

    pub async fn standing(&self, task: i32) -> Standing {
        transition::standing(&self.db, task).await.unwrap().unwrap()
    }

    pub async fn task_row(&self, task: i32) -> (TaskState, Option<i32>) {
        let standing = self.standing(task).await;
        (standing.state, standing.host)
    }

    pub async fn log(&self) -> Vec<String> {
        let rows = self.rows("SELECT msg FROM scheduler_log_messages ORDER BY id").await;
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    pub async fn active_runs(&self, task: i32) -> i32 {
        let sql = format!("SELECT count(*) FROM scheduler_task_runs WHERE active = TRUE AND task_id = {task}");
        self.rows(&sql).await[0].try_get_by_index(0).unwrap()
    }

    pub async fn refusals(&self) -> Vec<(i32, i32)> {
        let rows = self.rows("SELECT task_id, host_id FROM scheduler_task_refusals ORDER BY id").await;
        rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
    }

    pub async fn last_run(&self) -> f64 {
        let row = &self.rows("SELECT data FROM scheduler_sys_data WHERE name = 'last_run_ts'").await[0];
        row.try_get_by_index::<String>(0).unwrap().parse().unwrap()
    }

    pub async fn ready(&self, host: i32) -> bool {
        self.rows(&format!("SELECT ready FROM host WHERE id = {host}")).await[0].try_get_by_index(0).unwrap()
    }

    /// Runs the scheduler itself until the condition holds.
    pub async fn run_scheduler_until<'a, F>(&'a self, condition: impl Fn(&'a World) -> F)
    where
        F: Future<Output = bool>,
    {
        let stop = CancellationToken::new();
        let queue = Arc::new(Recorder::default());
        let scheduler = Scheduler::new(
            self.db.clone(),
            queue,
            SchedulerConfig { poll_interval: 1, ..SchedulerConfig::default() },
            Limits::default(),
            Arc::new(Notify::new()),
        );
        let running = tokio::spawn(scheduler.run(stop.clone()));
        let reached = tokio::time::timeout(Duration::from_secs(30), async {
            while !condition(self).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        reached.await.expect("the condition never held");
        stop.cancel();
        running.await.unwrap().unwrap();
    }
}

/// A queue that only writes down what is published, or a broker that is down.
#[derive(Default)]
pub struct Recorder {
    taken: Mutex<Vec<(String, HostMessage)>>,
    down: bool,
}

impl Recorder {
    pub fn down() -> Self {
        Self { down: true, ..Self::default() }
    }

    pub fn taken(self) -> Vec<(String, HostMessage)> {
        self.taken.into_inner().unwrap()
    }
}

#[async_trait]
impl Queue for Recorder {
    async fn publish(&self, messages: &[(String, HostMessage)]) -> Result<(), QueueError> {
        if self.down {
            return Err(QueueError::Timeout(Duration::ZERO));
        }
        self.taken.lock().unwrap().extend_from_slice(messages);
        Ok(())
    }

    async fn subscribe(&self, host: &str) -> Result<Box<dyn Subscription>, QueueError> {
        Err(QueueError::HostName(host.to_owned()))
    }

    async fn healthy(&self) -> bool {
        !self.down
    }
}
