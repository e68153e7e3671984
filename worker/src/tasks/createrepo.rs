//! `createrepo`: the metadata of one arch of a repository.
//!
//! The hub wrote down which packages belong to it. createrepo_c describes them, taking what it can
//! from the last repository's metadata; packages that are new are fetched, unless the hub's tree is
//! a folder of this host. mergerepo_c then adds external repositories.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::try_join_all;
use serde::Deserialize;
use toji_proto::states::RepoState;

use super::repodata;
use crate::args;
use crate::command::{Command, CommandError};
use crate::hub::Expected;
use crate::members;
use crate::rpms::Header;
use crate::sandbox::Sandbox;
use crate::task::{Handler, Task, TaskError};
use crate::topdir::{TopDir, repo_path};
use crate::value::{Lookup, Value, ValueExt};

/// Downloads at the same time.
const DOWNLOADS: usize = 4;
/// The link to the hub's tree with which every path in a list of packages begins.
const TOPLINK: &str = "toplink";
/// The first mergerepo_c that can be told to expand arches, and then has to be.
const ARCH_EXPAND: [u32; 3] = [0, 15, 11];

pub struct Createrepo;

#[async_trait]
impl Handler for Createrepo {
    fn methods(&self) -> &'static [&'static str] {
        &["createrepo"]
    }

    fn weight(&self, _: &Task) -> f64 {
        1.5
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let (repo_id, arch) = (args.id("repo_id")?, args.str("arch")?);
        let repo = task.hub.call_named("repoInfo", args![repo_id], members! { "strict" => true }).await?;
        if repo.get_int("state").and_then(RepoState::from_code) != Some(RepoState::Init) {
            return Err(TaskError::generic(format!("repository {repo_id} is no longer being made")));
        }
        let tag = repo.get_str("tag_name").unwrap_or_default();
        let topdir = TopDir::new(&task.config, task.hub.clone(), &task.workdir);
        let mut job = Job {
            task,
            base: repo_path(tag, repo_id),
            arch: arch.to_owned(),
            repo_id,
            out: task.workdir.join("repo"),
            packages: Vec::new(),
            groups: None,
            topdir,
        };
        job.read_lists().await?;
        job.create(args.get("oldrepo").and_then(|old| old.get_id("id"))).await?;
        let external = job.external(&repo).await?;
        if !external.is_empty() {
            job.merge(&external).await?;
        } else if job.packages.is_empty() {
            let path = job.out.join("repodata/EMPTY_REPO");
            let text = "The tag has no packages for this arch.\n";
            std::fs::write(&path, text).map_err(|error| TaskError::io(path.display(), error))?;
        }
        repodata::upload(task, &job.out, None).await
    }
}

/// A package that belongs to the repository.
#[derive(Debug, Clone, PartialEq)]
struct Package {
    /// In the hub's tree.
    path: String,
    /// What the hub knows of it, unless it is an older hub.
    known: Option<Known>,
}

/// A line of the hub's `rpmlist.jsonl`, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Known {
    name: String,
    version: String,
    release: String,
    arch: String,
    payloadhash: String,
    size: Option<u64>,
}

struct Job<'a> {
    task: &'a Task,
    /// The repository's folder in the hub's tree.
    base: String,
    arch: String,
    repo_id: i32,
    out: PathBuf,
    packages: Vec<Package>,
    /// The file with the tag's groups.
    groups: Option<PathBuf>,
    topdir: TopDir,
}

impl Job<'_> {
    fn work(&self, name: &str) -> PathBuf {
        self.task.workdir.join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf, TaskError> {
        let path = self.work(name);
        std::fs::write(&path, content).map_err(|error| TaskError::io(path.display(), error))?;
        Ok(path)
    }

    fn make_dir(&self, path: &Path) -> Result<(), TaskError> {
        std::fs::create_dir_all(path).map_err(|error| TaskError::io(path.display(), error))
    }

    /// Reads what the hub wrote down.
    async fn read_lists(&mut self) -> Result<(), TaskError> {
        self.packages = packages(&self.topdir, &format!("{}/{}", self.base, self.arch)).await?;
        if let Some(groups) = self.topdir.read(&format!("{}/groups/comps.xml", self.base)).await? {
            self.groups = Some(self.write("comps.xml", groups)?);
        }
        self.make_dir(&self.out)
    }

    /// Describes the tag's own packages.
    async fn create(&self, old: Option<i32>) -> Result<(), TaskError> {
        let config = &self.task.config;
        let mut command = self.program("createrepo_c", "createrepo.log")?;
        command = command.args(["--error-exit-val", "--verbose", "--no-database", "-o"]).arg(&self.out);
        if let Some(groups) = &self.groups {
            command = command.arg("-g").arg(groups);
        }
        if self.packages.is_empty() {
            return self.run("createrepo_c", command.arg(&self.out)).await;
        }
        let list: String = self.packages.iter().map(|package| format!("{TOPLINK}/{}\n", package.path)).collect();
        command = command.arg("-i").arg(self.write("pkglist", list)?);
        let mut described = HashMap::new();
        if let Some(old) = old.filter(|_| config.createrepo_update)
            && let Some(before) = self.old_metadata(old).await?
        {
            command = command.arg("--update");
            if config.createrepo_skip_stat {
                command = command.arg("--skip-stat");
                described = before;
            }
        }
        let dir = self.work(&self.arch);
        self.make_dir(&dir)?;
        let tree = match self.topdir.local() {
            Some(top) => top.to_owned(),
            None => self.fetch_packages(&described).await?,
        };
        std::os::unix::fs::symlink(tree, dir.join(TOPLINK)).map_err(|error| TaskError::io(dir.display(), error))?;
        self.run("createrepo_c", command.arg(&dir)).await
    }

    /// Takes over the metadata of an older repository, and tells which packages they describe: the
    /// path and content of each. `None` if they cannot be used: createrepo_c goes by paths alone,
    /// and would describe a package that was replaced under its path as what it was before.
    async fn old_metadata(&self, old: i32) -> Result<Option<HashMap<String, String>>, TaskError> {
        let named = members! { "strict" => true };
        let old = self.task.hub.call_named("repoInfo", args![old], named).await?;
        let (Some(id), Some(tag)) = (old.get_id("id"), old.get_str("tag_name")) else { return Ok(None) };
        let base = format!("{}/{}", repo_path(tag, id), self.arch);
        let before: HashMap<String, String> = match packages(&self.topdir, &base).await {
            Ok(packages) => packages.into_iter().filter_map(|p| Some((p.path, p.known?.payloadhash))).collect(),
            Err(_) => return Ok(None),
        };
        let replaced = |package: &Package| {
            let (before, now) = (before.get(&package.path), package.known.as_ref());
            before.zip(now).is_some_and(|(before, now)| *before != now.payloadhash)
        };
        if self.packages.iter().any(replaced) || !repodata::fetch(&self.topdir, &base, &self.out).await? {
            return Ok(None);
        }
        Ok(Some(before))
    }

    /// Fetches the packages that are not described yet to this host's share of the hub's tree.
    async fn fetch_packages(&self, described: &HashMap<String, String>) -> Result<PathBuf, TaskError> {
        let tree = self.task.config.workdir.join("rpms");
        let missing: Vec<&Package> = self.packages.iter().filter(|p| !described.contains_key(&p.path)).collect();
        let queue = Mutex::new(missing);
        try_join_all((0..DOWNLOADS).map(|_| self.fetch_from(&queue, &tree))).await?;
        Ok(tree)
    }

    async fn fetch_from(&self, queue: &Mutex<Vec<&Package>>, tree: &Path) -> Result<(), TaskError> {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(package) = next() {
            self.fetch_package(tree, package).await?;
        }
        Ok(())
    }

    async fn fetch_package(&self, tree: &Path, package: &Package) -> Result<(), TaskError> {
        let local = tree.join(&package.path);
        let is_it = |path: &Path| {
            let known = package.known.as_ref();
            Header::read(path).is_ok_and(|found| known.is_some_and(|known| found.payload_hash == known.payloadhash))
        };
        if local.exists() && is_it(&local) {
            // Used now: clean-up goes by this time.
            let touched = std::fs::File::open(&local).and_then(|file| file.set_modified(std::time::SystemTime::now()));
            return touched.map_err(|error| TaskError::io(local.display(), error));
        }
        // Two tasks may fetch the same package; each to a file of its own.
        let own = local.with_extension(format!("{}.{}", self.task.id, self.arch));
        self.task.hub.download(&package.path, &own, &Expected::default()).await?;
        if package.known.is_some() && !is_it(&own) {
            let why = format!("{} at the hub is not the package that the hub's list says", package.path);
            return Err(TaskError::generic(why));
        }
        std::fs::rename(&own, &local).map_err(|error| TaskError::io(local.display(), error))
    }

    /// The external repositories that count for this arch, in order.
    async fn external(&self, repo: &Value) -> Result<Vec<External>, TaskError> {
        let tag = repo.get("tag_id").cloned().unwrap_or(Value::Nil);
        let event = repo.get("create_event").cloned().unwrap_or(Value::Nil);
        let rows = self.task.hub.call_named("getExternalRepoList", args![tag], members! { "event" => event }).await?;
        let rows = rows.as_array().unwrap_or_default();
        Ok(rows.iter().filter_map(|row| External::of(row, &self.arch)).collect())
    }

    /// Puts our packages and those of external repositories into one.
    async fn merge(&self, external: &[External]) -> Result<(), TaskError> {
        let mode = &external[0].mode;
        if let Some(other) = external.iter().find(|repo| repo.mode != *mode) {
            let why = format!("external repositories of one tag must be merged alike, not {mode} and {}", other.mode);
            return Err(TaskError::generic(why));
        }
        // The hub's and the stock builder's look for this name to know our own packages by.
        let own = self.work(&format!("repo_{}_premerge", self.repo_id));
        std::fs::rename(&self.out, &own).map_err(|error| TaskError::io(own.display(), error))?;
        self.make_dir(&self.out)?;
        let mut command = self.program("mergerepo_c", "mergerepos.log")?.arg("--no-database");
        command = match mode.as_str() {
            "simple" => command.args(["--koji", "--simple"]),
            "bare" => command.args(["--pkgorigins", "--all"]),
            "koji" => command.arg("--koji"),
            other => return Err(TaskError::generic(format!("{other} is no known way to merge repositories"))),
        };
        if mode != "bare" {
            let blocked = self.topdir.read(&format!("{}/{}/blocklist", self.base, self.arch)).await?;
            command = command.arg("-b").arg(self.write("blocklist", blocked.unwrap_or_default())?);
        }
        command = command.args(["-a", &self.arch]).arg("-o").arg(&self.out);
        if self.expands_arches().await? {
            command = command.arg("--arch-expand");
        }
        if let Some(groups) = &self.groups {
            command = command.arg("-g").arg(groups);
        }
        command = command.arg("-r").arg(format!("file://{}/", own.display()));
        for repo in external {
            command = command.arg("-r").arg(&repo.url);
        }
        self.run("mergerepo_c", command).await
    }

    async fn expands_arches(&self) -> Result<bool, TaskError> {
        let command = Command::new("mergerepo_c", Sandbox::offline(&self.task.workdir)).arg("--version");
        let text = command.output(&self.task.cancel).await?;
        Ok(version(&text).is_some_and(|version| version >= ARCH_EXPAND))
    }

    fn program(&self, name: &str, log: &str) -> Result<Command, TaskError> {
        let path = self.work(log);
        self.task.logs.follow(&path, log);
        Ok(Command::new(name, Sandbox::online(&self.task.workdir)).log(path))
    }

    async fn run(&self, name: &str, command: Command) -> Result<(), TaskError> {
        match command.run(&self.task.cancel).await {
            Err(CommandError::Failed { failure }) => {
                let log = if name == "mergerepo_c" { "mergerepos.log" } else { "createrepo.log" };
                Err(TaskError::generic(format!("the repository could not be made, see {log}: {failure}")))
            }
            result => Ok(result?),
        }
    }
}

/// The packages of a repository's arch, from the lists in its folder.
async fn packages(topdir: &TopDir, base: &str) -> Result<Vec<Package>, TaskError> {
    let list = topdir.text(&format!("{base}/pkglist")).await?;
    let list = list.ok_or_else(|| TaskError::generic(format!("the hub has no list of packages in {base}")))?;
    let known = topdir.text(&format!("{base}/rpmlist.jsonl")).await?.unwrap_or_default();
    let mut by_name = HashMap::new();
    for line in known.lines() {
        let known: Known =
            serde_json::from_str(line).map_err(|error| TaskError::generic(format!("{base}/rpmlist.jsonl: {error}")))?;
        by_name.insert(format!("{}-{}-{}.{}.rpm", known.name, known.version, known.release, known.arch), known);
    }
    let mut packages = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty()) {
        let path = line.strip_prefix(TOPLINK).and_then(|path| path.strip_prefix('/'));
        let path = path.filter(|path| path.split('/').all(|part| !matches!(part, "" | "." | "..")));
        let path = path.ok_or_else(|| TaskError::generic(format!("{base}/pkglist names {line:?}")))?;
        let known = path.rsplit('/').next().and_then(|name| by_name.get(name)).cloned();
        packages.push(Package { path: path.to_owned(), known });
    }
    Ok(packages)
}

#[derive(Debug, PartialEq)]
struct External {
    url: String,
    mode: String,
}

impl External {
    /// `None` if the repository does not count for this arch.
    fn of(row: &Value, arch: &str) -> Option<External> {
        let arches = row.get_str("arches").unwrap_or_default();
        if !arches.is_empty() && !arches.split_whitespace().any(|one| one == arch) {
            return None;
        }
        let url = row.get_str("url")?.replace("$arch", arch);
        Some(External { url, mode: row.get_str("merge_mode").unwrap_or("koji").to_owned() })
    }
}

/// The three numbers in `Version: 0.17.3 (Features: …)`.
fn version(text: &str) -> Option<[u32; 3]> {
    let numbers = text.trim().strip_prefix("Version:")?.split_whitespace().next()?;
    let numbers: Vec<u32> = numbers.split('.').filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_repositories_by_arch() {
        let row = |arches: Value| {
            Value::Struct(members! { "url" => "http://x/$arch/os/", "arches" => arches, "merge_mode" => "bare" })
        };
        let found = External::of(&row(Value::Nil), "x86_64").unwrap();
        assert_eq!((found.url.as_str(), found.mode.as_str()), ("http://x/x86_64/os/", "bare"));
        assert!(External::of(&row(Value::String("i386 x86_64".into())), "x86_64").is_some());
        assert!(External::of(&row(Value::String("i386 aarch64".into())), "x86_64").is_none());
    }

    #[test]
    fn versions() {
        assert_eq!(version("Version: 0.17.3 (Features: DeltaRPM )\n"), Some([0, 17, 3]));
        assert!(version("Version: 1.1.0").unwrap() >= ARCH_EXPAND);
        assert!(version("Version: 0.15.10").unwrap() < ARCH_EXPAND);
        assert_eq!(version("who knows"), None);
    }
}
