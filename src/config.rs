//! The one configuration file, with environment variables and flags over it.
//!
//! `TOJI_DATABASE__URL=…` sets `database.url`; a flag wins over both. An unknown key is told, never silently
//! dropped.

use std::path::{Path, PathBuf};

use anyhow::Context;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use toji_hub::config::HubConfig;
use toji_migrations::PoolOptions;
use toji_scheduler::SchedulerConfig;
use toji_worker::config::WorkerConfig;

/// Where the configuration is looked for if no file is named.
const DEFAULT_FILE: &str = "/etc/toji/toji.toml";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    pub database: DatabaseConfig,
    pub queue: QueueConfig,
    pub hub: HubConfig,
    pub scheduler: SchedulerConfig,
    pub worker: WorkerConfig,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct DatabaseConfig {
    /// `postgresql://user:password@host/db` or `sqlite:///path/to/file`.
    pub url: String,
    /// The most connections that one process opens.
    pub max_connections: u32,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: "sqlite:///var/lib/toji/hub.db".into(), max_connections: 20 }
    }
}

impl DatabaseConfig {
    pub fn pool(&self) -> PoolOptions {
        PoolOptions { max_connections: self.max_connections, ..PoolOptions::default() }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct QueueConfig {
    /// `memory:` inside one process, `amqp://user:password@host/vhost` between processes.
    pub url: String,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { url: "memory:".into() }
    }
}

/// What the command line sets over the file.
#[derive(Debug, Default, Serialize)]
pub struct Overrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topdir: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_conf: Option<PathBuf>,
}

/// Reads the configuration; a named file must exist.
pub fn load(file: Option<&Path>, overrides: &Overrides) -> anyhow::Result<Config> {
    let mut figment = match file {
        Some(file) => {
            anyhow::ensure!(file.is_file(), "there is no configuration file {}", file.display());
            Figment::from(Toml::file_exact(file))
        }
        None if Path::new(DEFAULT_FILE).is_file() => Figment::from(Toml::file_exact(DEFAULT_FILE)),
        None => Figment::new(),
    };
    figment = figment.merge(Env::prefixed("TOJI_").split("__"));
    for (key, value) in [
        ("database.url", overrides.database_url.clone()),
        ("queue.url", overrides.queue_url.clone()),
        ("hub.listen", overrides.listen.clone()),
        ("hub.topdir", overrides.topdir.as_ref().map(|p| p.display().to_string())),
        ("hub.hub_conf", overrides.hub_conf.as_ref().map(|p| p.display().to_string())),
    ] {
        if let Some(value) = value {
            figment = figment.merge(Serialized::default(key, value));
        }
    }
    warn_of_unknown(&figment);
    figment.extract().context("the configuration does not make sense")
}

/// The top-level keys; the sections name their own unknown ones.
fn warn_of_unknown(figment: &Figment) {
    const KNOWN: [&str; 5] = ["database", "queue", "hub", "scheduler", "worker"];
    let found: Result<std::collections::BTreeMap<String, figment::value::Value>, _> = figment.extract();
    for key in found.unwrap_or_default().keys().filter(|k| !KNOWN.contains(&k.as_str())) {
        tracing::warn!("configuration: unknown section {key} is ignored");
    }
}
