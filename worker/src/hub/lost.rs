//! What to do when a call was carried out but its answer was lost.
//!
//! The hub refuses to run a call number twice (fault 1009), which keeps retries from doing harm but
//! also keeps the answer. Calls that only read never get here.

/// What a lost answer means for the caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// The call's effect is all that was wanted.
    Done,
    /// Calling again under a new number gives the same answer, or does no harm.
    Repeat,
    /// The caller has to find out.
    Unknown,
}

impl Lost {
    pub fn of(method: &str) -> Lost {
        match method {
            "host.closeTask"
            | "host.failTask"
            | "host.freeTasks"
            | "host.refuseTask"
            | "host.setTaskWeight"
            | "host.setHostData"
            | "host.updateHost"
            | "host.taskSetWait"
            | "host.setBuildRootState"
            | "host.setBuildRootList"
            | "host.updateBuildRootList"
            | "host.completeBuild"
            | "host.moveBuildToScratch"
            | "host.failBuild"
            | "host.tagBuild"
            | "host.tagNotification"
            | "host.repoDone"
            | "cancelTaskChildren"
            | "cancelTask"
            | "exclusiveSession"
            | "logout" => Lost::Done,
            // A label gives the same child again; the same task gets its build again; a second
            // buildroot or repository entry is left in its first state and cleaned by the hub.
            "host.subtask"
            | "host.initBuild"
            | "host.newBuildRoot"
            | "host.repoInit"
            | "host.taskWait"
            | "host.taskWaitResults"
            | "host.getTasks"
            | "repo.request"
            | "subsession"
            | "rawUpload" => Lost::Repeat,
            _ => Lost::Unknown,
        }
    }
}
