//! `waitrepo`: waits for a repository that is new enough or holds some builds; answers with it.

use std::time::Duration;

use async_trait::async_trait;

use crate::args;
use crate::repo_watch::{Patience, RepoWatch};
use crate::task::{Args, Handler, Task, TaskError};
use crate::value::{Lookup, Value, ValueExt};

const PATIENCE: Patience = Patience { pause: Duration::from_secs(5), timeout: Duration::from_secs(120 * 60) };

pub struct WaitRepo;

#[async_trait]
impl Handler for WaitRepo {
    fn methods(&self) -> &'static [&'static str] {
        &["waitrepo"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.2
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let tag = args.need("tag")?;
        let wrong = |what: &str| TaskError::parameter(format!("waitrepo: {what}"));
        let nvrs: Option<Vec<String>> = match args.get("nvrs") {
            None => Some(Vec::new()),
            Some(Value::String(one)) => Some(vec![one.clone()]),
            Some(list) => {
                list.as_array().and_then(|list| list.iter().map(|nvr| nvr.as_str().map(str::to_owned)).collect())
            }
        };
        let nvrs = nvrs.ok_or_else(|| wrong("nvrs must be a list of build names"))?;
        let min_event = min_event(task, tag, &args).await?;
        let fixed = match &min_event {
            MinEvent::At(event) => Some(*event),
            _ => None,
        };
        let work = async {
            let mut watch = RepoWatch::new(&task.hub, tag, &nvrs, fixed).await?;
            if matches!(min_event, MinEvent::Current) {
                watch.need_current().await?;
            }
            watch.wait(PATIENCE).await
        };
        tokio::select! {
            repo = work => repo,
            () = task.cancel.cancelled() => Err(TaskError::Cancelled),
        }
    }
}

enum MinEvent {
    Any,
    At(i64),
    /// The tag's last change.
    Current,
}

/// How new the repository must be. `newer_than`, a time, is the older way to say it.
async fn min_event(task: &Task, tag: &Value, args: &Args) -> Result<MinEvent, TaskError> {
    let wrong = |what: &str| TaskError::parameter(format!("waitrepo: {what}"));
    match (args.get("newer_than"), args.get("min_event")) {
        (Some(_), Some(_)) => Err(wrong("newer_than and min_event exclude each other")),
        (None, None) => Ok(MinEvent::Any),
        (None, Some(Value::String(last))) if last == "last" => Ok(MinEvent::Current),
        (None, Some(event)) => {
            event.as_i64().map(MinEvent::At).ok_or_else(|| wrong("min_event must be an event or 'last'"))
        }
        (Some(Value::String(now)), None) if now.eq_ignore_ascii_case("now") => Ok(MinEvent::Current),
        (Some(time), None) => {
            let before = time.as_f64().ok_or_else(|| wrong("newer_than must be a time or 'now'"))?;
            let named = crate::members! { "before" => before, "strict" => false };
            let base = task.hub.call_named("getLastEvent", vec![], named).await?;
            let base = base.get_int("id").or(base.as_i64());
            let named = crate::members! { "after" => base };
            let change = task.hub.call_named("tagFirstChangeEvent", args![tag], named).await?;
            Ok(change.as_i64().map_or(MinEvent::Current, MinEvent::At))
        }
    }
}
