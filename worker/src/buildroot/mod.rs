//! Clean roots that packages are built in.
//!
//! A root begins INIT at the hub when it gets its number, is filled with the packages of a group
//! (`build`, `srpm-build`), tells the hub what it holds, becomes BUILDING, is used once, tells what
//! came in addition, and ends EXPIRED. [`Root`] keeps that order; how a root is made is behind
//! [`Buildroot`], chosen by the configuration.

mod cache;
mod contents;
mod dnf;
mod mock;
mod mount;
mod overlay;
mod packages;
mod report;
mod results;
mod rootfs;
mod settings;
mod upkeep;

pub use contents::locations;
pub use results::regular_files;
pub use settings::{Settings, Wanted};
pub use upkeep::tidy;

use contents::Contents;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use toji_proto::states::RepoState;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::args;
use crate::config::{BuildrootKind, WorkerConfig};
use crate::hub::Session;
use crate::logs::LogUploader;
use crate::members;
use crate::task::{Task, TaskError};
use crate::topdir::{TopDir, repo_path};
use crate::value::{Lookup, Value, ValueExt};

/// A root, whatever makes it.
#[async_trait]
pub trait Buildroot: Send + Sync {
    /// Fills the root with the group's packages.
    async fn init(&mut self) -> Result<(), TaskError>;
    /// The folder that is `/` inside.
    fn root(&self) -> PathBuf;
    /// Builds all packages of a source package for one arch, and the source package itself.
    async fn build(&mut self, srpm: &Path, target: &str) -> Result<(), TaskError>;
    /// Makes a source package anew from what is in one.
    async fn rebuild_srpm(&mut self, srpm: &Path) -> Result<(), TaskError>;
    /// Makes a source package from sources.
    async fn build_srpm(&mut self, source: &SourceTree) -> Result<(), TaskError>;
    /// The folder with the packages that were made.
    fn result_dir(&self) -> PathBuf;
    /// Names under which the logs so far are uploaded.
    fn logs(&self) -> Vec<String>;
    /// Gives the root up, as far as the worker does not clean up after the task anyway.
    async fn close(&mut self) -> Result<(), TaskError>;
}

/// Sources as they were checked out. Paths are relative to `top`.
#[derive(Debug, Clone)]
pub struct SourceTree {
    /// A folder that holds nothing else.
    pub top: PathBuf,
    /// Where `command` runs.
    pub dir: PathBuf,
    pub spec: PathBuf,
    /// The folder with the files that the spec file names.
    pub sources: PathBuf,
    /// The command that fetches what is not in the repository.
    pub command: Option<Vec<String>>,
}

/// What a root needs of its task.
#[derive(Clone)]
pub struct Context {
    pub config: Arc<WorkerConfig>,
    /// The task's folder; logs and the root go there.
    pub workdir: PathBuf,
    pub cancel: CancellationToken,
    pub logs: LogUploader,
}

/// A root that the hub knows.
pub struct Root {
    pub id: i32,
    hub: Session,
    backend: Box<dyn Buildroot>,
    settings: Settings,
    /// The repository's row (stock `repoInfo`).
    repo: Value,
    /// What the repository holds, read when first asked for.
    contents: OnceCell<Contents>,
    topdir: TopDir,
    context: Context,
}

impl Root {
    /// Registers a new root for `tag`, on the packages of one repository of that tag.
    pub async fn open(task: &Task, tag: &Value, repo_id: i32, wanted: &Wanted<'_>) -> Result<Root, TaskError> {
        let hub = task.hub.clone();
        let repo = hub.call_named("repoInfo", args![repo_id], members! { "strict" => true }).await?;
        let event = repo.get("create_event").cloned().unwrap_or(Value::Nil);
        let config = hub.call_named("getBuildConfig", args![tag], members! { "event" => event }).await?;
        let (name, repo_tag) = (config.get_str("name").unwrap_or_default(), repo.get_str("tag_name"));
        if config.get_int("id") != repo.get_int("tag_id") {
            let of = repo_tag.unwrap_or("another tag");
            return Err(TaskError::buildroot(format!("repository {repo_id} is one of {of}, not of {name}")));
        }
        match repo.get_int("state").and_then(RepoState::from_code) {
            Some(RepoState::Ready) => {}
            // Still whole, only not the newest; that may be just what was asked for.
            Some(RepoState::Expired) => tracing::info!(repo_id, "building on a repository that is not the newest"),
            _ => return Err(TaskError::buildroot(format!("repository {repo_id} of {name} is not ready"))),
        }
        let topdir = TopDir::new(&task.config, hub.clone(), &task.workdir);
        let arch = toji_proto::arch::canonical(wanted.arch);
        let url = topdir.url(&format!("{}/{arch}", repo_path(name, repo_id)));
        let id = hub.call_named("host.newBuildRoot", args![repo_id, arch], members! { "task_id" => task.id }).await?;
        let id = id.as_id();
        let id = id.ok_or_else(|| TaskError::buildroot("the hub gave the new root no number"))?;
        let settings = Settings::new(&task.config, &config, id, repo_id, vec![url], wanted)?;
        let context = Context {
            config: task.config.clone(),
            workdir: task.workdir.clone(),
            cancel: task.cancel.clone(),
            logs: task.logs.clone(),
        };
        let backend = backend(context.clone(), settings.clone())?;
        Ok(Root { id, hub, backend, settings, repo, contents: OnceCell::new(), topdir, context })
    }

    /// Fills the root and tells the hub what is in it.
    pub async fn init(&mut self) -> Result<(), TaskError> {
        self.backend.init().await?;
        let packages = self.packages().await?;
        self.hub.call("host.setBuildRootList", args![self.id, packages]).await?;
        Ok(())
    }

    /// Builds a source package for one arch; see [`Buildroot::build`].
    pub async fn build(&mut self, srpm: &Path, target: &str) -> Result<(), TaskError> {
        self.set_state("BUILDING").await?;
        let built = self.backend.build(srpm, target).await;
        // A failed build is explained by what was in its root, too.
        if !matches!(built, Err(TaskError::Cancelled)) {
            let told = self.tell_additions().await;
            return built.and(told);
        }
        built
    }

    async fn tell_additions(&self) -> Result<(), TaskError> {
        let packages = self.packages().await?;
        self.hub.call("host.updateBuildRootList", args![self.id, packages]).await?;
        Ok(())
    }

    pub async fn rebuild_srpm(&mut self, srpm: &Path) -> Result<(), TaskError> {
        self.set_state("BUILDING").await?;
        self.backend.rebuild_srpm(srpm).await
    }

    pub async fn build_srpm(&mut self, source: &SourceTree) -> Result<(), TaskError> {
        self.set_state("BUILDING").await?;
        self.backend.build_srpm(source).await
    }

    /// Files that were made: source packages and others.
    pub fn results(&self) -> Result<(Vec<PathBuf>, Vec<PathBuf>), TaskError> {
        Ok(crate::rpms::sort_out(results::list(&self.backend.result_dir())?))
    }

    /// Names under which the root's logs are uploaded.
    pub fn logs(&self) -> Vec<String> {
        self.backend.logs()
    }

    /// Ends the root of a task that is no longer ours: the hub is not told, because the worker
    /// expires the roots of tasks that are gone.
    pub async fn abandon(mut self) -> Result<(), TaskError> {
        self.backend.close().await
    }

    /// Ends the root. Also to be called when its use failed.
    pub async fn close(mut self) -> Result<(), TaskError> {
        self.backend.close().await?;
        self.set_state("EXPIRED").await
    }

    async fn set_state(&self, state: &str) -> Result<(), TaskError> {
        self.hub.call("host.setBuildRootState", args![self.id, state]).await?;
        Ok(())
    }

    async fn packages(&self) -> Result<Vec<Value>, TaskError> {
        let root = self.backend.root();
        let mut installed = packages::installed(&root, &self.context).await?;
        let load = || Contents::load(&self.hub, &self.topdir, &self.repo, &self.settings);
        let contents = self.contents.get_or_try_init(load).await?;
        for package in &mut installed {
            contents.identify(package)?;
        }
        Ok(installed.into_iter().map(packages::Installed::into_value).collect())
    }
}

fn backend(context: Context, settings: Settings) -> Result<Box<dyn Buildroot>, TaskError> {
    Ok(match context.config.buildroot {
        BuildrootKind::Overlay => Box::new(overlay::Overlay::new(context, settings)?),
        BuildrootKind::Mock => Box::new(mock::Mock::new(context, settings)?),
    })
}

/// The one spec file among files.
fn only_spec(names: Vec<OsString>) -> Result<OsString, TaskError> {
    let specs: Vec<OsString> = names.into_iter().filter(|name| name.to_string_lossy().ends_with(".spec")).collect();
    match specs.as_slice() {
        [spec] => Ok(spec.clone()),
        [] => Err(TaskError::build("there is no spec file in the source package")),
        _ => Err(TaskError::build("there are several spec files in the source package")),
    }
}
