//! Telling of builds that ended.

use toji_proto::{IntoValue, Value, ValueExt};

use super::store;
use crate::db::RowExt;
use crate::error::Rpc;
use crate::rpc::notifications::recipients;
use crate::rpc::targets::store as targets;
use crate::rpc::tasks::store::{self as tasks, TaskOpts};
use crate::rpc::{Call, FromArg, NameOrId};

/// Makes a task that mails everybody concerned how a task's build ended, unless notifications are off or
/// nobody wants to know.
pub async fn build_ended(call: &mut Call, task_id: i32, build_id: i32) -> Rpc<()> {
    if call.hub.options.disable_notifications {
        return Ok(());
    }
    let build = store::get(&call.db, &build_id.into()).await?;
    let target = match target_of(call, task_id).await? {
        Some(target) => targets::named(targets::select(None), &target).one(&call.db).await?,
        None => None,
    };
    let dest_tag = target.as_ref().and_then(|target| target.opt_int("dest_tag"));
    let recipients = recipients::of_build(call, &build, dest_tag, build.state).await?;
    if recipients.is_empty() {
        return Ok(());
    }
    let params = [
        recipients.into_value(),
        Value::Struct(build.row),
        target.into_value(),
        call.hub.options.koji_web_url.clone().into_value(),
    ];
    tasks::make_task(call, "buildNotification", &params, TaskOpts::default()).await?;
    Ok(())
}

/// The target that a task builds for, if its kind has one.
async fn target_of(call: &Call, task_id: i32) -> Rpc<Option<NameOrId>> {
    let task = tasks::get(&call.db, task_id).await?;
    let place = match task.text("method") {
        "build" | "maven" => 1,
        "winbuild" => 2,
        _ => return Ok(None),
    };
    let target = tasks::parameters(&task)?.into_iter().nth(place).filter(ValueExt::is_true);
    target.map(|target| NameOrId::from_arg(target, "target")).transpose()
}
