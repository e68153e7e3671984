//! Fetching the sources, one command line after the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Kind, Scm, ScmError};
use crate::command::{Command, CommandError};
use crate::members;
use crate::sandbox::Sandbox;
use crate::value::Members;

/// The longest that one fetch may take.
const TIMEOUT: Duration = Duration::from_secs(2 * 3600);
/// Where a fetched git revision is kept.
const FETCHED: &str = "refs/toji/fetched";

/// What was checked out.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkout {
    /// The folder with the spec file, below the folder given to [`Scm::checkout`].
    pub source_dir: PathBuf,
    /// The address as asked for (`url`), and with the revision resolved (`source`).
    pub source: Members,
}

/// The programs' calls for one kind of repository.
struct Plan {
    program: &'static str,
    env: Vec<(&'static str, &'static str)>,
    fetch: Vec<String>,
    fetch_common: Vec<String>,
    /// The folder that appears, and the one in it with the sources.
    checkout_dir: PathBuf,
    source_dir: PathBuf,
}

impl Scm {
    /// Fetches the sources into `dir`, which exists and is empty. Everything that the programs
    /// say goes to `log`.
    pub async fn checkout(&self, dir: &Path, log: &Path, cancel: &CancellationToken) -> Result<Checkout, ScmError> {
        let plan = self.plan()?;
        let run = Runner { scm: self, plan: &plan, dir, log, cancel };
        if let Some(parent) = plan.checkout_dir.parent() {
            let path = dir.join(parent);
            std::fs::create_dir_all(&path)
                .map_err(|source| ScmError::Io { what: path.display().to_string(), source })?;
        }
        run.run(&plan.fetch, dir).await?;
        let source = match self.url.kind {
            Kind::Git | Kind::GitSsh => {
                let commit = run.reset().await?;
                self.resolved(&commit)
            }
            _ => self.url.shown.clone(),
        };
        let source_dir = beneath(dir, &plan.source_dir)?;
        if self.use_common {
            run.run(&plan.fetch_common, dir).await?;
            link_common(dir, &source_dir)?;
        }
        let source = members! { "url" => &self.url.shown, "source" => source };
        Ok(Checkout { source_dir, source })
    }

    /// The address of exactly this commit.
    fn resolved(&self, commit: &str) -> String {
        let url = &self.url;
        let module = if url.module.is_empty() { String::new() } else { format!("?{}", url.module) };
        format!("{}{}{}{module}#{commit}", url.scheme, url.host, url.repository)
    }

    fn plan(&self) -> Result<Plan, ScmError> {
        let url = &self.url;
        let needs = |what: &str| ScmError::Url { url: url.shown.clone(), why: format!("it needs a {what}") };
        match url.kind {
            Kind::Git => Ok(self.git()),
            Kind::GitSsh if url.user.is_some() => Ok(self.git()),
            Kind::Svn => Ok(self.svn()),
            Kind::SvnSsh if url.user.is_some() => Ok(self.svn()),
            Kind::Cvs | Kind::CvsSsh if url.module.is_empty() => Err(needs("?module")),
            Kind::Cvs => Ok(self.cvs(":pserver:", &url.login().unwrap_or_else(|| "anonymous".into()))),
            Kind::CvsSsh if url.user.is_some() => Ok(self.cvs(":ext:", &url.login().unwrap_or_default())),
            Kind::GitSsh | Kind::SvnSsh | Kind::CvsSsh => Err(needs("user")),
        }
    }

    fn git(&self) -> Plan {
        let url = &self.url;
        let login = url.login().map(|login| format!("{login}@")).unwrap_or_default();
        let place = |repository: &str| format!("{}{login}{}{repository}", url.transport, url.host);
        // A `common` repository lies beside this one and is named after the same fashion.
        let (base, suffix) = match &url.repository {
            path if path.ends_with("/.git") => (&path[..path.len() - 5], "/.git"),
            path if path.ends_with(".git") => (&path[..path.len() - 4], ".git"),
            path => (path.as_str(), ""),
        };
        let (parent, name) = base.rsplit_once('/').unwrap_or(("", base));
        let checkout_dir = PathBuf::from(if name.is_empty() { "source" } else { name });
        Plan {
            program: "git",
            env: vec![
                ("GIT_TERMINAL_PROMPT", "0"),
                ("GIT_ALLOW_PROTOCOL", "git:http:https:rsync:ssh:git+ssh"),
                ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
            ],
            fetch: strings(["clone", "-n", "--", &place(&url.repository), &checkout_dir.to_string_lossy()]),
            fetch_common: strings(["clone", "--", &place(&format!("{parent}/common{suffix}")), "common"]),
            source_dir: checkout_dir.join(&url.module),
            checkout_dir,
        }
    }

    fn svn(&self) -> Plan {
        let url = &self.url;
        let user = match (url.kind, &url.user) {
            (Kind::SvnSsh, Some(user)) => format!("{user}@"),
            _ => String::new(),
        };
        let place = format!("{}{user}{}{}", url.transport, url.host, url.repository);
        let folder = match url.module.as_str() {
            "" => url.repository.rsplit('/').next().unwrap_or("source").to_owned(),
            module => module.to_owned(),
        };
        // Externals would fetch from addresses that nobody allowed.
        let mut base = strings(["checkout", "--non-interactive", "--no-auth-cache", "--ignore-externals"]);
        if let (Kind::Svn, Some(user)) = (url.kind, &url.user) {
            base.extend(["--username".to_owned(), user.clone()]);
            base.extend(url.password.iter().flat_map(|password| ["--password".to_owned(), password.clone()]));
        }
        let with = |tail: Vec<String>| base.iter().cloned().chain(tail).collect();
        let module = url.module.split('/').filter(|part| !part.is_empty()).fold(place.clone(), |a, b| a + "/" + b);
        // The last `@` ends the address; without one, an `@` within would begin a peg revision.
        Plan {
            program: "svn",
            env: vec![("SVN_SSH", "ssh -oBatchMode=yes")],
            fetch: with(strings(["-r", &url.revision, "--", &format!("{module}@"), &folder])),
            fetch_common: with(strings(["--", &format!("{place}/common@"), "common"])),
            checkout_dir: PathBuf::from(&folder),
            source_dir: PathBuf::from(&folder),
        }
    }

    fn cvs(&self, method: &str, login: &str) -> Plan {
        let url = &self.url;
        let colon = if url.host.contains(':') { "" } else { ":" };
        let place = format!("{method}{login}@{}{colon}{}", url.host, url.repository);
        Plan {
            program: "cvs",
            env: vec![("CVS_RSH", "ssh")],
            fetch: strings(["-d", &place, "checkout", "-r", &url.revision, &url.module]),
            fetch_common: strings(["-d", &place, "checkout", "common"]),
            checkout_dir: PathBuf::from(&url.module),
            source_dir: PathBuf::from(&url.module),
        }
    }
}

struct Runner<'a> {
    scm: &'a Scm,
    plan: &'a Plan,
    dir: &'a Path,
    log: &'a Path,
    cancel: &'a CancellationToken,
}

impl Runner<'_> {
    fn command(&self, args: &[String], dir: &Path) -> Command {
        let mut command = Command::new(self.plan.program, Sandbox::online(self.dir))
            .args(args)
            .dir(dir)
            .log(self.log)
            .timeout(TIMEOUT)
            .secret(self.scm.url.password.as_deref());
        for (name, value) in &self.plan.env {
            command = command.env(*name, *value);
        }
        command
    }

    async fn run(&self, args: &[String], dir: &Path) -> Result<(), ScmError> {
        let command = self.command(args, dir);
        command.run(self.cancel).await.map_err(|error| failed(&command, error))
    }

    /// Brings the clone to the revision asked for, and tells its commit. A revision that the
    /// server does not hand out by name, like a shortened hash, may still be in the clone.
    async fn reset(&self) -> Result<String, ScmError> {
        let dir = self.dir.join(&self.plan.checkout_dir);
        let revision = self.scm.url.revision.as_str();
        let name = revision.strip_prefix("origin/").unwrap_or(revision);
        let fetch = strings(["fetch", "origin", &format!("{name}:{FETCHED}")]);
        let wanted = match self.run(&fetch, &dir).await {
            Ok(()) => FETCHED,
            Err(ScmError::Cancelled) => return Err(ScmError::Cancelled),
            Err(_) => revision,
        };
        let resolve = strings(["rev-parse", "--verify", "--end-of-options", &format!("{wanted}^{{commit}}")]);
        let resolve = self.command(&resolve, &dir);
        let commit = resolve.output(self.cancel).await.map_err(|error| failed(&resolve, error))?;
        let commit = commit.trim().to_owned();
        self.run(&strings(["reset", "--hard", &commit]), &dir).await?;
        Ok(commit)
    }
}

fn failed(command: &Command, error: CommandError) -> ScmError {
    match error {
        CommandError::Cancelled => ScmError::Cancelled,
        error => ScmError::Checkout { what: command.to_string(), error },
    }
}

fn strings<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// The folder that `path` really is, relative to `dir`: links in sources may not lead out of it.
fn beneath(dir: &Path, path: &Path) -> Result<PathBuf, ScmError> {
    let io = |source| ScmError::Io { what: format!("{} in the sources", path.display()), source };
    let top = dir.canonicalize().map_err(io)?;
    let real = dir.join(path).canonicalize().map_err(io)?;
    match real.strip_prefix(&top) {
        Ok(inside) if real.is_dir() => Ok(inside.to_owned()),
        Ok(_) => Err(io(std::io::ErrorKind::NotADirectory.into())),
        Err(_) => Err(io(std::io::Error::other("it leads out of them"))),
    }
}

/// Sources expect the common part at `../common`.
fn link_common(dir: &Path, source_dir: &Path) -> Result<(), ScmError> {
    let Some(parent) = source_dir.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    let place = dir.join(parent).join("common");
    if place.symlink_metadata().is_ok() {
        return Ok(());
    }
    let up: PathBuf = parent.components().map(|_| "..").collect();
    std::os::unix::fs::symlink(up.join("common"), &place)
        .map_err(|source| ScmError::Io { what: place.display().to_string(), source })
}
