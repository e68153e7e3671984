//! The tasks of a build, with what they left.

use std::collections::BTreeSet;

use toji_proto::states::TaskState;

use crate::args;
use crate::hub::{HubError, host};
use crate::task::{Task, TaskError};
use crate::value::{Lookup, ValueExt};

/// More tasks than any build has.
const MOST: usize = 500;

#[derive(Debug, Clone)]
pub struct Member {
    pub id: i32,
    pub method: String,
    pub arch: String,
    pub label: String,
    pub host: Option<String>,
    pub state: TaskState,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// File names with their volumes.
    pub files: Vec<(String, String)>,
}

/// The task and all below it, parents before children.
pub async fn read(task: &Task, root: i32) -> Result<Vec<Member>, TaskError> {
    let mut members = Vec::new();
    let (mut waiting, mut seen) = (vec![root], BTreeSet::new());
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) || seen.len() > MOST {
            continue;
        }
        let Some(member) = read_one(task, id).await? else { continue };
        members.push(member);
        let children = task.hub.call("getTaskChildren", args![id]).await?;
        let mut children: Vec<i32> =
            children.as_array().unwrap_or_default().iter().filter_map(|child| child.get_id("id")).collect();
        children.sort_unstable_by(|a, b| b.cmp(a));
        waiting.extend(children);
    }
    Ok(members)
}

async fn read_one(task: &Task, id: i32) -> Result<Option<Member>, TaskError> {
    let info = task.hub.call("getTaskInfo", args![id]).await?;
    let Some(state) = host::state(&info) else { return Ok(None) };
    let host = match info.get_id("host_id") {
        Some(host) => task.hub.call("getHost", args![host]).await?.get_str("name").map(str::to_owned),
        None => None,
    };
    let failure = match state {
        TaskState::Failed => match task.hub.call("getTaskResult", args![id]).await {
            Err(HubError::Fault { message, .. }) => Some(message.trim().to_owned()),
            _ => None,
        },
        _ => None,
    };
    let named = crate::members! { "all_volumes" => true };
    let output = task.hub.call_named("listTaskOutput", args![id], named).await?;
    let mut files = Vec::new();
    for (name, volumes) in output.as_struct().into_iter().flatten() {
        for volume in volumes.as_array().unwrap_or_default() {
            files.push((name.clone(), volume.as_str().unwrap_or("DEFAULT").to_owned()));
        }
    }
    let text = |name: &str| info.get_str(name).unwrap_or_default().to_owned();
    Ok(Some(Member {
        id,
        method: text("method"),
        arch: text("arch"),
        label: text("label"),
        host,
        state,
        failure,
        files,
    }))
}

/// What a file of a task is, by its name.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum FileKind {
    Log,
    Source,
    Package,
    Other,
}

pub fn kind(name: &str) -> FileKind {
    match name {
        _ if name.ends_with(".log") => FileKind::Log,
        _ if name.ends_with(".src.rpm") || name.ends_with(".nosrc.rpm") => FileKind::Source,
        _ if name.ends_with(".rpm") => FileKind::Package,
        _ => FileKind::Other,
    }
}
