//! What the kinds of tasks share that build in a root.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rand::seq::IndexedRandom;

use crate::args;
use crate::buildroot::Root;
use crate::hub::{Expected, HubError};
use crate::members;
use crate::rpms::Header;
use crate::task::{Task, TaskError};
use crate::value::{Lookup, Members, Value, ValueExt};
use toji_proto::arch::canonical;

/// The repository that a task is to build with: its id and the event it shows.
pub async fn repository(task: &Task, opts: &Value) -> Result<(i32, Value), TaskError> {
    let id = opts.get_id("repo_id").filter(|id| *id != 0);
    let id = id.ok_or_else(|| TaskError::build("the id of a repository to build with (repo_id) is missing"))?;
    let repo = task.hub.call_named("repoInfo", args![id], members! { "strict" => true }).await?;
    Ok((id, repo.get("create_event").cloned().unwrap_or(Value::Nil)))
}

/// Refuses a task whose tag has no arch in common with this host. Anything unclear is let through,
/// to fail with an explanation later.
pub async fn check_arches(task: &Task, tag: &Value) -> Result<(), String> {
    let Ok((host, tag)) =
        tokio::try_join!(task.hub.call("host.getHost", vec![]), task.hub.call("getBuildConfig", args![tag]))
    else {
        return Ok(());
    };
    let (of_host, of_tag) = (words(&host, "arches"), words(&tag, "arches"));
    let common = of_tag.iter().any(|arch| of_host.contains(arch.as_str()));
    if of_tag.is_empty() || common {
        return Ok(());
    }
    let list = |arches: BTreeSet<String>| arches.into_iter().collect::<Vec<_>>().join(", ");
    Err(format!("the arches of the tag ({}) and of this host ({}) have nothing in common", list(of_tag), list(of_host)))
}

/// Arch names in a member with blanks between them, in their canonical form.
fn words(row: &Value, member: &str) -> BTreeSet<String> {
    row.get_str(member).unwrap_or_default().split_whitespace().map(|arch| canonical(arch).to_owned()).collect()
}

/// The arch of the root for packages without arch: one that this host and the tag have in common,
/// the preferred one if possible.
pub async fn any_arch(task: &Task, tag: &Value, event: &Value, preferred: Option<&str>) -> Result<String, TaskError> {
    let host = task.hub.call("host.getHost", vec![]).await?;
    let tag = task.hub.call_named("getBuildConfig", args![tag], members! { "event" => event }).await?;
    let (of_host, of_tag) = (words(&host, "arches"), words(&tag, "arches"));
    let name = |row: &Value| row.get_str("name").unwrap_or_default().to_owned();
    for (what, row, arches) in [("host", &host, &of_host), ("tag", &tag, &of_tag)] {
        if arches.is_empty() {
            return Err(TaskError::build(format!("the {what} {} has no arches", name(row))));
        }
    }
    let common: Vec<&String> = of_host.intersection(&of_tag).collect();
    if let Some(preferred) = preferred.filter(|arch| common.iter().any(|common| common == arch)) {
        return Ok(preferred.to_owned());
    }
    let chosen = common.choose(&mut rand::rng()).map(|arch| (*arch).clone());
    chosen.ok_or_else(|| {
        let (host, tag) = (name(&host), name(&tag));
        TaskError::build(format!("the host {host} ({of_host:?}) has no arch of the tag {tag} ({of_tag:?})"))
    })
}

/// Fetches a source package that an earlier task or the client uploaded.
pub async fn fetch_srpm(task: &Task, path: &str) -> Result<(PathBuf, Header), TaskError> {
    let name = match path.rsplit('/').next() {
        None | Some("" | "." | "..") => return Err(TaskError::build(format!("{path:?} names no source package"))),
        Some(name) => name,
    };
    let local = task.workdir.join("source").join(name);
    match task.hub.download(&format!("work/{path}"), &local, &Expected::default()).await {
        Err(HubError::NotFound { .. }) => {
            return Err(TaskError::build(format!("the source package {path} is not at the hub")));
        }
        result => result?,
    }
    let header = Header::read_source(&local)?;
    Ok((local, header))
}

/// Ends the root, whatever its use came to. The use's own error is the one to tell.
pub async fn close<T>(root: Root, used: Result<T, TaskError>) -> Result<T, TaskError> {
    let id = root.id;
    if matches!(used, Err(TaskError::Cancelled)) {
        if let Err(error) = root.abandon().await {
            tracing::warn!(buildroot = id, %error, "a root could not be given up");
        }
        return used;
    }
    match (root.close().await, used) {
        (Ok(()), used) => used,
        (Err(error), Ok(_)) => Err(error),
        (Err(error), Err(first)) => {
            tracing::warn!(buildroot = id, %error, "a root could not be given up");
            Err(first)
        }
    }
}

/// Uploads the one source package that a root made. Answers with the members `srpm`, `logs` and
/// `brootid` of the task's result.
pub async fn deliver_srpm(task: &Task, root: &Root) -> Result<(PathBuf, Members), TaskError> {
    let (sources, _) = root.results()?;
    let srpm = match sources.as_slice() {
        [srpm] => srpm.clone(),
        [] => return Err(TaskError::build("no source package came out")),
        several => return Err(TaskError::build(format!("several source packages came out: {}", shown(several)))),
    };
    Header::read_source(&srpm)?.check_source_name(&srpm)?;
    let path = task.upload_file(&srpm, None, None).await?;
    let members = members! { "srpm" => path, "logs" => log_paths(task, root.logs()), "brootid" => root.id };
    Ok((srpm, members))
}

/// Where logs are below the hub's `work/`.
pub fn log_paths(task: &Task, names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| format!("{}/{name}", task.upload_dir())).collect()
}

pub fn shown(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| file_name(path);
    paths.iter().map(name).collect::<Vec<_>>().join(", ")
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
