//! A builder's build begins, and may fail.

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::nvr::Nvr;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt};

use super::new::{self, NewBuild};
use super::{notify, store};
use crate::db::{Row, RowExt, Update};
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg, tasks};

/// Enters the RPM build of a task that the caller runs: `data` has `task_id`, `name`, `version`, `release` and
/// `epoch`, and may have `source`, `extra` and `draft`. Returns its id.
///
/// Owner and state are the task's, whatever `data` says. A build that FAILED or was CANCELED is built again
/// under its id; the task that has it already gets it again. Faults: not the caller's task (1004); the build
/// exists (1000).
#[rpc("host.initBuild(data)", write, host)]
pub async fn host_init_build(call: &mut Call, data: Struct) -> Rpc<i32> {
    let task_id = data.get("task_id").cloned().unwrap_or(Value::Nil);
    let task_id = i32::from_arg(task_id, "task_id")?;
    let new = for_task(call, task_id, &data).await?;
    let id = new::create(call, new, false).await?;
    store::add_type_named(&call.db, id, "rpm").await?;
    Ok(id)
}

/// A build of this task's, which the calling host must have open, as `data` describe it.
pub async fn for_task(call: &mut Call, task_id: i32, data: &Struct) -> Rpc<NewBuild> {
    let task = own_task(call, task_id).await?;
    let field = |key: &str| data.get(key).ok_or_else(|| error::generic(format!("No {key} value for build")));
    let name = data.get("name").filter(|name| name.is_true());
    let name = name.ok_or_else(|| error::generic("No name or package id provided for build"))?;
    let nvr = Nvr {
        name: String::from_arg(name.clone(), "name")?,
        version: String::from_arg(field("version")?.clone(), "version")?,
        release: String::from_arg(field("release")?.clone(), "release")?,
        epoch: None,
    };
    let optional = |key: &str| data.get(key).cloned().unwrap_or(Value::Nil);
    let epoch = Option::<i32>::from_arg(field("epoch")?.clone(), "epoch")?;
    let owner = task.opt_int("owner").map_or_else(|| call.user_id(), Ok)?;
    Ok(NewBuild {
        state: BuildState::Building,
        completion_time: None,
        task_id: Some(task_id),
        owner,
        draft: optional("draft").is_true(),
        source: Option::<String>::from_arg(optional("source"), "source")?,
        extra: Some(optional("extra")).filter(|extra| !extra.is_nil()),
        ..NewBuild::complete(call, nvr, epoch)?
    })
}

/// The task, which the calling host must have open.
pub async fn own_task(call: &Call, task_id: i32) -> Rpc<Row> {
    let host = call.assert_host().await?;
    tasks::store::assert_host(call, task_id, host).await?;
    tasks::store::get(&call.db, task_id).await
}

/// Ends a build that is under way: it FAILED.
///
/// Faults: not the caller's task (1004); a build that is not under way (1000). Whether the build is the
/// task's is not asked: a task may clean up after another that was freed.
#[rpc("host.failBuild(task_id, build_id)", write, host)]
pub async fn host_fail_build(call: &mut Call, task_id: i32, build_id: i32) -> Rpc<()> {
    own_task(call, task_id).await?;
    let build = store::get(&call.db, &build_id.into()).await?;
    let failed = Update::table("build")
        .set("state", BuildState::Failed.code())
        .set("completion_time", Utc::now())
        .clause("id = ? AND state = ?", [build_id.into(), BuildState::Building.code().into()])
        .run(&call.db)
        .await?;
    if failed == 0 {
        return Err(error::generic(format!("cannot update build {build_id}, state: {}", build.state)));
    }
    notify::build_ended(call, task_id, build_id).await
}
