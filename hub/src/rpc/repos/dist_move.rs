//! `host.distRepoMove`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toji_hub_macros::rpc;
use toji_proto::json::to_json;
use toji_proto::{Value, paths};

use super::done::{arch_directory, directory, in_init};
use super::{Call, Rpc};
use crate::error::{self, Error};
use crate::rpc::builds::store as builds;
use crate::rpc::rpms::store as rpms;
use crate::{files, uploads};

/// The file that names the others that were uploaded, a list of paths.
const MANIFEST: &str = "repo_manifest";
/// The file that describes the packages: a struct of file name to what `getRPM` tells, and `sigkey`.
const PACKAGES: &str = "kojipkgs";
/// What the description of a package must agree on with the database.
const CHECKED: [&str; 8] = ["name", "version", "release", "arch", "epoch", "size", "payloadhash", "build_id"];

/// Puts one arch of a dist repository in place: the uploaded metadata, and the packages that it names, each under
/// `Packages/` and the first letter of its name.
///
/// `uploadpath` is a directory below `work/` with `repo_manifest` (a list of the uploaded files) and `kojipkgs` (a
/// struct of file name to the package as of `getRPM`, with `sigkey`: empty for the unsigned file).
///
/// Faults: a repository that does not exist or is not in state INIT, an arch that it has not, a missing upload, a
/// package that is not as described (1000).
#[rpc("host.distRepoMove(repo_id, uploadpath, arch)", write, host)]
pub async fn dist_repo_move(call: &mut Call, repo_id: i32, uploadpath: String, arch: String) -> Rpc<()> {
    let repo = in_init(call, repo_id).await?;
    let target = arch_directory(&directory(call, &repo)?, &arch)?;
    let upload = Upload { folder: uploadpath };
    let manifest: Vec<String> = upload.json(call, MANIFEST).await?;
    let described: BTreeMap<String, Json> = upload.json(call, PACKAGES).await?;
    let mut moves = Vec::new();
    for path in &manifest {
        let from = upload.path(call, path).await?;
        if !from.is_file() {
            return Err(error::generic(format!("No such upload: {}/{path}", upload.folder)));
        }
        moves.push((from, target.join(paths::relative(path)?), format!("{}/{path}", upload.folder)));
    }
    let mut packages = Vec::new();
    for (name, about) in &described {
        packages.push((package(call, name, about).await?, place(&target, name)?));
    }
    tokio::task::spawn_blocking(move || {
        moves.iter().try_for_each(|(from, to, shown)| files::put(from, to, shown))?;
        packages.iter().try_for_each(|(from, to)| second_name(from, to))
    })
    .await?
}

/// A builder's upload.
struct Upload {
    /// Below `work/`.
    folder: String,
}

impl Upload {
    /// A file by its path in the upload.
    async fn path(&self, call: &Call, path: &str) -> Rpc<PathBuf> {
        match path.rsplit_once('/') {
            Some((folder, name)) => uploads::existing(call, &format!("{}/{folder}", self.folder), name, None).await,
            None => uploads::existing(call, &self.folder, path, None).await,
        }
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, call: &Call, name: &str) -> Rpc<T> {
        let path = self.path(call, name).await?;
        let shown = format!("{}/{name}", self.folder);
        let text = tokio::fs::read(&path).await.map_err(|_| error::generic(format!("No such upload: {shown}")))?;
        serde_json::from_slice(&text).map_err(|e| error::generic(format!("{shown} is not as it should be: {e}")))
    }
}

/// Where the file of a package lies, once it is sure that it is the one that was described.
async fn package(call: &Call, name: &str, about: &Json) -> Rpc<PathBuf> {
    let id = about.get("id").and_then(Json::as_i64).and_then(|id| i32::try_from(id).ok());
    let id = id.ok_or_else(|| error::generic(format!("{PACKAGES}: {name} has no id")))?;
    let found = rpms::get(&call.db, &id.into()).await?;
    for key in CHECKED {
        let known = to_json(found.row.get(key).unwrap_or(&Value::Nil));
        if about.get(key) != Some(&known) {
            return Err(error::generic(format!("{PACKAGES}: {key} of {name} is not as in the database")));
        }
    }
    let build = found.build_id.ok_or_else(|| error::generic(format!("{name} is not one of our packages")))?;
    let build = builds::get(&call.db, &build.into()).await?;
    let file = match about.get("sigkey").and_then(Json::as_str).unwrap_or("") {
        "" => paths::rpm(&found.nvra)?,
        key => paths::signed_rpm(&found.nvra, key)?,
    };
    Ok(call.hub.tree.build(&build.place())?.join(file))
}

fn place(target: &Path, name: &str) -> Rpc<PathBuf> {
    let letter = paths::component(name)?.chars().next().unwrap_or('_').to_lowercase().to_string();
    Ok(target.join("Packages").join(letter).join(name))
}

/// Gives a package's file a second name or, on another file system, copies it.
fn second_name(from: &Path, to: &Path) -> Rpc<()> {
    let failed = || Error::io(format!("cannot put {} into the repo", from.display()));
    if to.symlink_metadata().is_ok() {
        return Err(error::generic(format!("The repo has the file already: {}", to.display())));
    }
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(failed())?;
    }
    match std::fs::hard_link(from, to) {
        Err(e) if e.kind() == std::io::ErrorKind::CrossesDevices => std::fs::copy(from, to).map(drop).map_err(failed()),
        linked => linked.map_err(failed()),
    }
}
