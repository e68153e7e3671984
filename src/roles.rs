//! What each subcommand runs, and how it ends: on SIGTERM or SIGINT a role finishes what is under way.

use std::sync::Arc;

use anyhow::Context;
use toji_hub::Hub;
use toji_hub::options::Settings;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
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
    let scheduler = toji_scheduler::Scheduler::new(database, queue, config.scheduler, Arc::new(Notify::new()));
    scheduler.run(stop_on_signal()?).await
}

pub async fn migrate(config: Config) -> anyhow::Result<()> {
    let database = toji_migrations::connect(&config.database.url, &config.database.pool()).await?;
    let migrated = toji_migrations::migrate(&database).await?;
    info!(?migrated, "the database is ready");
    Ok(())
}

fn settings(config: &Config) -> anyhow::Result<Settings> {
    let hub = &config.hub;
    Ok(Settings::load(hub.hub_conf_dir.as_deref(), hub.hub_conf.as_deref(), &hub.options, &hub.policy)?)
}

async fn make_hub(config: &Config, wake: Arc<Notify>) -> anyhow::Result<Arc<Hub>> {
    let settings = settings(config)?;
    let topdir = config.hub.topdir.clone().or_else(|| settings.options.koji_dir.as_ref().map(Into::into));
    let topdir = topdir.context("no topdir: set hub.topdir, or KojiDir in the stock file")?;
    std::fs::create_dir_all(&topdir).with_context(|| format!("cannot make the topdir {}", topdir.display()))?;
    let topdir = topdir.canonicalize()?;
    let database = toji_migrations::connect(&config.database.url, &config.database.pool())
        .await
        .context("cannot open the database")?;
    if config.hub.migrate {
        toji_migrations::migrate(&database).await?;
    }
    Ok(Hub::new(database, settings, topdir, wake)?)
}

async fn serve(hub: Arc<Hub>, config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let address = config.hub.listen;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    info!("the hub serves http://{}/kojihub", listener.local_addr()?);
    toji_hub::http::serve(hub, listener, stop).await?;
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
