//! What each subcommand runs, and how it ends: on SIGTERM or SIGINT a role finishes what is under way.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use toji_hub::Hub;
use toji_hub::options::Settings;
use toji_hub::repo_upkeep::{Passes, keep_sweeping};
use toji_worker::WorkerConfig;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Config;

pub async fn hub(config: Config) -> anyhow::Result<()> {
    let hub = make_hub(&config, Arc::new(Notify::new())).await?;
    serve(hub, &config, stop_on_signal()?).await
}

pub async fn scheduler(config: Config) -> anyhow::Result<()> {
    let database = toji_migrations::connect(&config.database.url, &config.database.pool()).await?;
    let queue = toji_queue::open(&config.queue.url)?;
    let settings = settings(&config)?;
    let limits = settings.options.scheduler_limits();
    let wake = Arc::new(Notify::new());
    // The passes for repositories need the hub's options and policies, but no files.
    let hub = Hub::new(database.clone(), settings, config.hub.proxy.clone(), PathBuf::new(), wake.clone())?;
    let scheduler = toji_scheduler::Scheduler::new(database, queue, config.scheduler, limits, wake)
        .with(Arc::new(Passes::new(hub, config.repos)));
    scheduler.run(stop_on_signal()?).await
}

pub async fn worker(config: Config) -> anyhow::Result<()> {
    toji_worker::run(config.worker, toji_queue::open(&config.queue.url)?, stop_on_signal()?).await
}

/// Everything in one process. The parts meet in the database, the queue and the hub's address, as they do
/// when they run apart.
pub async fn all(config: Config) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let wake = Arc::new(Notify::new());
    let queue = toji_queue::open(&config.queue.url)?;
    let hub = make_hub(&config, wake.clone()).await?;
    let worker = embedded_worker(&config, &hub).await?;
    let limits = hub.options.scheduler_limits();
    let scheduler =
        toji_scheduler::Scheduler::new(hub.database.clone(), queue.clone(), config.scheduler.clone(), limits, wake)
            .with(Arc::new(Passes::new(hub.clone(), config.repos.clone())));
    // The worker stops first: it still has to tell the hub which tasks it gives back.
    let rest = CancellationToken::new();
    let mut roles = JoinSet::new();
    let (hub_stop, scheduler_stop, worker_stop) = (rest.clone(), rest.clone(), stop.clone());
    roles.spawn(async move { serve(hub, &config, hub_stop).await });
    roles.spawn(async move { scheduler.run(scheduler_stop).await });
    roles.spawn(async move {
        let ended = toji_worker::run(worker, queue, worker_stop).await;
        rest.cancel();
        ended
    });
    while let Some(ended) = roles.join_next().await {
        stop.cancel();
        ended??;
    }
    Ok(())
}

/// The worker beside the hub: unless the configuration says otherwise, a host of this machine's arch that logs
/// in over loopback with a password made for this run.
async fn embedded_worker(config: &Config, hub: &Hub) -> anyhow::Result<WorkerConfig> {
    let mut worker = config.worker.clone();
    let address = config.hub.listen;
    let loopback = if address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { address.ip() };
    let base = format!("http://{}", SocketAddr::new(loopback, address.port()));
    let defaults = WorkerConfig::default();
    if worker.server == defaults.server {
        worker.server = format!("{base}/kojihub");
    }
    if worker.topurl == defaults.topurl {
        worker.topurl = format!("{base}/kojifiles");
    }
    worker.topdir.get_or_insert_with(|| hub.tree.top().to_path_buf());
    if worker.password.is_none() {
        let name = worker.user.get_or_insert_with(|| "localhost".into()).clone();
        let password = hex::encode(rand::random::<[u8; 16]>());
        let arches = [std::env::consts::ARCH.to_string()];
        let capacity = std::thread::available_parallelism().map_or(2.0, |n| n.get() as f64 * 2.0);
        let channels = ["createrepo".into()];
        toji_hub::admin::create_host(&hub.database, &hub.options, &name, &password, &arches, &channels, capacity)
            .await?;
        worker.password = Some(password);
    }
    Ok(worker)
}

pub async fn migrate(config: Config) -> anyhow::Result<()> {
    let database = toji_migrations::connect(&config.database.url, &config.database.pool()).await?;
    let migrated = toji_migrations::migrate(&database).await?;
    info!(?migrated, "the database is ready");
    // SQLite then moves what is in its journal into the file.
    database.close().await?;
    Ok(())
}

/// The hub's options and policies.
pub fn settings(config: &Config) -> anyhow::Result<Settings> {
    let hub = &config.hub;
    Ok(Settings::load(hub.hub_conf_dir.as_deref(), hub.hub_conf.as_deref(), &hub.options, &hub.policy)?)
}

async fn make_hub(config: &Config, wake: Arc<Notify>) -> anyhow::Result<Arc<Hub>> {
    let settings = settings(config)?;
    let topdir = config.hub.topdir.clone().or_else(|| settings.options.koji_dir.as_ref().map(Into::into));
    let topdir = topdir.context("no topdir: set hub.topdir, or KojiDir in the stock file")?;
    std::fs::create_dir_all(&topdir).with_context(|| format!("cannot make the topdir {}", topdir.display()))?;
    // Builders look for this one to know that they see the file tree.
    std::fs::create_dir_all(topdir.join("repos"))?;
    let topdir = topdir.canonicalize()?;
    let database = toji_migrations::connect(&config.database.url, &config.database.pool())
        .await
        .context("cannot open the database")?;
    if config.hub.migrate {
        toji_migrations::migrate(&database).await?;
    }
    Hub::new(database, settings, config.hub.proxy.clone(), topdir, wake)
}

async fn serve(hub: Arc<Hub>, config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let address = config.hub.listen;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    info!("the hub serves http://{}/kojihub", listener.local_addr()?);
    let sweeping = tokio::spawn(keep_sweeping(hub.clone(), config.repos.clone(), stop.clone()));
    toji_hub::http::serve(hub, listener, stop).await?;
    sweeping.abort();
    Ok(())
}

/// A token that SIGTERM or SIGINT cancels.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let signalled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
        signalled.cancel();
    });
    Ok(stop)
}
