//! The tasks that run here, or are about to.
//!
//! An entry is made before a task is opened at the hub and goes after its last trace is cleaned,
//! so whatever is open at the hub on this host and has no entry is a leftover.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// One task from before its opening until it is cleaned up.
#[derive(Debug, Default)]
pub struct Entry {
    /// Cancelled when the task must end without a report.
    pub cancel: CancellationToken,
    /// Cancelled when nothing of the task is left.
    pub gone: CancellationToken,
    /// Whether the task is about this worker itself.
    foreground: bool,
    wake: Notify,
    waiting: AtomicBool,
    /// The hub has been told to open the task, so that what it says of it is about this run.
    opened: AtomicBool,
    /// Its result is on the way to the hub: that it is no longer open there means nothing.
    reporting: AtomicBool,
    weight: Mutex<f64>,
}

impl Entry {
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns when the task has been woken since the last time.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    pub fn is_opened(&self) -> bool {
        self.opened.load(Ordering::SeqCst)
    }

    pub fn set_opened(&self) {
        self.opened.store(true, Ordering::SeqCst);
    }

    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Marks the task as waiting for others while the guard lives.
    pub fn waiting(&self) -> WaitingGuard<'_> {
        self.waiting.store(true, Ordering::SeqCst);
        WaitingGuard(self)
    }

    pub fn is_reporting(&self) -> bool {
        self.reporting.load(Ordering::SeqCst)
    }

    pub fn set_reporting(&self) {
        self.reporting.store(true, Ordering::SeqCst);
    }

    pub fn set_weight(&self, weight: f64) {
        *lock(&self.weight) = weight;
    }

    /// What the task takes of the host now: nothing while it waits.
    pub fn load(&self) -> f64 {
        if self.is_waiting() { 0.0 } else { *lock(&self.weight) }
    }
}

/// See [`Entry::waiting`].
pub struct WaitingGuard<'a>(&'a Entry);

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting.store(false, Ordering::SeqCst);
    }
}

/// What came of the wish to begin a task.
pub enum Begin {
    /// It may be opened now.
    Started(Arc<Entry>),
    /// It runs already.
    Running(Arc<Entry>),
    /// There is no room for it now.
    Full,
}

#[derive(Debug, Default)]
pub struct Running {
    entries: Mutex<HashMap<i32, Arc<Entry>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one statement, so a panic leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Makes an entry, unless there is one or `limit` tasks are at work.
    pub fn begin(&self, task_id: i32, limit: usize) -> Begin {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get(&task_id) {
            return Begin::Running(entry.clone());
        }
        // Waiting tasks do not count: else parents could fill the host and starve their children.
        let busy = entries.values().filter(|entry| !entry.is_waiting()).count();
        if busy >= limit {
            return Begin::Full;
        }
        let entry = Arc::new(Entry::default());
        entries.insert(task_id, entry.clone());
        Begin::Started(entry)
    }

    /// Makes an entry for a task about the worker itself: however much runs, but one after the other.
    pub fn begin_foreground(&self, task_id: i32) -> Begin {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get(&task_id) {
            return Begin::Running(entry.clone());
        }
        if entries.values().any(|entry| entry.foreground) {
            return Begin::Full;
        }
        let entry = Arc::new(Entry { foreground: true, ..Entry::default() });
        entries.insert(task_id, entry.clone());
        Begin::Started(entry)
    }

    pub fn get(&self, task_id: i32) -> Option<Arc<Entry>> {
        lock(&self.entries).get(&task_id).cloned()
    }

    /// Forgets a task of which nothing is left.
    pub fn end(&self, task_id: i32) {
        let entry = lock(&self.entries).remove(&task_id);
        if let Some(entry) = entry {
            entry.gone.cancel();
        }
    }

    pub fn all(&self) -> Vec<(i32, Arc<Entry>)> {
        lock(&self.entries).iter().map(|(id, entry)| (*id, entry.clone())).collect()
    }

    pub fn load(&self) -> f64 {
        self.all().iter().map(|(_, entry)| entry.load()).sum()
    }

    /// Whether any task does more than wait for others.
    pub fn is_busy(&self) -> bool {
        self.all().iter().any(|(_, entry)| !entry.is_waiting())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_tasks_leave_room_for_their_children() {
        let running = Running::default();
        let Begin::Started(parent) = running.begin(1, 1) else { panic!() };
        assert!(matches!(running.begin(2, 1), Begin::Full));
        parent.set_weight(2.0);
        {
            let _waiting = parent.waiting();
            assert!(!running.is_busy());
            assert_eq!(running.load(), 0.0);
            assert!(matches!(running.begin(2, 1), Begin::Started(_)));
        }
        assert_eq!(running.load(), 2.0);
        assert!(matches!(running.begin(1, 9), Begin::Running(_)));
        let Begin::Started(_) = running.begin_foreground(3) else { panic!() };
        assert!(matches!(running.begin_foreground(4), Begin::Full));
        running.end(1);
        assert!(parent.gone.is_cancelled());
    }
}
