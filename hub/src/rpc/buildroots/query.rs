//! Buildroots by what is known of them.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::store;
use crate::db::{QueryOpts, Row, Select};
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg};

/// A buildroot by id: a struct with `id`, `br_type` (0 standard, 1 external), `arch` (also as
/// `container_arch`), `container_type`, `host_os`, `host_arch`, `extra`, `cg_id`, `cg_name`, `cg_version`; and
/// for a standard one `state` (0 INIT, 1 WAITING, 2 BUILDING, 3 EXPIRED), `task_id`, `host_id`, `host_name`,
/// `repo_id`, `repo_state`, `tag_id`, `tag_name`, and the events `create`, `retire` and `repo_create`.
///
/// Nil if there is none; a fault with `strict`.
#[rpc("getBuildroot(buildrootID, strict=False)", read)]
pub async fn get_buildroot(call: &mut Call, buildroot_id: i32, strict: bool) -> Rpc<Option<Row>> {
    match store::find(&call.db, buildroot_id).await? {
        None if strict => Err(error::generic(format!("No such buildroot: {buildroot_id}"))),
        found => Ok(found),
    }
}

/// The buildroots for which all of what is given holds, as structs like `getBuildroot`'s. `state` and
/// `buildrootID` may be lists.
#[rpc(
    "listBuildroots(hostID=None, tagID=None, state=None, rpmID=None, archiveID=None, taskID=None, buildrootID=None, repoID=None, queryOpts=None)",
    read
)]
pub async fn list_buildroots(
    call: &mut Call,
    host: Option<i32>,
    tag: Option<i32>,
    state: Value,
    rpm: Option<i32>,
    archive: Option<i32>,
    task: Option<i32>,
    buildroot: Value,
    repo: Option<i32>,
    opts: Option<QueryOpts>,
) -> Rpc<Value> {
    let mut select = store::select()
        .clause_if("standard_buildroot.host_id = ?", host)
        .clause_if("repo.tag_id = ?", tag)
        .clause_if("standard_buildroot.task_id = ?", task)
        .clause_if("standard_buildroot.repo_id = ?", repo.filter(|id| *id != 0))
        .clause_if("buildroot.id IN (SELECT buildroot_id FROM buildroot_listing WHERE rpm_id = ?)", rpm)
        .clause_if("buildroot.id IN (SELECT buildroot_id FROM buildroot_archives WHERE archive_id = ?)", archive);
    select = one_or_several(call, select, "standard_buildroot.state", state, "state")?;
    select = one_or_several(call, select, "buildroot.id", buildroot, "buildrootID")?;
    select.opts(opts).answer(&call.db).await
}

fn one_or_several(call: &Call, select: Select, column: &str, value: Value, name: &str) -> Rpc<Select> {
    match value {
        Value::Nil => Ok(select),
        Value::Array(values) if values.is_empty() => Err(error::param(format!("{name} is an empty list"))),
        Value::Array(_) => Ok(select.is_in(&call.db, column, &Vec::<i32>::from_arg(value, name)?)),
        Value::Integer(one) => Ok(select.clause(&format!("{column} = ?"), [one.into()])),
        other => Err(error::param(format!("{name} is neither a number nor a list of numbers: {}", other.repr()))),
    }
}
