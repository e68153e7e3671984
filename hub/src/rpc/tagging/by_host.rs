//! The builders' side: playing a request, telling of its outcome.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt, value};

use super::notify::{self, Tagging};
use super::{Call, Rpc, store};
use crate::error;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::sidetags;
use crate::rpc::tags;
use crate::rpc::tags::store::When;
use crate::rpc::tasks::store as tasks;
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{FromArg, NameOrId};

/// Tags a build or, with `fromtag`, moves it from there, as the owner of the host's open task.
///
/// Faults as `tagBuild`, asked of the task's owner; also a build that is tagged already, unless `force`, or
/// is not in `fromtag` (1003), and a task that the host has not open (1004).
#[rpc("host.tagBuild(task_id, tag, build, force=False, fromtag=None)", write, host)]
pub async fn host_tag_build(
    call: &mut Call,
    task_id: i32,
    tag: NameOrId,
    build: BuildRef,
    force: bool,
    from: Option<NameOrId>,
) -> Rpc<()> {
    let host = call.assert_host().await?;
    tasks::assert_host(call, task_id, host).await?;
    let owner: Option<i32> = call.db.value("SELECT owner FROM task WHERE id = ?", vec![task_id.into()]).await?;
    let owner = owner.ok_or_else(|| error::generic(format!("Task {task_id} has no owner")))?;
    let build = builds::get(&call.db, &build).await?;
    let tag = tags::store::get(&call.db, &tag, When::Now).await?;
    let from = match from {
        Some(from) => Some(tags::store::get(&call.db, &from, When::Now).await?),
        None => None,
    };
    let operation = if from.is_some() { "move" } else { "tag" };
    let mut data = store::policy_data(Some(&tag), from.as_ref(), &build, operation);
    data.insert("user_id".into(), value!(owner));
    call.assert_policy("tag", data, force).await?;
    store::assert_listed(call, &tag, store::package_id(&build)?, &build.name, force).await?;
    if let Some(from) = &from {
        tags::assert_access(&call.db, from, owner, force).await?;
        store::untag(call, from, &build, owner, true).await?;
    }
    tags::assert_access(&call.db, &tag, owner, force).await?;
    store::tag(call, &tag, &build, owner, force).await?;
    match from {
        Some(from) => sidetags::after_untagging(call, from.id).await,
        None => Ok(()),
    }
}

/// Makes a task that tells those who want to know of a tagging: that a build was tagged with `tag_id`, or
/// untagged from `from_id`, by a user, or that it failed. A build that does not exist is nothing to tell of.
#[rpc(
    "host.tagNotification(is_successful, tag_id, from_id, build_id, user_id, ignore_success=False, failure_msg='')",
    write,
    host
)]
pub async fn host_tag_notification(
    call: &mut Call,
    succeeded: bool,
    tag: Value,
    from: Value,
    build_named: Value,
    user: Value,
    ignore_success: bool,
    failure: Value,
) -> Rpc<()> {
    let user_id = match user {
        ref user if !user.is_true() => None,
        Value::Integer(id) => Some(id),
        other => Some(users::get(call, &UserRef::from_arg(other, "user_id")?).await?.id),
    };
    let named = BuildRef::from_arg(build_named.clone(), "build_id")?;
    let Some(build) = builds::find(&call.db, &named).await? else { return Ok(()) };
    let tagging = Tagging { succeeded, tag, from, build: &build, build_named, user_id, ignore_success, failure };
    notify::tell(call, &tagging).await
}
