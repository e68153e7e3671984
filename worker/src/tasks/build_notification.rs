//! `buildNotification`: tells people how a build ended, where its results are and, if it failed,
//! where to look.

mod letter;
mod tree;

use async_trait::async_trait;
use toji_proto::states::BuildState;

use super::tag_notification::recipients;
use crate::args;
use crate::task::{Handler, Task, TaskError};
use crate::value::{Lookup, Value, ValueExt};
use letter::Letter;

/// Changelog entries shown.
const CHANGES: i32 = 3;

pub struct BuildNotification;

#[async_trait]
impl Handler for BuildNotification {
    fn methods(&self) -> &'static [&'static str] {
        &["buildNotification"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let recipients = recipients(args.need("recipients")?)?;
        if recipients.is_empty() {
            return Ok(Value::Nil);
        }
        let build = args.need("build")?;
        let id = build.get_id("id").ok_or_else(|| TaskError::parameter("buildNotification: a build without an id"))?;
        let state = build.get_int("state").and_then(BuildState::from_code);
        let state = state.ok_or_else(|| TaskError::parameter("buildNotification: a build without a state"))?;
        let weburl = match (&task.config.weburl, args.opt_str("weburl")?) {
            (Some(url), _) => url.clone(),
            (None, url) => url.unwrap_or_default().to_owned(),
        };
        let tasks = match build.get_id("task_id") {
            Some(root) => tree::read(task, root).await?,
            None => Vec::new(),
        };
        let letter = Letter {
            id,
            state,
            build,
            tag: args.get("target").and_then(|target| target.get_str("dest_tag_name")),
            weburl: weburl.trim_end_matches('/'),
            files: task.config.topurl.trim_end_matches('/'),
            changes: changes(task, id).await?,
            canceled_by: match state {
                BuildState::Canceled => user_name(task, task.owner).await?,
                _ => None,
            },
            tasks,
        };
        let told = letter.mail(recipients).send(&task.config).await?;
        Ok(Value::String(told))
    }
}

/// The newest entries of the package's changelog, as text.
async fn changes(task: &Task, build: i32) -> Result<Vec<String>, TaskError> {
    let named = crate::members! { "queryOpts" => crate::members! { "limit" => CHANGES } };
    let entries = task.hub.call_named("getChangelogEntries", args![build], named).await?;
    Ok(entries
        .as_array()
        .unwrap_or_default()
        .iter()
        .map(|entry| {
            let date = entry.get_str("date").map(str::to_owned).or_else(|| match entry.get("date") {
                Some(Value::DateTime(date)) => {
                    Some(format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()))
                }
                _ => None,
            });
            let (author, text) = (entry.get_str("author"), entry.get_str("text"));
            format!("* {} {}\n{}", date.unwrap_or_default(), author.unwrap_or_default(), text.unwrap_or_default())
        })
        .collect())
}

/// Whoever cancels a build owns the task that tells of it.
async fn user_name(task: &Task, user: Option<i32>) -> Result<Option<String>, TaskError> {
    let Some(user) = user else { return Ok(None) };
    let info = task.hub.call("getUser", args![user]).await?;
    Ok(info.get_str("name").map(str::to_owned))
}
