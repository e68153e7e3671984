//! Telling the hub how this host is.

use std::sync::PoisonError;
use std::time::Duration;

use super::{Worker, health, is_fatal, jittered};
use crate::hub::HubError;
use crate::value::{Lookup, Value, ValueExt};

impl Worker {
    pub(super) async fn heartbeats(&self) -> HubError {
        let period = Duration::from_secs(self.config.heartbeat.max(1));
        loop {
            match self.heartbeat().await {
                Err(error) if is_fatal(&error) => return error,
                Err(error) => tracing::warn!(%error, "the hub did not hear our heartbeat"),
                Ok(()) => {}
            }
            tokio::time::sleep(jittered(period)).await;
        }
    }

    async fn heartbeat(&self) -> Result<(), HubError> {
        let host = self.session.call("host.getHost", vec![]).await?;
        let load = self.running.load();
        let obstacle = if self.control.is_restarting() || self.control.is_stopping() {
            Some("the worker is about to end".to_owned())
        } else if !host.get_flag("enabled") {
            Some("the host is disabled".to_owned())
        } else if host.get("capacity").and_then(Value::as_f64).is_some_and(|capacity| load > capacity) {
            Some("the host works at its capacity".to_owned())
        } else {
            let sick = health::obstacle(&self.config);
            *self.sick() = sick.clone();
            sick
        };
        if let Some(why) = &obstacle {
            tracing::info!(why, "not ready for tasks");
        }
        self.tell(load, obstacle.is_none()).await
    }

    pub(super) async fn tell(&self, load: f64, ready: bool) -> Result<(), HubError> {
        let mut methods: Vec<&str> = self.handlers.keys().copied().collect();
        methods.sort_unstable();
        let maxjobs = i64::try_from(self.config.maxjobs).unwrap_or(i64::MAX);
        // This tells the hub that messages of the queue are read here.
        let toji = crate::members! { "instance" => self.instance.clone(), "version" => env!("CARGO_PKG_VERSION") };
        let data = crate::members! { "methods" => methods, "maxjobs" => maxjobs, "toji" => toji };
        self.session.update_host(load, ready, data).await
    }

    /// Why a task that is placed here now must go back.
    pub(super) fn obstacle(&self) -> Option<String> {
        if self.control.is_stopping() || self.control.is_restarting() {
            return Some("the worker is about to end".to_owned());
        }
        self.sick().clone()
    }

    fn sick(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.sick.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
