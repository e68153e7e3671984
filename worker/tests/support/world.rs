//! A fake hub and a worker that serves it.

use std::path::PathBuf;
use std::time::Duration;

use toji_worker::WorkerConfig;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::tasks::Row;
use super::{FakeHub, Running};

pub struct World {
    pub running: Running,
    pub workdir: tempfile::TempDir,
    stop: CancellationToken,
    pub worker: Option<JoinHandle<anyhow::Result<()>>>,
}

impl World {
    pub async fn new() -> World {
        let running = FakeHub::start().await;
        let workdir = tempfile::tempdir().unwrap();
        World { running, workdir, stop: CancellationToken::new(), worker: None }
    }

    pub fn config(&self) -> WorkerConfig {
        WorkerConfig {
            server: format!("{}/kojihub", self.running.base),
            topurl: format!("{}/kojifiles", self.running.base),
            user: Some("host1".into()),
            password: Some("secret".into()),
            workdir: self.workdir.path().into(),
            minspace: 0,
            max_load: 0.0,
            heartbeat: 1,
            sleeptime: 600,
            retry_interval: 1,
            drain_timeout: 0,
            ..WorkerConfig::default()
        }
    }

    pub fn live(&mut self, config: WorkerConfig) {
        let queue = self.running.hub.tasks.queue.clone();
        self.worker = Some(tokio::spawn(toji_worker::run(config, queue, self.stop.clone())));
    }

    pub async fn with_worker() -> World {
        let mut world = World::new().await;
        world.live(world.config());
        world.until("the first heartbeat", || !world.running.hub.tasks.heartbeats.lock().unwrap().is_empty()).await;
        world
    }

    pub async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        for _ in 0..2000 {
            if done() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain for {what}");
    }

    pub async fn state(&self, id: i32, state: i32) -> Row {
        self.until(&format!("task {id} to be {state}"), || self.row(id).state == state).await;
        self.row(id)
    }

    pub fn row(&self, id: i32) -> Row {
        self.running.hub.tasks.row(id)
    }

    pub fn folder(&self, id: i32) -> PathBuf {
        self.config().task_dir(id)
    }

    pub async fn end(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.worker.take().unwrap()).await.unwrap().unwrap()
    }
}
