//! The worker's settings: the `[worker]` table of toji's configuration, or a stock `kojid.conf`.
//!
//! Times are in seconds and sizes in MiB unless a field says otherwise; the defaults are the
//! stock builder's, except where a field explains why not.

mod stock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use serde::Deserialize;

/// How a package gets its clean root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildrootKind {
    /// A dnf installroot kept per repository and arch, an overlay on it, bubblewrap around it.
    Overlay,
    /// The `mock` program, configured from the tag's settings.
    Mock,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct WorkerConfig {
    /// The hub's XML-RPC address, for instance `http://hub/kojihub`.
    pub server: String,
    /// Where the hub's file tree is served, for instance `http://hub/kojifiles`.
    pub topurl: String,
    /// Name of this host at the hub; the login of a password session.
    pub user: Option<String>,
    pub password: Option<String>,
    /// PEM bundle that signs the hub's certificate, if it is not a well-known one.
    pub serverca: Option<PathBuf>,
    /// Accepts any certificate of the hub. For tests only.
    pub no_ssl_verify: bool,
    /// Seconds until one HTTP request is given up and tried again.
    pub timeout: u64,
    /// Longest pause between two tries of a call; the pauses grow from a fraction of a second.
    pub retry_interval: u64,
    /// Tries of one call until the task that makes it fails.
    pub max_retries: u32,
    /// Whether an offline hub is waited for.
    pub offline_retry: bool,
    pub offline_retry_interval: u64,

    /// Everything of running tasks lives below; nothing here outlives its task for long.
    pub workdir: PathBuf,
    /// Jobs at the same time.
    pub maxjobs: usize,
    /// Free MiB below which no task is accepted.
    pub minspace: u64,
    /// Available MiB of memory below which no task is accepted.
    pub minmem: u64,
    /// One-minute load per processor above which no task is accepted; 0 means any load is fine, since
    /// the host's capacity limits what runs here anyway.
    pub max_load: f64,
    /// Seconds between two heartbeats.
    pub heartbeat: u64,
    /// Seconds between two looks for tasks whose message was lost (jittered by a fifth).
    pub sleeptime: u64,
    /// Seconds that running tasks may still take after a request to stop; then they are freed.
    pub drain_timeout: u64,
    /// Arches taken literally in the arch list of a build (stock `literal_task_arches`).
    pub literal_task_arches: Vec<String>,

    /// The hub's file tree, where this host has it as a folder. Files are then read there and not
    /// fetched from `topurl`.
    pub topdir: Option<PathBuf>,

    pub buildroot: BuildrootKind,
    /// Whether a tag may choose the container image from which mock bootstraps a root.
    pub mock_bootstrap_image: bool,
    pub mockdir: PathBuf,
    pub mockuser: String,
    pub mockhost: String,
    /// Temporary folder inside the root.
    pub chroot_tmpdir: PathBuf,
    /// Unpacked roots are kept here by repository and arch; below `workdir` when unset.
    pub root_cache: Option<PathBuf>,
    /// Roots that mock made are emptied after so many seconds and removed after the second; other
    /// roots go with their task.
    pub buildroot_basic_cleanup_delay: u64,
    pub buildroot_final_cleanup_delay: u64,
    /// Seconds that a root of mock is kept at least, to look into why a build failed.
    pub failed_buildroot_lifetime: u64,
    /// Seconds until a build in a root is ended.
    pub rpmbuild_timeout: u64,
    pub packager: String,
    pub vendor: String,
    pub distribution: String,
    /// Whether a SCM checkout may have the `SOURCES/`, `SPECS/` layout.
    pub support_rpm_source_layout: bool,
    pub yum_proxy: Option<String>,
    /// Whether a failed arch may leave the others running (stock `build_arch_can_fail`).
    pub build_arch_can_fail: bool,
    pub createrepo_skip_stat: bool,
    pub createrepo_update: bool,
    /// Whether the repository of an arch is taken over whole from the last one if nothing changed.
    pub copy_old_repodata: bool,
    pub distrepo_skip_stat: bool,

    /// `host:path[:use_common[:command]]` items, first match wins, `!` refuses.
    pub allowed_scms: Vec<String>,
    pub allowed_scms_use_config: bool,
    pub allowed_scms_use_policy: bool,
    pub allow_password_in_scm_url: bool,
    pub scm_credentials_dir: Option<PathBuf>,

    /// Mail goes out through this host; without it no notification is sent.
    pub smtphost: Option<String>,
    pub smtp_user: Option<String>,
    pub smtp_pass: Option<String>,
    pub from_addr: String,
    /// Switches mail off even though `smtphost` is set.
    pub disable_notifications: bool,
    /// Where people look tasks up; links in mails begin with it.
    pub weburl: Option<String>,

    /// Whether each log gets a `-ts.log` that says when which part of it was written.
    pub log_timestamps: bool,
    /// Whether a restart replaces the whole process (a worker by itself) or only the worker's life
    /// inside it (everything in one process).
    pub exec_on_restart: bool,

    /// Settings that do not exist. Kept so that they can be complained of by name.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        WorkerConfig {
            server: "http://127.0.0.1:8080/kojihub".into(),
            topurl: "http://127.0.0.1:8080/kojifiles".into(),
            user: None,
            password: None,
            serverca: None,
            no_ssl_verify: false,
            timeout: 60 * 60,
            retry_interval: 20,
            max_retries: 30,
            offline_retry: true,
            offline_retry_interval: 20,
            workdir: "/var/tmp/toji".into(),
            maxjobs: 10,
            minspace: 8192,
            minmem: 0,
            max_load: 0.0,
            heartbeat: 10,
            sleeptime: 30,
            drain_timeout: 30,
            literal_task_arches: Vec::new(),
            topdir: None,
            buildroot: BuildrootKind::Overlay,
            mock_bootstrap_image: false,
            mockdir: "/var/lib/mock".into(),
            mockuser: "kojibuilder".into(),
            mockhost: "koji-linux-gnu".into(),
            chroot_tmpdir: "/chroot_tmpdir".into(),
            root_cache: None,
            buildroot_basic_cleanup_delay: 120,
            buildroot_final_cleanup_delay: 86400,
            failed_buildroot_lifetime: 4 * 3600,
            rpmbuild_timeout: 24 * 3600,
            packager: "Koji".into(),
            vendor: "Koji".into(),
            distribution: "Koji".into(),
            support_rpm_source_layout: true,
            yum_proxy: None,
            build_arch_can_fail: false,
            createrepo_skip_stat: true,
            createrepo_update: true,
            copy_old_repodata: false,
            distrepo_skip_stat: false,
            allowed_scms: Vec::new(),
            allowed_scms_use_config: true,
            allowed_scms_use_policy: false,
            allow_password_in_scm_url: false,
            scm_credentials_dir: None,
            smtphost: None,
            smtp_user: None,
            smtp_pass: None,
            from_addr: "Koji Build System <buildsys@example.com>".into(),
            disable_notifications: false,
            weburl: None,
            log_timestamps: false,
            exec_on_restart: false,
            unknown: BTreeMap::new(),
        }
    }
}

impl WorkerConfig {
    /// The settings in a stock `kojid.conf`, by field name, to be laid under other sources. What has
    /// no effect here is named in the log.
    pub fn stock_settings(path: &Path) -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
        let (settings, remarks) = stock::read(path)?;
        for remark in remarks {
            tracing::warn!("{}: {remark}", path.display());
        }
        Ok(settings)
    }

    /// Refuses settings with which no work is possible, and names unknown ones in the log.
    pub fn check(&self) -> anyhow::Result<()> {
        for name in self.unknown.keys() {
            tracing::warn!("unknown worker setting {name} is ignored");
        }
        for (name, url) in [("server", &self.server), ("topurl", &self.topurl)] {
            let known = url.starts_with("http://") || url.starts_with("https://");
            ensure!(known, "worker setting {name}: {url:?} is no HTTP address");
        }
        for (name, value) in [("user", &self.user), ("password", &self.password)] {
            if value.as_deref().unwrap_or_default().is_empty() {
                bail!("worker setting {name} is missing: this host cannot log in at the hub");
            }
        }
        ensure!(self.workdir.is_absolute(), "worker setting workdir: {} is not absolute", self.workdir.display());
        ensure!(self.maxjobs > 0, "worker setting maxjobs: with 0 jobs there is nothing to do");
        Ok(())
    }

    /// Folder of one task's own files.
    pub fn task_dir(&self, task_id: i32) -> PathBuf {
        self.workdir.join("tasks").join((task_id % 10_000).to_string()).join(task_id.to_string())
    }
}
