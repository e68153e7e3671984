//! The metadata of one repository: taken from the hub, put to the hub.

use std::path::Path;

use crate::task::{Task, TaskError};
use crate::topdir::TopDir;
use crate::value::{IntoValue, Value};

/// Fetches the repository at `base` (a path in the hub's tree) into the folder `dest/repodata`:
/// its index and everything the index names, but for databases and origins. `false` if there is
/// no such repository.
pub async fn fetch(topdir: &TopDir, base: &str, dest: &Path) -> Result<bool, TaskError> {
    let Some(index) = topdir.text(&format!("{base}/repodata/repomd.xml")).await? else { return Ok(false) };
    let dir = dest.join("repodata");
    std::fs::create_dir_all(&dir).map_err(|error| TaskError::io(dir.display(), error))?;
    for (kind, place) in crate::buildroot::locations(&index) {
        // Origins are those of the last merge, and databases are not read by anything that we run.
        if kind == "origin" || kind.ends_with("_db") {
            continue;
        }
        let Some(name) = place.strip_prefix("repodata/").filter(|name| !name.contains('/')) else { continue };
        match topdir.read(&format!("{base}/{place}")).await? {
            Some(bytes) => {
                std::fs::write(dir.join(name), bytes).map_err(|error| TaskError::io(dir.display(), error))?
            }
            None => return Ok(false),
        }
    }
    let path = dir.join("repomd.xml");
    std::fs::write(&path, index).map_err(|error| TaskError::io(path.display(), error))?;
    Ok(true)
}

/// Uploads the files in `dir/repodata`. The answer is what `host.repoDone` wants for an arch: the
/// folder below the hub's `work/`, and the files' names.
pub async fn upload(task: &Task, dir: &Path, sub_dir: Option<&str>) -> Result<Value, TaskError> {
    let repodata = dir.join("repodata");
    let io = |error| TaskError::io(repodata.display(), error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&repodata).map_err(io)? {
        names.push(entry.map_err(io)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    for name in &names {
        task.upload_file(&repodata.join(name), sub_dir, None).await?;
    }
    let folder = match sub_dir {
        Some(sub_dir) => format!("{}/{sub_dir}", task.upload_dir()),
        None => task.upload_dir(),
    };
    Ok(Value::Array(vec![folder.into_value(), names.into_value()]))
}
