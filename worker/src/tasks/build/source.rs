//! The source package of a build.

use std::path::Path;

use crate::hub::Expected;
use crate::rpms::{Header, RpmError};
use crate::task::{Task, TaskError};
use crate::value::{Lookup, Value, ValueExt};

/// Enough for nearly all headers; the payload behind them is not needed.
const HEAD: usize = 1 << 20;

pub struct Source {
    /// Path below the hub's `work/`.
    pub srpm: String,
    /// Where it was made from.
    pub origin: Option<Origin>,
}

pub struct Origin {
    /// The exact revision.
    pub source: Value,
    /// As the submitter wrote it.
    pub url: Value,
}

impl Source {
    /// What a `buildSRPMFromSCM` or `rebuildSRPM` task made.
    pub fn of_result(task_id: i32, result: &Value) -> Result<Source, TaskError> {
        let srpm =
            result.get_str("srpm").ok_or_else(|| TaskError::build(format!("task {task_id} made no source package")))?;
        let origin = result
            .get("source")
            .and_then(|source| Some(Origin { source: source.get("source")?.clone(), url: source.get("url")?.clone() }));
        Ok(Source { srpm: srpm.to_owned(), origin })
    }

    pub async fn header(&self, task: &Task) -> Result<Header, TaskError> {
        let header = remote_header(task, &self.srpm).await?;
        if !header.source {
            return Err(TaskError::build(format!("{} is not a source package", file_name(&self.srpm))));
        }
        Ok(header)
    }
}

/// Reads the header of a package below the hub's `work/`.
pub async fn remote_header(task: &Task, package: &str) -> Result<Header, TaskError> {
    with_head(task, package, Header::read).await
}

/// Applies `read` to the head of a package, or to all of it if the head was too short.
pub async fn with_head<T>(
    task: &Task,
    package: &str,
    read: impl Fn(&Path) -> Result<T, RpmError>,
) -> Result<T, TaskError> {
    let path = format!("work/{package}");
    let folder = task.workdir.join("headers");
    tokio::fs::create_dir_all(&folder).await.map_err(|error| TaskError::io(folder.display(), error))?;
    let local = folder.join(file_name(package));
    let head = task.hub.download_head(&path, HEAD).await?;
    let whole = head.len() < HEAD;
    tokio::fs::write(&local, head).await.map_err(|error| TaskError::io(local.display(), error))?;
    let result = match read(&local) {
        Err(RpmError::NotAnRpm { .. }) if !whole => {
            task.hub.download(&path, &local, &Expected::default()).await?;
            read(&local)
        }
        result => result,
    };
    if let Err(error) = tokio::fs::remove_file(&local).await {
        tracing::debug!(%error, path = %local.display(), "cannot remove a header");
    }
    Ok(result?)
}

fn file_name(path: &str) -> &str {
    match path.rsplit('/').next() {
        None | Some("" | "." | "..") => "package",
        Some(name) => name,
    }
}
