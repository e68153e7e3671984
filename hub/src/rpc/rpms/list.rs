//! RPMs by where they come from or are used.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::store;
use crate::db::QueryOpts;
use crate::error::{self, Rpc};
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::{Call, FromArg};

/// The RPMs for which all of what is given holds, as structs like `getRPM`'s, with `nvr`.
///
/// They belong to a build; were built in a buildroot, or on a host; are part of an image (an archive's id);
/// are of an arch or one of several; are drafts or not. `componentBuildrootID` asks for what was installed in
/// a buildroot and adds `component_buildroot_id` and `is_update`.
#[rpc(
    "listRPMs(buildID=None, buildrootID=None, imageID=None, componentBuildrootID=None, hostID=None, arches=None, queryOpts=None, draft=None)",
    read
)]
pub async fn list_rpms(
    call: &mut Call,
    build: Option<i32>,
    buildroot: Option<i32>,
    image: Option<i32>,
    component_of: Option<i32>,
    host: Option<i32>,
    arches: Value,
    opts: Option<QueryOpts>,
    draft: Option<bool>,
) -> Rpc<Value> {
    let mut select = store::select()
        .column("rpminfo.name || '-' || rpminfo.version || '-' || rpminfo.release", "nvr")
        .clause_if("rpminfo.build_id = ?", build)
        .clause_if("rpminfo.buildroot_id = ?", buildroot)
        .clause_if("coalesce(rpminfo.draft, FALSE) = ?", draft);
    if let Some(id) = component_of {
        select = select
            .join("buildroot_listing ON buildroot_listing.rpm_id = rpminfo.id")
            .columns(&[
                ("buildroot_listing.buildroot_id", "component_buildroot_id"),
                ("buildroot_listing.is_update", "is_update"),
            ])
            .clause("buildroot_listing.buildroot_id = ?", [id.into()]);
    }
    if let Some(id) = image {
        select = select
            .join("archive_rpm_components ON archive_rpm_components.rpm_id = rpminfo.id")
            .clause("archive_rpm_components.archive_id = ?", [id.into()]);
    }
    if let Some(id) = host {
        select = select
            .join("standard_buildroot ON standard_buildroot.buildroot_id = rpminfo.buildroot_id")
            .clause("standard_buildroot.host_id = ?", [id.into()]);
    }
    select = match arches {
        Value::Nil => select,
        Value::String(arch) => select.clause("rpminfo.arch = ?", [arch.into()]),
        Value::Array(arches) if arches.is_empty() => return Err(error::param("arches is an empty list")),
        arches @ Value::Array(_) => {
            select.is_in_strings(&call.db, "rpminfo.arch", &Vec::<String>::from_arg(arches, "arches")?)
        }
        other => return Err(error::generic(format!("Invalid type for \"arches\" parameter: {}", other.repr()))),
    };
    select.opts(opts).answer(&call.db).await
}

/// The RPMs of a build, as `listRPMs` has them. A fault if the build does not exist, unless it was named by id.
#[rpc("listBuildRPMs(build)", read)]
pub async fn list_build_rpms(call: &mut Call, build: BuildRef) -> Rpc<Value> {
    let id = builds::find_id(&call.db, &build).await?.ok_or_else(|| builds::no_such(&build))?;
    list_rpms(call, Some(id), None, None, None, None, Value::Nil, None, None).await
}
