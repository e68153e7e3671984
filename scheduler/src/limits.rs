//! What the stock hub's options say about scheduling.

use chrono::Duration;

/// The limits that decide what a host may take and how long anybody is waited for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many tasks a host runs at once if it names no number of its own.
    pub max_jobs: u32,
    /// How far a task's weight may exceed what a host has left.
    pub capacity_overcommit: f64,
    /// After so long without a sign of life a host gets no more tasks.
    pub ready_timeout: Duration,
    /// After so long a task that was assigned and not opened is taken back.
    pub assign_timeout: Duration,
    /// After so long a soft refusal is forgotten.
    pub soft_refusal_timeout: Duration,
    /// After so long without a sign of life a host's open tasks are given to others.
    pub host_timeout: Duration,
    /// The shortest time between two rounds that builders' calls start.
    pub run_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_jobs: 15,
            capacity_overcommit: 5.0,
            ready_timeout: Duration::seconds(180),
            assign_timeout: Duration::seconds(300),
            soft_refusal_timeout: Duration::seconds(900),
            host_timeout: Duration::seconds(900),
            run_interval: Duration::seconds(60),
        }
    }
}
