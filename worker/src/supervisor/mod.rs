//! The life of a worker.
//!
//! *Start*: log in, alone; free what an earlier life left open; remove its files. *Work*: three
//! loops run side by side: messages of the queue begin, cancel and wake tasks at once; a heartbeat
//! tells the hub how the host is; a look every now and then finds what messages missed. *End*: take
//! no more, let running tasks end for a while, then kill and free them, log out.
//!
//! Only this module starts tasks, and each task has one [`Entry`] as long as anything of it runs.

mod health;
mod heartbeat;
mod job;
mod reconcile;
mod running;

pub use running::Entry;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use nix::fcntl::{Flock, FlockArg};
use rand::Rng;
use toji_proto::FaultCode;
use toji_proto::message::HostMessage;
use toji_proto::states::BuildrootState;
use toji_queue::{Delivery, Queue};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::buildroot;
use crate::clean;
use crate::config::WorkerConfig;
use crate::hub::{HubError, Session, Settings};
use crate::task::{Control, Handler};
use crate::tasks;
use crate::value::{Lookup, Value, ValueExt};
use running::Running;

/// How long killed tasks may take to be gone.
const KILL_GRACE: Duration = Duration::from_secs(90);
/// How long the hub may take to hear that we go.
const FAREWELL: Duration = Duration::from_secs(10);
/// How often roots without a task are looked for.
const TIDY_PERIOD: Duration = Duration::from_secs(600);
const LONGEST_LOGIN_PAUSE: Duration = Duration::from_secs(30);

/// One worker between login and logout.
pub(crate) struct Worker {
    config: Arc<WorkerConfig>,
    session: Session,
    host_id: i32,
    host_name: String,
    /// Tells this life of the worker from others.
    instance: String,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    running: Running,
    jobs: TaskTracker,
    control: Arc<Control>,
    /// Held while assigned tasks are taken.
    taking: tokio::sync::Mutex<()>,
    /// Asks for a look at the hub now.
    look: Notify,
    /// Why no task should come, as the last heartbeat found it.
    sick: Mutex<Option<String>>,
}

/// Runs a worker until `shutdown` or a `shutdown` task ends it. A `restart` task begins a new life.
pub async fn run(config: WorkerConfig, queue: Arc<dyn Queue>, shutdown: CancellationToken) -> anyhow::Result<()> {
    config.check()?;
    let config = Arc::new(config);
    std::fs::create_dir_all(&config.workdir)
        .with_context(|| format!("cannot make the worker's folder {}", config.workdir.display()))?;
    let _lock = lock_workdir(&config)?;
    loop {
        let Some(worker) = Worker::log_in(&config, &shutdown).await? else { return Ok(()) };
        let end = worker.live(queue.as_ref(), &shutdown).await;
        worker.end().await;
        match end? {
            End::Stop => return Ok(()),
            End::Restart if config.exec_on_restart => return restart_process(),
            End::Restart => tracing::info!("the worker starts anew"),
        }
    }
}

/// Why a life ended in good order.
enum End {
    Stop,
    Restart,
}

/// Two workers in one folder would remove each other's files.
fn lock_workdir(config: &WorkerConfig) -> anyhow::Result<Flock<std::fs::File>> {
    let path = config.workdir.join(".lock");
    let file = std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, error)| anyhow::anyhow!("another worker uses {}: {error}", config.workdir.display()))
}

/// Replaces this process by the program as it is on disk now.
fn restart_process() -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe().context("cannot find the own program")?;
    let error = std::process::Command::new(&program).args(std::env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

impl Worker {
    /// Logs in, as long as that takes: a hub may start later, or know this host later. `None` when
    /// the worker is stopped meanwhile.
    async fn log_in(config: &Arc<WorkerConfig>, shutdown: &CancellationToken) -> anyhow::Result<Option<Arc<Worker>>> {
        let mut pause = Duration::from_millis(200);
        loop {
            let error = tokio::select! {
                () = shutdown.cancelled() => return Ok(None),
                worker = Worker::log_in_once(config) => match worker {
                    Ok(worker) => return Ok(Some(worker)),
                    Err(error) => error,
                },
            };
            tracing::error!(%error, hub = config.server, "cannot log in at the hub, will try again");
            tokio::select! {
                () = shutdown.cancelled() => return Ok(None),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_LOGIN_PAUSE);
        }
    }

    async fn log_in_once(config: &Arc<WorkerConfig>) -> Result<Arc<Worker>, HubError> {
        let session = Session::login(Settings::of(config)).await?.make_exclusive().await?;
        let host_id = session.host_id().await?;
        let host = session.call("host.getHost", vec![]).await?;
        let host_name = host.get_str("name").or(config.user.as_deref()).unwrap_or_default().to_owned();
        let started = session.call("getSessionInfo", vec![]).await?.get("start_ts").and_then(Value::as_f64);
        let mut handlers = HashMap::new();
        for handler in tasks::handlers() {
            for method in handler.methods() {
                handlers.insert(*method, handler.clone());
            }
        }
        tracing::info!(host = host_name, host_id, hub = config.server, "logged in");
        Ok(Arc::new(Worker {
            config: config.clone(),
            session,
            host_id,
            host_name,
            instance: format!("{:016x}", rand::random::<u64>()),
            handlers,
            running: Running::default(),
            jobs: TaskTracker::new(),
            control: Arc::new(Control::new(started.unwrap_or_else(now))),
            taking: tokio::sync::Mutex::default(),
            look: Notify::new(),
            sick: Mutex::new(None),
        }))
    }

    /// Works until something ends it. An error means that the session is lost.
    async fn live(self: &Arc<Self>, queue: &dyn Queue, shutdown: &CancellationToken) -> anyhow::Result<End> {
        tokio::select! {
            () = shutdown.cancelled() => Ok(End::Stop),
            lost = self.work(queue) => Err(lost.into()),
            () = self.control.asked() => {
                if self.control.is_stopping() {
                    return Ok(End::Stop);
                }
                tokio::select! {
                    () = shutdown.cancelled() => Ok(End::Stop),
                    lost = self.work(queue) => Err(lost.into()),
                    () = self.idle() => Ok(End::Restart),
                }
            }
        }
    }

    /// The three loops; returns only when the hub no longer accepts the session.
    async fn work(self: &Arc<Self>, queue: &dyn Queue) -> HubError {
        if let Err(error) = self.clear_up().await
            && is_fatal(&error)
        {
            return error;
        }
        tokio::select! {
            error = self.heartbeats() => error,
            error = self.looks() => error,
            error = self.messages(queue) => error,
            error = self.tidy() => error,
        }
    }

    /// Frees and removes what an earlier life left.
    async fn clear_up(self: &Arc<Self>) -> Result<(), HubError> {
        if self.jobs.is_empty() {
            clean::remove_stale_tasks(&self.config.workdir).await;
        }
        self.reconcile().await
    }

    /// Marks as expired the buildroots of this host whose task does not run here.
    async fn expire_buildroots(&self) -> Result<(), HubError> {
        let live = [BuildrootState::Init, BuildrootState::Waiting, BuildrootState::Building].map(BuildrootState::code);
        let named = crate::members! { "hostID" => self.host_id, "state" => live.to_vec() };
        let buildroots = self.session.call_named("listBuildroots", vec![], named).await?;
        for buildroot in buildroots.as_array().unwrap_or_default() {
            let Some(id) = buildroot.get_id("id") else { continue };
            let runs = buildroot.get_id("task_id").is_some_and(|task| self.running.get(task).is_some());
            if !runs {
                self.session.call("host.setBuildRootState", crate::args![id, BuildrootState::Expired]).await?;
            }
        }
        Ok(())
    }

    async fn looks(self: &Arc<Self>) -> HubError {
        let period = Duration::from_secs(self.config.sleeptime.max(1));
        loop {
            match self.reconcile().await {
                Err(error) if is_fatal(&error) => return error,
                Err(error) => tracing::warn!(%error, "cannot compare tasks with the hub"),
                Ok(()) => {}
            }
            tokio::select! {
                () = self.look.notified() => {}
                () = tokio::time::sleep(jittered(period)) => {}
            }
        }
    }

    /// Removes roots and packages that are kept for no one any more, here and at the hub.
    async fn tidy(&self) -> HubError {
        loop {
            buildroot::tidy(&self.config).await;
            match self.expire_buildroots().await {
                Err(error) if is_fatal(&error) => return error,
                Err(error) => tracing::warn!(%error, "cannot expire buildroots"),
                Ok(()) => {}
            }
            tokio::time::sleep(jittered(TIDY_PERIOD)).await;
        }
    }

    async fn messages(self: &Arc<Self>, queue: &dyn Queue) -> HubError {
        loop {
            match queue.subscribe(&self.host_name).await {
                Ok(mut subscription) => {
                    while let Some(delivery) = subscription.next().await {
                        self.obey(delivery).await;
                    }
                }
                Err(error) => tracing::warn!(%error, "no messages; tasks are found by polling"),
            }
            tokio::time::sleep(jittered(Duration::from_secs(5))).await;
        }
    }

    async fn obey(self: &Arc<Self>, delivery: Delivery) {
        let worker = self.clone();
        match delivery.message {
            HostMessage::Assigned { task_id } => {
                tokio::spawn(async move {
                    if let Err(error) = worker.take_assigned().await {
                        tracing::warn!(task = task_id, %error, "cannot take the tasks that were placed here");
                    }
                    // The message has done its work: should a task not have been opened, the poll finds it.
                    delivery.ack().await;
                });
            }
            HostMessage::Cancelled { task_id } => {
                if let Some(entry) = self.running.get(task_id) {
                    tokio::spawn(async move {
                        if let Err(error) = worker.check(task_id, &entry).await {
                            tracing::warn!(task = task_id, %error, "cannot tell whether the task is cancelled");
                        }
                    });
                }
                delivery.ack().await;
            }
            HostMessage::Wake { task_id } => {
                if let Some(entry) = self.running.get(task_id) {
                    entry.wake();
                }
                delivery.ack().await;
            }
        }
    }

    /// Returns when no task does more than wait for others.
    async fn idle(&self) {
        while self.running.is_busy() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Ends this life: tasks may end for a while, then they are killed and given back.
    async fn end(&self) {
        self.control.stop();
        let farewell = self.tell(self.running.load(), false);
        if !matches!(timeout(FAREWELL, farewell).await, Ok(Ok(()))) {
            tracing::warn!("the hub did not hear that this worker takes no more tasks");
        }
        let drain = Duration::from_secs(self.config.drain_timeout);
        if timeout(drain, self.idle()).await.is_err() {
            tracing::warn!("tasks still run after {} s, ending them", drain.as_secs());
        }
        let left = self.running.all();
        for (_, entry) in &left {
            entry.cancel.cancel();
        }
        self.jobs.close();
        if timeout(KILL_GRACE, self.jobs.wait()).await.is_err() {
            tracing::error!("some tasks did not end when killed");
        }
        let farewell = async {
            // What reported its end after all is no longer ours to free.
            for (id, _) in left.iter().filter(|(_, entry)| !entry.is_reporting()) {
                if let Err(error) = self.session.free_tasks(&[*id]).await {
                    tracing::info!(task = id, %error, "the task was not freed");
                }
            }
            if let Err(error) = self.tell(0.0, false).await {
                tracing::warn!(%error, "the hub did not hear that this worker ends");
            }
            self.session.logout().await;
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            tracing::warn!("the hub did not answer the farewell; it will find the tasks abandoned");
        }
    }
}

/// Whether the hub no longer accepts the session: another worker took this host's name, or it was
/// logged out by hand.
fn is_fatal(error: &HubError) -> bool {
    let code = error.code().and_then(FaultCode::from_code);
    code.is_some_and(|code| code.is_a(FaultCode::Auth)) && code != Some(FaultCode::Retry)
}

/// About `period`, so that many hosts do not ask at once.
fn jittered(period: Duration) -> Duration {
    period.mul_f64(rand::rng().random_range(0.8..=1.2))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
