//! A host makes a buildroot, and says how it stands.

use toji_hub_macros::rpc;
use toji_proto::states::{BuildrootState, BuildrootType};
use toji_proto::{Value, ValueExt, arch};

use super::store;
use crate::db::{Insert, Update};
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg, tasks};

/// Enters a buildroot of an arch that the calling host makes from a repository for a task that it has open.
/// Returns its id; its state is INIT.
///
/// Faults: not the host's task (1004); no such repository; an arch that is none; no task (1000).
#[rpc("host.newBuildRoot(repo, arch, task_id=None)", write, host)]
pub async fn host_new_build_root(call: &mut Call, repo: i32, arch: Option<String>, task_id: Option<i32>) -> Rpc<i32> {
    let host = call.assert_host().await?;
    let task = task_id.ok_or_else(|| error::generic("a buildroot needs a task"))?;
    tasks::store::assert_host(call, task, host).await?;
    let arch = arch.ok_or_else(|| error::generic("a buildroot needs an arch"))?;
    let arch = arch::parse_stored(&arch).map_err(|e| error::generic(e.to_string()))?.join(" ");
    if !call.db.exists("SELECT 1 FROM repo WHERE id = ?", vec![repo.into()]).await? {
        return Err(error::generic(format!("No such repo: {repo}")));
    }
    let id = Insert::into("buildroot")
        .set("br_type", BuildrootType::Standard.code())
        .set("container_type", "chroot")
        .set("container_arch", arch)
        .returning_id(&call.db)
        .await?;
    let event = call.event().await?;
    Insert::into("standard_buildroot")
        .set("buildroot_id", id)
        .set("host_id", host)
        .set("repo_id", repo)
        .set("task_id", task)
        .set("create_event", event)
        .set("state", BuildrootState::Init.code())
        .run(&call.db)
        .await?;
    Ok(id)
}

/// Changes a buildroot's state (name or number): never back to INIT, and never away from EXPIRED.
///
/// Faults: not the caller's, or not the task's (1004); a change that is not allowed (1000). To expire an
/// expired one changes nothing.
#[rpc("host.setBuildRootState(brootid, state, task_id=None)", write, host)]
pub async fn host_set_build_root_state(call: &mut Call, brootid: i32, state: Value, task_id: Option<i32>) -> Rpc<()> {
    let (_, standard) = store::get_own(call, brootid, task_id).await?;
    let wanted = match &state {
        Value::String(name) => BuildrootState::from_name(name),
        other => BuildrootState::from_code(i32::from_arg(other.clone(), "state")?),
    };
    let wanted = wanted.ok_or_else(|| error::param(format!("no state of a buildroot: {}", state.repr())))?;
    if wanted == BuildrootState::Init {
        return Err(error::generic("Cannot change buildroot state to INIT"));
    }
    if standard.state == BuildrootState::Expired {
        if wanted == BuildrootState::Expired {
            return Ok(());
        }
        return Err(error::generic(format!("buildroot {brootid} is EXPIRED")));
    }
    let mut update = Update::table("standard_buildroot").set("state", wanted.code());
    if wanted == BuildrootState::Expired {
        update = update.set("retire_event", call.event().await?);
    }
    update.clause("buildroot_id = ?", [brootid.into()]).run(&call.db).await?;
    Ok(())
}
