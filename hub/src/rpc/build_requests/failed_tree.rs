//! What a failed build left behind.

use toji_hub_macros::rpc;
use toji_proto::states::TaskState;
use toji_proto::{Struct, Value, value};

use super::{Call, FromArg, Rpc};
use crate::db::{RowExt, Select};
use crate::error;
use crate::rpc::host::push_named;
use crate::rpc::tasks::make::{TaskOpts, make_task};
use crate::rpc::tasks::store;

/// The kinds of tasks whose buildroots may be saved.
const ALLOWED: &[&str] = &["buildArch"];

/// Saves the tree of a failed build from its buildroot, on the host where that is; with `full` all of the
/// buildroot. For the owner of the failed task and admins.
///
/// Faults: a buildroot that does not exist (1000), one whose task has not failed, is of another kind than
/// `buildArch`, or whose host is disabled (1010).
#[rpc("saveFailedTree(buildrootID, full=False, **opts)", write)]
pub async fn save_failed_tree(call: &mut Call, buildroot_id: Value, full: bool, opts: Struct) -> Rpc<i32> {
    let id = i32::from_arg(buildroot_id, "buildrootID")?;
    let buildroot = Select::from("standard_buildroot")
        .columns(&[("task_id", "task_id"), ("host_id", "host_id")])
        .clause("buildroot_id = ?", [id.into()])
        .one(&call.db)
        .await?
        .ok_or_else(|| error::generic(format!("No such buildroot: {id}")))?;
    let (task_id, host) = (buildroot.int("task_id")?, buildroot.int("host_id")?);
    let task = store::get(&call.db, task_id).await?;
    let method = task.text("method");
    if task.opt_int("state") != Some(TaskState::Failed.code()) {
        return Err(error::pre_build(format!("task {task_id} has not failed; only of failed ones the tree is saved")));
    }
    if !ALLOWED.contains(&method) {
        return Err(error::pre_build(format!("no trees are saved of {method} tasks (task {task_id})")));
    }
    let caller = call.identity.user().map(|session| session.user_id);
    if caller.is_none() || (task.opt_int("owner") != caller && !call.has_perm("admin").await?) {
        return Err(error::denied("only the owner of the failed task or an admin may save its tree"));
    }
    let enabled = "SELECT enabled FROM host_config WHERE host_id = ? AND active = TRUE";
    let ran_on = task.opt_int("host_id").unwrap_or(host);
    if call.db.value::<bool>(enabled, vec![ran_on.into()]).await? != Some(true) {
        return Err(error::pre_build("Host is disabled."));
    }
    let mut params = vec![value!(id), value!(full)];
    push_named(&mut params, opts);
    let task = TaskOpts { assign: Some(host), ..TaskOpts::default() };
    make_task(call, "saveFailedTree", &params, task).await
}
