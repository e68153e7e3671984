//! What the options say to the scheduler.

use chrono::Duration;
use toji_scheduler::Limits;

use super::Options;

impl Options {
    pub fn scheduler_limits(&self) -> Limits {
        let seconds = |n: u32| Duration::seconds(n.into());
        Limits {
            max_jobs: self.max_jobs,
            capacity_overcommit: self.capacity_overcommit.into(),
            ready_timeout: seconds(self.ready_timeout),
            assign_timeout: seconds(self.assign_timeout),
            soft_refusal_timeout: seconds(self.soft_refusal_timeout),
            host_timeout: seconds(self.host_timeout),
            run_interval: seconds(self.run_interval),
        }
    }
}
