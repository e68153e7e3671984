//! The archives that a buildroot uses.

use std::collections::BTreeSet;

use toji_hub_macros::rpc;
use toji_proto::states::BuildrootState;
use toji_proto::{Struct, Value};

use super::store;
use crate::db::in_list;
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg};

/// Enters archives (structs with `id`) that a task's buildroot uses: as dependencies of what is built
/// (`project`), or of the environment. Those that are entered already keep their mark.
///
/// Only in state BUILDING. Faults: not the caller's, or not the task's (1004); another state, or neither
/// Maven nor Windows builds are on (1000); an archive that does not exist.
#[rpc("host.updateBuildrootArchives(brootid, task_id, archives, project=False)", write, host)]
pub async fn host_update_buildroot_archives(
    call: &mut Call,
    brootid: i32,
    task_id: i32,
    archives: Vec<Struct>,
    project: bool,
) -> Rpc<()> {
    let (buildroot, _) = store::get_own(call, brootid, Some(task_id)).await?;
    if !(call.hub.options.enable_maven || call.hub.options.enable_win) {
        return Err(error::generic("non-rpm support is not enabled"));
    }
    buildroot.assert_state(BuildrootState::Building)?;
    let id = |archive: &Struct| i32::from_arg(archive.get("id").cloned().unwrap_or(Value::Nil), "archive id");
    let ids = archives.iter().map(id).collect::<Rpc<_>>()?;
    add(call, brootid, ids, project).await
}

/// Enters archives that a buildroot uses, as far as they are not.
pub async fn add(call: &Call, buildroot_id: i32, mut archives: BTreeSet<i32>, project: bool) -> Rpc<()> {
    let known: Vec<i32> = call
        .db
        .values("SELECT archive_id FROM buildroot_archives WHERE buildroot_id = ?", vec![buildroot_id.into()])
        .await?;
    archives.retain(|id| !known.contains(id));
    if archives.is_empty() {
        return Ok(());
    }
    let archives: Vec<i32> = archives.into_iter().collect();
    let (clause, among) = in_list(call.db.is_postgres(), "archiveinfo.id", &archives);
    let sql = format!(
        "INSERT INTO buildroot_archives (buildroot_id, archive_id, project_dep) \
         SELECT {buildroot_id}, archiveinfo.id, {} FROM archiveinfo WHERE {clause} ORDER BY archiveinfo.id",
        if project { "TRUE" } else { "FALSE" },
    );
    let added = call.db.execute(&sql, among).await?;
    if added < archives.len() as u64 {
        return Err(error::generic(format!("an archive for buildroot {buildroot_id} does not exist: {archives:?}")));
    }
    Ok(())
}
