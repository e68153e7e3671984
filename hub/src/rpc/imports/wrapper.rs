//! RPMs that wrap the archives of a Maven build.

use toji_hub_macros::rpc;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt, paths};

use super::{Into, add_rpm, import_log};
use crate::error::{self, Rpc};
use crate::rpc::builds::store::{self, Build, BuildRef};
use crate::rpc::builds::under_way::own_task;
use crate::rpc::{Call, FromArg};

/// Imports the RPMs that wrap a complete build, which must have none: `rpm_results` has `srpm`, `rpms` and
/// `logs`, paths below the task's uploads, and `buildroot_id`.
///
/// Faults: not the caller's task (1004); Maven is off; a build that is not complete, or has RPMs (1000).
#[rpc("host.importWrapperRPMs(task_id, build_id, rpm_results)", write, host)]
pub async fn host_import_wrapper_rpms(call: &mut Call, task_id: i32, build: BuildRef, rpm_results: Struct) -> Rpc<()> {
    if !call.hub.options.enable_maven {
        return Err(error::generic("Maven support not enabled"));
    }
    own_task(call, task_id).await?;
    let build = store::get(&call.db, &build).await?;
    let nvr = build.nvr();
    if build.state != BuildState::Complete {
        let state = build.state.name().to_lowercase();
        return Err(error::generic(format!(
            "cannot import wrapper rpms for {nvr}: build state is {state}, not complete"
        )));
    }
    if call.db.exists("SELECT 1 FROM rpminfo WHERE build_id = ? LIMIT 1", vec![build.id.into()]).await? {
        return Err(error::generic(format!("wrapper rpms for {nvr} have already been imported")));
    }
    import_wrapper(call, task_id, &build, &rpm_results).await
}

/// Imports the RPMs that wrap a build; see `host.importWrapperRPMs`.
pub async fn import_wrapper(call: &mut Call, task_id: i32, build: &Build, results: &Struct) -> Rpc<()> {
    let field =
        |name: &str| results.get(name).cloned().ok_or_else(|| error::param(format!("rpm_results has no {name}")));
    let uploads = call.hub.tree.task(task_id.into(), None)?;
    let buildroot = Option::<i32>::from_arg(field("buildroot_id")?, "buildroot_id")?;
    let srpm = String::from_arg(field("srpm")?, "srpm")?;
    let rpms = Vec::<String>::from_arg(field("rpms")?, "rpms")?;
    for rpm in std::iter::once(srpm).chain(rpms) {
        add_rpm(call, &uploads.join(paths::relative(&rpm)?), Into::Wrapped(build), buildroot, None).await?;
    }
    let logs = results.get("logs").cloned().filter(|logs| !logs.is_nil()).unwrap_or(Value::Array(vec![]));
    for log in Vec::<String>::from_arg(logs, "logs")? {
        import_log(call, &uploads.join(paths::relative(&log)?), build, Some("noarch")).await?;
    }
    Ok(())
}
