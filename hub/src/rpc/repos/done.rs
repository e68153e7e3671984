//! `host.repoDone`.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toji_hub_macros::rpc;
use toji_proto::json::to_json;
use toji_proto::states::RepoState;
use toji_proto::{Value, ValueExt, arch};

use super::init::write_json;
use super::store::{self, Repo};
use super::{Call, Rpc};
use crate::db::{Select, json};
use crate::error::{self, Error};
use crate::rpc::{FromArg, Struct};
use crate::{files, uploads};

/// Ends a repository: moves the uploaded metadata into place, marks the repository ready, and has `latest` lead to
/// it if it is the latest of its tag without custom options.
///
/// `data` is a struct of arch to a list of the directory of the upload, below `work/`, and the names of its files.
/// Of a dist repository the files are in place (`host.distRepoMove`). `repo_json_updates` (a struct) is added to
/// `repo.json`. With `expire` the repository is expired at once.
///
/// What was moved stays moved if the call fails later, and a repeated call finds it in place: nobody reads a
/// repository before it is ready.
///
/// Faults: a repository that does not exist or is not in state INIT, an arch that it has not, a missing upload
/// (1000).
#[rpc("host.repoDone(repo_id, data, expire=False, repo_json_updates=None)", write, host)]
pub async fn repo_done(
    call: &mut Call,
    repo_id: i32,
    data: Struct,
    expire: bool,
    repo_json_updates: Option<Struct>,
) -> Rpc<()> {
    let repo = in_init(call, repo_id).await?;
    let directory = directory(call, &repo)?;
    if let Some(updates) = repo_json_updates.filter(|updates| !updates.is_empty()) {
        let path = directory.join("repo.json");
        tokio::task::spawn_blocking(move || update_json(&path, &updates)).await??;
    }
    if !repo.dist {
        for (arch, upload) in &data {
            put_in_place(call, &directory, arch, upload).await?;
        }
    }
    if expire {
        return store::set_state(call, repo.id, RepoState::Expired).await;
    }
    store::set_state(call, repo.id, RepoState::Ready).await?;
    if is_latest(call, &repo).await? {
        call.after_commit(move || link_latest(&directory));
    }
    Ok(())
}

/// The repository, which must be in the making; its row is locked against a second one that ends it.
pub async fn in_init(call: &Call, id: i32) -> Rpc<Repo> {
    Select::from("repo").column("id", "id").clause("id = ?", [id.into()]).lock().all(&call.db).await?;
    let repo = store::get(&call.db, id).await?;
    if repo.state != RepoState::Init {
        return Err(error::generic(format!("Repo {id} is not in state INIT but {}", repo.state)));
    }
    Ok(repo)
}

/// Where a repository's files are; of a dist repository on another volume there is a link to them.
pub fn directory(call: &Call, repo: &Repo) -> Rpc<PathBuf> {
    let tree = &call.hub.tree;
    Ok(if repo.dist { tree.dist_repo(&repo.tag, repo.id.into(), None)? } else { tree.repo(&repo.tag, repo.id.into())? })
}

/// The directory of an arch of the repository.
pub fn arch_directory(directory: &Path, arch: &str) -> Rpc<PathBuf> {
    let path = directory.join(toji_proto::paths::component(arch::canonical(arch))?);
    if path.is_dir() { Ok(path) } else { Err(error::generic(format!("The repo has no directory for {arch}"))) }
}

async fn put_in_place(call: &Call, directory: &Path, arch: &str, upload: &Value) -> Rpc<()> {
    let wrong = || error::param(format!("The data of {arch} must be a directory and a list of files"));
    let Some([Value::String(folder), names]) = upload.as_array() else { return Err(wrong()) };
    let names: Vec<String> = Vec::from_arg(names.clone(), "files")?;
    let arch_directory = arch_directory(directory, arch)?;
    let mut moves = Vec::new();
    for name in names {
        let from = uploads::existing(call, folder, &name, None).await?;
        // Stock builders also send lists of packages, which belong beside those that we wrote.
        let to = if name.ends_with("pkglist") { arch_directory.clone() } else { arch_directory.join("repodata") };
        moves.push((from, to.join(&name), format!("{folder}/{name}")));
    }
    tokio::task::spawn_blocking(move || moves.iter().try_for_each(|(from, to, shown)| files::put(from, to, shown)))
        .await?
}

fn update_json(path: &Path, updates: &Struct) -> Rpc<()> {
    let failed = || Error::io(format!("cannot read {}", path.display()));
    let text = std::fs::read_to_string(path).map_err(failed())?;
    let mut about: Json =
        serde_json::from_str(&text).map_err(|e| error::generic(format!("{} is no JSON: {e}", path.display())))?;
    if let Json::Object(about) = &mut about {
        about.extend(updates.iter().map(|(name, value)| (name.clone(), to_json(value))));
    }
    write_json(path, &about)
}

/// Whether no ready repository of its kind shows the tag later; custom ones are of no kind.
async fn is_latest(call: &Call, repo: &Repo) -> Rpc<bool> {
    if repo.is_custom() && !repo.dist {
        return Ok(false);
    }
    let newer = store::REPOS
        .only(&["id"])
        .clause("tag_id = ? AND create_event > ?", [repo.tag_id.into(), repo.create_event.into()])
        .clause("state = ?", [RepoState::Ready.code().into()]);
    let newer = if repo.dist {
        newer.clause("dist = TRUE", [])
    } else {
        let (plain, params) = json::equals(&call.db, "custom_opts", &serde_json::json!({}));
        newer.clause(&plain, params)
    };
    Ok(newer.count(&call.db).await? == 0)
}

/// The link is a convenience: nothing depends on it.
fn link_latest(directory: &Path) {
    let (Some(parent), Some(id)) = (directory.parent(), directory.file_name()) else { return };
    let linked = tempfile::Builder::new()
        .prefix(".latest-")
        .make_in(parent, |path| std::os::unix::fs::symlink(id, path))
        .and_then(|link| link.persist(parent.join("latest")).map_err(|e| e.error));
    if let Err(e) = linked {
        tracing::warn!(repo = %directory.display(), error = %e, "the link to the latest repo was not made");
    }
}
