//! The hub: the XML-RPC API, the file tree, and the database behind them.
//!
//! A request becomes a `rpc::Call` with one transaction; see `rpc` for its life. Whatever must happen
//! outside of the database as a consequence is written to it in the same transaction (the outbox) and done
//! after the commit.

pub mod admin;
pub mod config;
pub mod db;
pub mod error;
pub mod files;
pub mod http;
pub mod names;
pub mod options;
pub mod policy;
pub mod repo_upkeep;
pub mod rpc;
pub mod rpmfile;
pub mod session;
pub mod uploads;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use sea_orm::DatabaseConnection;
use toji_proto::paths::Tree;
use tokio::sync::Notify;

use crate::config::ProxyConfig;
use crate::db::{Db, Update};
use crate::error::Rpc;
use crate::options::{Options, Settings};
use crate::policy::PolicySet;
use crate::rpc::Registry;

/// What all requests share.
pub struct Hub {
    pub database: DatabaseConnection,
    pub options: Options,
    pub policies: PolicySet,
    pub registry: Registry,
    /// The proxy in front of the hub.
    pub proxy: ProxyConfig,
    /// The file tree.
    pub tree: Tree,
    /// Wakes a scheduler in the same process after a commit; one elsewhere hears of it from the database.
    pub wake: Arc<Notify>,
}

impl Hub {
    /// Fails if a policy does not parse.
    pub fn new(
        database: DatabaseConnection,
        settings: Settings,
        proxy: ProxyConfig,
        topdir: PathBuf,
        wake: Arc<Notify>,
    ) -> anyhow::Result<Arc<Self>> {
        let Settings { options, policies } = settings;
        let policies = PolicySet::new(&policies, &options)?;
        Ok(Arc::new(Self {
            database,
            options,
            policies,
            registry: Registry::new(),
            proxy,
            tree: Tree::new(topdir),
            wake,
        }))
    }

    /// Notes that a session was used. Only kept roughly, and a failure costs nothing but precision.
    async fn touch_session(&self, id: i32) {
        let db = Db::new(&self.database, true);
        let touched =
            Update::table("sessions").set("update_time", Utc::now()).clause("id = ?", [id.into()]).run(&db).await;
        let ended = if touched.is_ok() { db.commit().await } else { db.rollback().await };
        if let Err(e) = touched.and(ended) {
            tracing::warn!(session = id, error = %e, "the session's time of use was not kept");
        }
    }

    /// Notes that a session was not renewed in time; its subsessions expire with it.
    async fn expire_session(&self, id: i32) -> Rpc<()> {
        let db = Db::new(&self.database, true);
        let still = "EXISTS (SELECT 1 FROM sessions late WHERE late.id = ? AND late.expired = FALSE)";
        let expired = Update::table("sessions")
            .set("expired", true)
            .clause("id = ? OR master = ?", [id.into(), id.into()])
            .clause(still, [id.into()])
            .run(&db)
            .await;
        if expired.is_ok() { db.commit().await } else { db.rollback().await }
    }
}
