//! A build's log files.

use std::path::Path;

use toji_hub_macros::rpc;
use toji_proto::{Value, value};

use super::store::{self, BuildRef};
use crate::error::{self, Error, Rpc};
use crate::files;
use crate::rpc::Call;

/// The log files of a complete build: structs with `name`, `dir` (below the build's logs) and `path` (below
/// the top directory). Links and special files are left out; those of a build under way are its tasks'.
#[rpc("getBuildLogs(build)", read)]
pub async fn get_build_logs(call: &mut Call, build: BuildRef) -> Rpc<Vec<Value>> {
    let build = store::get(&call.db, &build).await?;
    let tree = call.hub.tree.clone();
    let logs = tree.build_logs(&build.place())?;
    tokio::task::spawn_blocking(move || match std::fs::metadata(&logs) {
        Ok(found) if found.is_dir() => listed(&logs, tree.top()),
        Ok(_) => Err(error::generic(format!("Not a directory: {}", logs.display()))),
        Err(_) => Ok(vec![]),
    })
    .await?
}

fn listed(logs: &Path, top: &Path) -> Rpc<Vec<Value>> {
    let mut found = vec![];
    let mut folders = vec![logs.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let failed = || Error::io(format!("cannot read {}", folder.display()));
        let mut entries =
            std::fs::read_dir(&folder).map_err(failed())?.collect::<Result<Vec<_>, _>>().map_err(failed())?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let below = folder.strip_prefix(logs).unwrap_or(Path::new(""));
        let below = if below.as_os_str().is_empty() { ".".into() } else { below.to_string_lossy() };
        for entry in &entries {
            let kind = entry.file_type().map_err(failed())?;
            if kind.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = format!("{}/{below}/{name}", files::relative(top, logs).display());
                found.push(value!({ "name": name, "dir": below.as_ref(), "path": path }));
            }
        }
        folders.extend(entries.iter().rev().filter(|e| e.file_type().is_ok_and(|k| k.is_dir())).map(|e| e.path()));
    }
    Ok(found)
}
