//! Where an upload lies, and whether the caller may write there.

use std::path::{Component, Path, PathBuf};

use toji_proto::paths;
use toji_proto::states::TaskState;

use crate::error::{self, Error, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, NameOrId};

/// The file that notes whose directory it is.
const OWNER: &str = ".user";

/// The path of an upload that may or may not be there.
///
/// `volume` must exist. Faults name the directory or the file as it was given.
pub async fn existing(call: &Call, directory: &str, name: &str, volume: Option<&str>) -> Rpc<PathBuf> {
    Ok(locate(call, directory, name, volume).await?.0)
}

/// The path of an upload, its directory made, if the caller may write there.
pub async fn for_writing(call: &Call, directory: &str, name: &str, volume: Option<&str>) -> Rpc<PathBuf> {
    let user = call.user_id()?;
    let (path, parts) = locate(call, directory, name, volume).await?;
    let own = match parts.first().map(String::as_str) {
        Some("tasks") => {
            check_task(call, directory, &parts).await?;
            None
        }
        _ => Some(user),
    };
    let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    let shown = directory.to_string();
    tokio::task::spawn_blocking(move || take_directory(&folder, own, &shown)).await??;
    Ok(path)
}

/// The checked path and the parts of its directory below `work/`.
async fn locate(call: &Call, directory: &str, name: &str, volume: Option<&str>) -> Rpc<(PathBuf, Vec<String>)> {
    if name.starts_with('.') || paths::component(name).is_err() {
        return Err(error::generic(format!("Invalid upload filename: {name}")));
    }
    let parts =
        normalised(directory).ok_or_else(|| error::generic(format!("Invalid upload directory: {directory}")))?;
    if let Some(volume) = volume {
        lookup::get(&call.db, Table::Volume, &NameOrId::Name(volume.into())).await?;
    }
    let mut path = call.hub.tree.work(volume)?;
    path.extend(&parts);
    path.push(name);
    Ok((path, parts))
}

/// The parts of a relative path, `.` and `..` resolved; nothing if it leads out.
fn normalised(directory: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    for component in Path::new(directory).components() {
        match component {
            Component::Normal(part) => {
                let part = part.to_str()?;
                paths::component(part).ok()?;
                parts.push(part.to_string());
            }
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then_some(parts)
}

/// `tasks/N/ID/…` is for the host that runs the task.
async fn check_task(call: &Call, directory: &str, parts: &[String]) -> Rpc<()> {
    let invalid = || error::generic(format!("Invalid task upload directory: {directory}"));
    let task: i32 = parts.get(2).and_then(|id| id.parse().ok()).ok_or_else(invalid)?;
    let host = call.assert_host().await?;
    if paths::task_dir(task.into()) != parts[..3].join("/") {
        return Err(invalid());
    }
    let runs = "SELECT 1 FROM task WHERE id = ? AND host_id = ? AND state = ?";
    if call.db.exists(runs, vec![task.into(), host.into(), TaskState::Open.code().into()]).await? {
        Ok(())
    } else {
        Err(error::denied(format!("host {host} does not run task {task}")))
    }
}

/// Makes a directory and notes its owner, or checks that it is the caller's.
fn take_directory(folder: &Path, user: Option<i32>, shown: &str) -> Rpc<()> {
    std::fs::create_dir_all(folder).map_err(Error::io(format!("cannot make the upload directory {shown}")))?;
    let Some(user) = user else { return Ok(()) };
    let note = folder.join(OWNER);
    let failed = || Error::io(format!("cannot note the owner of {shown}"));
    match std::fs::read_to_string(&note) {
        Ok(owner) if owner.trim() == user.to_string() => Ok(()),
        Ok(_) => Err(error::generic(format!("Invalid upload directory, not owner: {shown}"))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            // Linked into place whole: of two first users one wins, and neither reads a half-written note.
            let fresh = tempfile::NamedTempFile::new_in(folder).map_err(failed())?;
            std::fs::write(fresh.path(), user.to_string()).map_err(failed())?;
            match fresh.persist_noclobber(&note) {
                Ok(_) => Ok(()),
                Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => {
                    take_directory(folder, Some(user), shown)
                }
                Err(e) => Err(failed()(e.error)),
            }
        }
        Err(e) => Err(failed()(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn directories_stay_inside() {
        let parts = |d: &str| normalised(d).map(|p| p.join("/"));
        assert_eq!(parts("up//three/./"), Some("up/three".into()));
        assert_eq!(parts("up/one/../two"), Some("up/two".into()));
        for bad in ["..", "../up", "up/../../out", "", ".", "/etc", "a\0b"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
