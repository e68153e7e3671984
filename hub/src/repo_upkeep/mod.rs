//! What repositories need besides calls; at a stock site `kojira` does it.
//!
//! * `passes`: what happens in the database alone, run by the leading scheduler: tasks for requests, automatic
//!   requests, noting which repositories have fallen behind, expiring and deleting old ones;
//! * `sweep`: removing the files of deleted repositories, done by a hub, which has the file tree.
//!
//! Where kojira still runs it does no harm: both go by the database. It can also be left all to kojira, with
//! `upkeep = false`.

mod expiry;
mod passes;
mod sweep;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use passes::Passes;
pub use sweep::{keep_sweeping, sweep};

const DAY: u64 = 24 * 3600;

/// The `[repos]` section of the configuration. Times are in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct RepoConfig {
    /// Whether any of this is done here.
    pub upkeep: bool,
    /// Between two looks at all repositories.
    pub interval: u64,
    /// Between two looks at their directories.
    pub sweep_interval: u64,
    /// How long a repository is kept that no longer shows its tag as it is, or has options of its own.
    pub repo_lifetime: u64,
    /// The same for dist repositories.
    pub dist_repo_lifetime: u64,
    /// How long an expired repository, one with a problem, or a directory that belongs to none is kept.
    pub expired_repo_lifetime: u64,
    /// How long a repository may be in the making.
    pub init_timeout: u64,
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for RepoConfig {
    fn default() -> Self {
        Self {
            upkeep: true,
            interval: 15,
            sweep_interval: 900,
            repo_lifetime: 7 * DAY,
            dist_repo_lifetime: 7 * DAY,
            expired_repo_lifetime: 7 * DAY,
            init_timeout: 7200,
            unknown: BTreeMap::new(),
        }
    }
}
