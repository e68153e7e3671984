//! A build under way is cancelled.

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::states::BuildState;

use super::notify;
use super::store::{self, BuildRef};
use crate::db::Update;
use crate::error;
use crate::rpc::{Call, Rpc, tasks};

/// Cancels a build that is under way, and the whole tree of its task.
///
/// For its owner and admins (1004). False if it is not under way, or does not exist; the latter is a fault
/// with `strict`.
#[rpc("cancelBuild(buildID, strict=False)", write)]
pub async fn cancel_build(call: &mut Call, build: BuildRef, strict: bool) -> Rpc<bool> {
    let user = call.user_id()?;
    let found = match store::find(&call.db, &build).await? {
        Some(found) => found,
        None if strict => return Err(store::no_such(&build)),
        None => return Ok(false),
    };
    if found.owner_id != user && !call.has_perm("admin").await? {
        return Err(error::denied(format!("Cannot cancel build {}, not owner", found.nvr())));
    }
    if !cancel(call, found.id, found.task_id).await? {
        return Ok(false);
    }
    if let Some(task) = found.task_id {
        tasks::store::cancel_full(call, task, false).await?;
    }
    Ok(true)
}

/// Cancels a build that is under way, but not its task, and tells those concerned. False if it is not under way.
pub async fn cancel(call: &mut Call, build_id: i32, task_id: Option<i32>) -> Rpc<bool> {
    let cancelled = Update::table("build")
        .set("state", BuildState::Canceled.code())
        .set("completion_time", Utc::now())
        .clause("id = ? AND state = ?", [build_id.into(), BuildState::Building.code().into()])
        .run(&call.db)
        .await?;
    if cancelled == 0 {
        return Ok(false);
    }
    if let Some(task) = task_id {
        notify::build_ended(call, task, build_id).await?;
    }
    call.db.execute("DELETE FROM build_reservations WHERE build_id = ?", vec![build_id.into()]).await?;
    Ok(true)
}
