//! The files behind RPMs.

use std::path::PathBuf;

use toji_proto::paths;

use super::store::{self, RpmEntry, RpmRef};
use crate::error::{self, Rpc};
use crate::rpc::Call;
use crate::rpc::builds::store as builds;
use crate::rpmfile::RpmFile;

/// An RPM of ours and its headers. Nothing if there is no such RPM, if it is external, or if its file is gone
/// with its build; with `strict` these are faults (1000).
pub async fn of_rpm(call: &Call, rpm: &RpmRef, strict: bool) -> Rpc<Option<(RpmEntry, RpmFile)>> {
    let missing = |why: String| if strict { Err(error::generic(why)) } else { Ok(None) };
    let Some(found) = store::find(&call.db, rpm).await? else {
        return missing(store::no_such(rpm).public_text());
    };
    let Some(build_id) = found.build_id else {
        return missing(format!("RPM {rpm} is not internal: it has no file here"));
    };
    let build = builds::get(&call.db, &build_id.into()).await?;
    let path = found.path(call, &build)?;
    if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return missing(format!("the file of RPM {rpm} does not exist (build {} is {})", build.nvr(), build.state));
    }
    Ok(Some((found, RpmFile::open(&path).await?)))
}

/// The place of a file among a task's uploads, whether or not there is one. A general fault names a path that
/// leads elsewhere.
pub fn of_task(call: &Call, task_id: i32, below: &str) -> Rpc<PathBuf> {
    let below = paths::relative(below).map_err(|_| error::generic(format!("Invalid filepath: {below}")))?;
    Ok(call.hub.tree.task(task_id.into(), None)?.join(below))
}
