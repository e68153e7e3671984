//! `tagBuild`: tags a build, with the checks that take too long for the request itself.

use async_trait::async_trait;

use crate::args;
use crate::task::{Args, Handler, Task, TaskError};
use crate::value::{Value, ValueExt};

pub struct TagBuild;

#[async_trait]
impl Handler for TagBuild {
    fn methods(&self) -> &'static [&'static str] {
        &["tagBuild"]
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let tagged = tag(task, &args).await;
        let failure = match &tagged {
            Ok(()) => String::new(),
            Err(TaskError::Cancelled) => return Err(TaskError::Cancelled),
            Err(error) => error.to_string(),
        };
        let notified = notify(task, &args, tagged.is_ok(), &failure).await;
        match (tagged, notified) {
            (Ok(()), notified) => notified.map(|()| Value::Nil),
            (Err(error), notified) => {
                if let Err(error) = notified {
                    tracing::warn!(task = task.id, %error, "nobody was told of the failure");
                }
                Err(error)
            }
        }
    }
}

async fn tag(task: &Task, args: &Args) -> Result<(), TaskError> {
    let strict = || crate::members! { "strict" => true };
    let (tag, build) = (args.need("tag_id")?, args.need("build_id")?);
    task.hub.call_named("getBuild", args![build], strict()).await?;
    task.hub.call_named("getTag", args![tag], strict()).await?;
    let named = crate::members! { "force" => args.flag("force"), "fromtag" => args.get("fromtag").cloned() };
    task.hub.call_named("host.tagBuild", args![task.id, tag, build], named).await?;
    Ok(())
}

async fn notify(task: &Task, args: &Args, success: bool, failure: &str) -> Result<(), TaskError> {
    let nil = Value::Nil;
    let value = |name| args.get(name).unwrap_or(&nil);
    let request = args![
        success,
        value("tag_id"),
        value("fromtag"),
        value("build_id"),
        task.owner,
        value("ignore_success").is_true(),
        failure,
    ];
    task.hub.call("host.tagNotification", request).await?;
    Ok(())
}
