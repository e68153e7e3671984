//! The RPMs that are installed in a buildroot.

use std::collections::BTreeSet;

use toji_hub_macros::rpc;
use toji_proto::Struct;
use toji_proto::states::BuildrootState;

use super::store;
use crate::db::{Db, Row, Select, in_list};
use crate::error::{self, Rpc};
use crate::rpc::Call;
use crate::rpc::rpms::components;

/// Enters the RPMs that a buildroot begins with: structs with `name`, `version`, `release`, `arch` and, for
/// external ones, `location` (the repository), `epoch`, `payloadhash`, `size` and `buildtime`.
///
/// An external one that is not known yet is entered too. Only in state INIT, and nothing twice. Faults: not
/// the caller's, or not the task's (1004); another state; an RPM that does not exist, or an external one
/// with another hash (1000).
#[rpc("host.setBuildRootList(brootid, rpmlist, task_id=None)", write, host)]
pub async fn host_set_build_root_list(
    call: &mut Call,
    brootid: i32,
    rpmlist: Vec<Struct>,
    task_id: Option<i32>,
) -> Rpc<()> {
    let (buildroot, _) = store::get_own(call, brootid, task_id).await?;
    buildroot.assert_state(BuildrootState::Init)?;
    let ids = components::ids(call, &rpmlist).await?;
    let unique: BTreeSet<i32> = ids.iter().copied().collect();
    let known = listed(&call.db, brootid).await?;
    if unique.len() < ids.len() || unique.iter().any(|id| known.contains(id)) {
        return Err(error::generic(format!("an RPM is twice in buildroot {brootid}")));
    }
    insert(call, brootid, unique, false).await
}

/// Enters RPMs that were added to a buildroot later; those that are entered already do not count. Only in
/// state BUILDING. For the rest see `host.setBuildRootList`.
#[rpc("host.updateBuildRootList(brootid, rpmlist, task_id=None)", write, host)]
pub async fn host_update_build_root_list(
    call: &mut Call,
    brootid: i32,
    rpmlist: Vec<Struct>,
    task_id: Option<i32>,
) -> Rpc<()> {
    let (buildroot, _) = store::get_own(call, brootid, task_id).await?;
    buildroot.assert_state(BuildrootState::Building)?;
    let mut ids: BTreeSet<i32> = components::ids(call, &rpmlist).await?.into_iter().collect();
    let known = listed(&call.db, brootid).await?;
    ids.retain(|id| !known.contains(id));
    insert(call, brootid, ids, true).await
}

/// The RPMs in a buildroot: structs with `rpm_id`, `name`, `version`, `release`, `epoch`, `arch`, `draft`,
/// `build_id`, `external_repo_id`, `external_repo_name` and `is_update` (added after the beginning).
#[rpc("getBuildrootListing(id)", read)]
pub async fn get_buildroot_listing(call: &mut Call, id: i32) -> Rpc<Vec<Row>> {
    store::get(&call.db, id).await?;
    Select::from("buildroot_listing")
        .join("rpminfo ON rpminfo.id = buildroot_listing.rpm_id")
        .join("external_repo ON external_repo.id = rpminfo.external_repo_id")
        .columns(&[
            ("buildroot_listing.rpm_id", "rpm_id"),
            ("buildroot_listing.is_update", "is_update"),
            ("rpminfo.name", "name"),
            ("rpminfo.version", "version"),
            ("rpminfo.release", "release"),
            ("rpminfo.epoch", "epoch"),
            ("rpminfo.arch", "arch"),
            ("rpminfo.build_id", "build_id"),
            ("rpminfo.draft", "draft"),
            ("rpminfo.external_repo_id", "external_repo_id"),
            ("external_repo.name", "external_repo_name"),
        ])
        .clause("buildroot_listing.buildroot_id = ?", [id.into()])
        .order("rpm_id")
        .all(&call.db)
        .await
}

async fn listed(db: &Db, id: i32) -> Rpc<BTreeSet<i32>> {
    let ids: Vec<i32> =
        db.values("SELECT rpm_id FROM buildroot_listing WHERE buildroot_id = ?", vec![id.into()]).await?;
    Ok(ids.into_iter().collect())
}

/// In one statement, in the order of the ids, so that two who enter the same do not wait for each other.
pub async fn insert(call: &Call, id: i32, rpms: BTreeSet<i32>, is_update: bool) -> Rpc<()> {
    if rpms.is_empty() {
        return Ok(());
    }
    let rpms: Vec<i32> = rpms.into_iter().collect();
    let (clause, among) = in_list(call.db.is_postgres(), "rpminfo.id", &rpms);
    let sql = format!(
        "INSERT INTO buildroot_listing (buildroot_id, rpm_id, is_update) \
         SELECT {id}, rpminfo.id, {} FROM rpminfo WHERE {clause} ORDER BY rpminfo.id",
        if is_update { "TRUE" } else { "FALSE" },
    );
    call.db.execute(&sql, among).await?;
    Ok(())
}
