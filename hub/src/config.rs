//! The `[hub]` section of toji's configuration file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// Where the hub listens, keeps its files and finds a stock configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct HubConfig {
    /// The address of the API, the file tree and the health checks.
    pub listen: SocketAddr,
    /// The top of the file tree: packages, work, repos, scratch and volumes are below it.
    pub topdir: Option<PathBuf>,
    /// A stock `hub.conf`.
    pub hub_conf: Option<PathBuf>,
    /// A stock `hub.conf.d`.
    pub hub_conf_dir: Option<PathBuf>,
    /// Make or update the tables at the start.
    pub migrate: bool,
    /// Stock options by their stock names; they win over the stock file.
    pub options: BTreeMap<String, serde_json::Value>,
    /// Policies by name; they win over the stock file.
    pub policy: BTreeMap<String, String>,
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            topdir: None,
            hub_conf: None,
            hub_conf_dir: None,
            migrate: false,
            options: BTreeMap::new(),
            policy: BTreeMap::new(),
            unknown: BTreeMap::new(),
        }
    }
}
