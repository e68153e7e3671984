//! What a task may ask of the worker that runs it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Shared by all tasks of one worker.
#[derive(Debug)]
pub struct Control {
    /// When this worker's session began, in seconds since 1970 by the hub's clock.
    pub started: f64,
    stop: AtomicBool,
    restart: AtomicBool,
    changed: Notify,
}

impl Control {
    pub(crate) fn new(started: f64) -> Control {
        Control { started, stop: AtomicBool::new(false), restart: AtomicBool::new(false), changed: Notify::new() }
    }

    /// Takes no more tasks, and starts anew when the running ones have ended.
    pub fn restart(&self) {
        self.restart.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// Ends the worker as a signal to stop would.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    pub(crate) fn is_restarting(&self) -> bool {
        self.restart.load(Ordering::SeqCst)
    }

    /// Returns when one of the two has been asked for.
    pub(crate) async fn asked(&self) {
        while !self.is_stopping() && !self.is_restarting() {
            self.changed.notified().await;
        }
    }
}
