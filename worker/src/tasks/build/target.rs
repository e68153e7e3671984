//! Where a build is made and where it goes.

use toji_proto::states::RepoState;

use crate::args;
use crate::task::{Task, TaskError};
use crate::value::{Lookup, Value, ValueExt};

#[derive(Debug)]
pub struct Target {
    /// The target's name, if it is one.
    pub name: Option<String>,
    pub build_tag: i32,
    pub dest_tag: i32,
    pub dest_tag_name: String,
    /// A repository that the submitter chose, with the event it stands for.
    pub repo: Option<(i32, Option<i64>)>,
}

impl Target {
    /// Finds the tags. With a chosen repository the target may also name a tag, or be absent.
    pub async fn find(task: &Task, target: Option<&Value>, repo_id: Option<&Value>) -> Result<Target, TaskError> {
        let repo = match repo_id.filter(|id| !id.is_nil()) {
            Some(id) => Some(usable_repo(task, id).await?),
            None => None,
        };
        let event = repo.as_ref().and_then(|repo| repo.get_int("create_event"));
        let chosen = repo.as_ref().and_then(|repo| Some((repo.get_id("id")?, event)));
        let at = || crate::members! { "event" => event };
        if let Some(target) = target {
            let info = task.hub.call_named("getBuildTarget", args![target], at()).await?;
            if let Some(found) = read(&info, chosen) {
                return match &repo {
                    Some(repo) if repo.get_id("tag_id") != Some(found.build_tag) => Err(TaskError::build(format!(
                        "the chosen repository is of tag {}, target {} builds in {}",
                        repo.get_str("tag_name").unwrap_or("?"),
                        found.name.as_deref().unwrap_or("?"),
                        info.get_str("build_tag_name").unwrap_or("?"),
                    ))),
                    _ => Ok(found),
                };
            }
        }
        let shown = || {
            target.map_or_else(
                || "None".to_owned(),
                |target| target.as_str().map_or_else(|| format!("{target:?}"), str::to_owned),
            )
        };
        let Some(repo) = repo else {
            return Err(TaskError::generic(format!("there is no build target {}", shown())));
        };
        let build_tag = repo.get_id("tag_id").ok_or_else(|| TaskError::build("the chosen repository has no tag"))?;
        let dest = match target {
            None => repo.clone(),
            Some(target) => task.hub.call_named("getTag", args![target], at()).await?,
        };
        let id_member = if target.is_none() { "tag_id" } else { "id" };
        let name_member = if target.is_none() { "tag_name" } else { "name" };
        match (dest.get_id(id_member), dest.get_str(name_member)) {
            (Some(dest_tag), Some(name)) => {
                Ok(Target { name: None, build_tag, dest_tag, dest_tag_name: name.to_owned(), repo: chosen })
            }
            _ => Err(TaskError::generic(format!("{} is neither a tag nor a build target", shown()))),
        }
    }
}

fn read(info: &Value, repo: Option<(i32, Option<i64>)>) -> Option<Target> {
    Some(Target {
        name: info.get_str("name").map(str::to_owned),
        build_tag: info.get_id("build_tag")?,
        dest_tag: info.get_id("dest_tag")?,
        dest_tag_name: info.get_str("dest_tag_name").unwrap_or_default().to_owned(),
        repo,
    })
}

async fn usable_repo(task: &Task, id: &Value) -> Result<Value, TaskError> {
    let shown = id.as_i64().map_or_else(|| format!("{id:?}"), |id| id.to_string());
    let repo = task.hub.call("repoInfo", args![id]).await?;
    if repo.is_nil() {
        return Err(TaskError::build(format!("there is no repository {shown}")));
    }
    let state = repo.get_int("state").and_then(RepoState::from_code);
    match state {
        Some(RepoState::Ready | RepoState::Expired) => Ok(repo),
        Some(state) => Err(TaskError::build(format!("repository {shown} cannot be used, it is {state}"))),
        None => Err(TaskError::build(format!("repository {shown} cannot be used, its state is unknown"))),
    }
}
