//! A builder's build is complete: its RPMs and logs are imported.

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::nvr::draft_release;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt};

use super::store::{self, Build};
use super::{notify, under_way};
use crate::db::{Row, Update};
use crate::error::{self, Rpc};
use crate::rpc::imports::{self, Into};
use crate::rpc::volumes;
use crate::rpc::{Call, FromArg};
use crate::rpmfile::{Facts, RpmFile};

/// Completes an RPM build: `srpm` and `rpms` are paths of uploads, `brmap` gives buildroot ids by path, `logs`
/// lists of paths by arch. Returns the build, as `getBuild`.
///
/// A noarch package that comes from several arches counts once. Faults: not the caller's task (1004); an
/// upload, buildroot or build that does not exist; a build that is not under way, or not what the source
/// package says (1000); noarch packages that differ (1005); what an import faults for.
#[rpc("host.completeBuild(task_id, build_id, srpm, rpms, brmap=None, logs=None)", write, host)]
pub async fn host_complete_build(
    call: &mut Call,
    task_id: i32,
    build_id: i32,
    srpm: String,
    rpms: Vec<String>,
    brmap: Option<Struct>,
    logs: Option<Struct>,
) -> Rpc<Row> {
    under_way::own_task(call, task_id).await?;
    let brmap = brmap.unwrap_or_default();
    let logs = logs.unwrap_or_default();
    for upload in std::iter::once(&srpm).chain(&rpms) {
        check_there(call, upload).await?;
    }
    let rpms = imports::without_duplicates(call, rpms).await?;
    check_buildroots(call, &brmap).await?;
    let facts = RpmFile::open(&imports::uploaded(call, &srpm)?).await?.facts()?;
    if !facts.source {
        return Err(error::generic(format!("not a source package: {srpm}")));
    }
    let volume = volume(call, &facts, &brmap, task_id).await?;
    let build = store::get(&call.db, &build_id.into()).await?;
    check_is(&build, &facts, task_id)?;
    finish(call, &build, volume).await?;
    let build = store::get(&call.db, &build_id.into()).await?;
    for upload in std::iter::once(&srpm).chain(&rpms) {
        let buildroot = brmap.get(upload).cloned().unwrap_or(Value::Nil);
        let buildroot = Option::<i32>::from_arg(buildroot, "brmap")?;
        let path = imports::uploaded(call, upload)?;
        imports::add_rpm(call, &path, Into::Build(&build), buildroot, None).await?;
    }
    import_logs(call, &build, logs).await?;
    volumes::links::to_build(call, &build).await?;
    notify::build_ended(call, task_id, build_id).await?;
    Ok(build.row)
}

/// Faults if there is no such upload.
pub async fn check_there(call: &Call, upload: &str) -> Rpc<()> {
    let path = imports::uploaded(call, upload)?;
    if tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return Ok(());
    }
    Err(error::generic(format!("No such file: {upload}")))
}

/// Imports logs given as lists of uploads by arch; those without one lie above.
pub async fn import_logs(call: &mut Call, build: &Build, logs: Struct) -> Rpc<()> {
    for (arch, uploads) in logs {
        let subdir = Some(arch.as_str()).filter(|arch| !arch.is_empty());
        for upload in Vec::<String>::from_arg(uploads, "logs")? {
            let path = imports::uploaded(call, &upload)?;
            imports::import_log(call, &path, build, subdir).await?;
        }
    }
    Ok(())
}

/// Marks a build that is under way COMPLETE, on a volume.
pub async fn finish(call: &Call, build: &Build, volume_id: i32) -> Rpc<()> {
    let finished = Update::table("build")
        .set("state", BuildState::Complete.code())
        .set("completion_time", Utc::now())
        .set("volume_id", volume_id)
        .clause("id = ? AND state = ?", [build.id.into(), BuildState::Building.code().into()])
        .run(&call.db)
        .await?;
    if finished == 0 {
        return Err(error::generic(format!("Unable to complete build {}: state is {}", build.nvr(), build.state)));
    }
    Ok(())
}

async fn check_buildroots(call: &Call, brmap: &Struct) -> Rpc<()> {
    for value in brmap.values().filter(|value| !value.is_nil()) {
        let id = i32::from_arg(value.clone(), "brmap")?;
        if !call.db.exists("SELECT 1 FROM buildroot WHERE id = ?", vec![id.into()]).await? {
            return Err(error::generic(format!("No such buildroot: {id}")));
        }
    }
    Ok(())
}

/// Whether the build is what its source package, and the task, say.
fn check_is(build: &Build, facts: &Facts, task_id: i32) -> Rpc<()> {
    let nvr = &facts.nvra.nvr;
    let release = match build.draft {
        true => draft_release(&nvr.release, build.id.into()),
        false => nvr.release.clone(),
    };
    let shown = |n: Option<i32>| n.map_or_else(|| "none".into(), |n| n.to_string());
    for (what, own, given) in [
        ("name", build.name.clone(), nvr.name.clone()),
        ("version", build.version.clone(), nvr.version.clone()),
        ("release", build.release.clone(), release),
        ("epoch", shown(build.epoch), shown(facts.epoch)),
        ("task_id", shown(build.task_id), shown(Some(task_id))),
    ] {
        if own != given {
            return Err(error::generic(format!(
                "Unable to complete build: {what} mismatch (build: {own}, rpm: {given})"
            )));
        }
    }
    Ok(())
}

async fn volume(call: &Call, facts: &Facts, brmap: &Struct, task_id: i32) -> Rpc<i32> {
    let nvr = &facts.nvra.nvr;
    let mut data = Struct::from([
        ("package".into(), Value::String(nvr.name.clone())),
        ("version".into(), Value::String(nvr.version.clone())),
        ("release".into(), Value::String(nvr.release.clone())),
        ("buildroots".into(), Value::Array(brmap.values().cloned().collect())),
        ("import".into(), Value::Boolean(true)),
        ("import_type".into(), Value::String("rpm".into())),
    ]);
    volumes::policy::add_task(call, &mut data, Some(task_id)).await?;
    Ok(volumes::policy::chosen_or_default(call, data).await?.id)
}
