//! Tasks that are made by name, or once more.

use toji_hub_macros::rpc;
use toji_proto::states::TaskState;
use toji_proto::{Struct, Value, ValueExt};

use super::make::{TaskOpts, make_task};
use super::{Call, Rpc, store};
use crate::db::RowExt;
use crate::error;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{FromArg, NameOrId};

/// Makes any task: the method, the list of its parameters, and as named arguments `parent`, `label`, `channel`,
/// `arch`, `priority` and `assign` (a host). Returns its id.
#[rpc("makeTask(*args, **opts)", write, perm = "admin")]
pub async fn make_any_task(call: &mut Call, args: Vec<Value>, mut opts: Struct) -> Rpc<i32> {
    if opts.contains_key("owner") {
        return Err(error::denied("The owner option is not allowed here"));
    }
    let mut args = args.into_iter();
    let method = args.next().or_else(|| opts.remove("method"));
    let params = args.next().or_else(|| opts.remove("arglist"));
    let (Some(method), Some(params), None) = (method, params, args.next()) else {
        return Err(error::param("makeTask takes a method and the list of its parameters"));
    };
    let (method, params) = (String::from_arg(method, "method")?, Vec::from_arg(params, "arglist")?);
    let opts = TaskOpts::from_struct(call, opts).await?;
    make_task(call, &method, &params, opts).await
}

/// Makes a task that restarts the builders one after another; returns its id.
///
/// `options` (a struct): `channel`, `arches`, `force` and `timeout`, as the task kind `restartHosts` knows them.
#[rpc("restartHosts(priority=5, options=None)", write, perm = "host")]
pub async fn restart_hosts(call: &mut Call, priority: i32, options: Value) -> Rpc<i32> {
    let params = match options {
        Value::Nil => vec![],
        Value::Struct(_) => vec![options],
        other => return Err(error::param(format!("options is a struct, not {}", other.repr()))),
    };
    let opts = TaskOpts { priority: Some(priority), ..TaskOpts::default() };
    make_task(call, "restartHosts", &params, opts).await
}

/// Makes a cancelled or failed top-level task once more, with the same parameters, arch, channel and priority; it
/// belongs to the caller. Returns the new task's id.
///
/// Faults: any other task, or one that belongs to somebody else, unless the caller is admin (1000).
#[rpc("resubmitTask(taskID)", write, login)]
pub async fn resubmit_task(call: &mut Call, task_id: i32) -> Rpc<i32> {
    let task = store::get(&call.db, task_id).await?;
    let state = task.opt_int("state").and_then(TaskState::from_code);
    if !matches!(state, Some(TaskState::Canceled | TaskState::Failed)) {
        return Err(error::generic(format!("task {task_id} is neither canceled nor failed, so not to be resubmitted")));
    }
    if !task.is_null("parent") {
        return Err(error::generic(format!("task {task_id} is a subtask; only top-level tasks may be resubmitted")));
    }
    if task.opt_int("owner") != Some(call.user_id()?) && !call.has_perm("admin").await? {
        return Err(error::generic("only the task's owner or an admin may resubmit it"));
    }
    let channel = lookup::get(&call.db, Table::Channel, &NameOrId::Id(task.int("channel_id")?)).await?;
    let opts = TaskOpts {
        arch: Some(task.text("arch").into()),
        channel: Some(NameOrId::Name(channel.name)),
        priority: task.opt_int("priority"),
        ..TaskOpts::default()
    };
    make_task(call, task.text("method"), &store::parameters(&task)?, opts).await
}
