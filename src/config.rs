//! The one configuration file, with environment variables and flags over it.
//!
//! `TOJI_DATABASE__URL=…` sets `database.url`; a flag wins over both. An unknown key is told, never silently
//! dropped.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::Deserialize;
use toji_hub::config::HubConfig;
use toji_hub::repo_upkeep::RepoConfig;
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
    pub repos: RepoConfig,
    pub scheduler: SchedulerConfig,
    pub worker: WorkerConfig,
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct DatabaseConfig {
    /// `postgresql://user:password@host/db` or `sqlite:///path/to/file`.
    pub url: String,
    /// The most connections that one process opens.
    pub max_connections: u32,
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: "sqlite:///var/lib/toji/hub.db".into(), max_connections: 20, unknown: BTreeMap::new() }
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
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { url: "memory:".into(), unknown: BTreeMap::new() }
    }
}

/// Settings by key, such as `hub.listen`: what the command line sets.
pub type Settings = Vec<(&'static str, String)>;

/// Reads the configuration: a stock builder's file below everything, the flags above everything. A named file
/// must exist.
pub fn load(file: Option<&Path>, kojid_conf: Option<&Path>, flags: Settings) -> anyhow::Result<Config> {
    let mut figment = Figment::new();
    if let Some(kojid_conf) = kojid_conf {
        figment = figment.merge(Serialized::default("worker", WorkerConfig::stock_settings(kojid_conf)?));
    }
    match file {
        Some(file) => {
            ensure!(file.is_file(), "there is no configuration file {}", file.display());
            figment = figment.merge(Toml::file_exact(file));
        }
        None if Path::new(DEFAULT_FILE).is_file() => figment = figment.merge(Toml::file_exact(DEFAULT_FILE)),
        None => {}
    }
    figment = figment.merge(Env::prefixed("TOJI_").ignore(&["config"]).split("__"));
    for (key, value) in flags {
        figment = figment.merge(Serialized::default(key, value));
    }
    let config: Config = figment.extract().context("the configuration does not make sense")?;
    config.warn_of_unknown();
    Ok(config)
}

impl Config {
    fn warn_of_unknown(&self) {
        let sections = [
            ("", &self.unknown),
            ("database.", &self.database.unknown),
            ("queue.", &self.queue.unknown),
            ("hub.", &self.hub.unknown),
            ("repos.", &self.repos.unknown),
            ("hub.proxy.", &self.hub.proxy.unknown),
            ("scheduler.", &self.scheduler.unknown),
        ];
        for (section, unknown) in sections {
            for name in unknown.keys() {
                tracing::warn!("configuration: unknown setting {section}{name} is ignored");
            }
        }
    }
}
