//! Every kind of task that this worker runs.

mod build;
mod build_arch;
mod build_notification;
mod build_srpm_from_scm;
mod createrepo;
mod default;
mod dependant_task;
mod fork;
mod in_root;
mod mail;
mod new_repo;
mod rebuild_srpm;
mod repodata;
mod restart;
mod restart_hosts;
mod shutdown;
mod sleep;
mod subtask;
mod tag_build;
mod tag_notification;
mod waitrepo;
mod waittest;

use std::sync::Arc;

use crate::task::Handler;

/// The one list of task kinds.
pub fn handlers() -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(build::Build),
        Arc::new(build_arch::BuildArch),
        Arc::new(build_srpm_from_scm::BuildSrpmFromScm),
        Arc::new(rebuild_srpm::RebuildSrpm),
        Arc::new(build_notification::BuildNotification),
        Arc::new(tag_build::TagBuild),
        Arc::new(tag_notification::TagNotification),
        Arc::new(new_repo::NewRepo),
        Arc::new(createrepo::Createrepo),
        Arc::new(waitrepo::WaitRepo),
        Arc::new(dependant_task::DependantTask),
        Arc::new(restart::Restart),
        Arc::new(restart::RestartVerify),
        Arc::new(restart_hosts::RestartHosts),
        Arc::new(shutdown::Shutdown),
        Arc::new(sleep::Sleep),
        Arc::new(fork::Fork),
        Arc::new(subtask::Subtask),
        Arc::new(waittest::WaitTest),
        Arc::new(default::Default),
    ]
}
