//! Results that are kept for a while, but belong to no build: `scratch/OWNER/task_ID`.

use std::path::{Path, PathBuf};

use toji_hub_macros::rpc;
use toji_proto::{Struct, paths};

use super::{uploaded, without_duplicates};
use crate::db::RowExt;
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::builds::complete::check_there;
use crate::rpc::builds::under_way::own_task;
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, FromArg};

/// Keeps the results of a scratch RPM build: `srpm` and `rpms` are paths of uploads, `logs` lists of them by
/// arch. Of a noarch package that comes from several arches, the first is kept.
///
/// Faults: not the caller's task (1004); no such upload (1000); noarch packages that differ (1005).
#[rpc("host.moveBuildToScratch(task_id, srpm, rpms, logs=None)", write, host)]
pub async fn host_move_build_to_scratch(
    call: &mut Call,
    task_id: i32,
    srpm: String,
    rpms: Vec<String>,
    logs: Option<Struct>,
) -> Rpc<()> {
    let folder = folder(call, task_id).await?;
    for upload in std::iter::once(&srpm).chain(&rpms) {
        check_there(call, upload).await?;
    }
    let rpms = without_duplicates(call, rpms).await?;
    for upload in std::iter::once(&srpm).chain(&rpms) {
        keep(call, &uploaded(call, upload)?, &folder).await?;
    }
    for (arch, uploads) in logs.unwrap_or_default() {
        let mut place = folder.join("logs");
        if !arch.is_empty() {
            place.push(paths::component(&arch)?);
        }
        for upload in Vec::<String>::from_arg(uploads, "logs")? {
            keep(call, &uploaded(call, &upload)?, &place).await?;
        }
    }
    Ok(())
}

/// Keeps the results of a scratch Maven build: `results` has `task_id`, `files` (lists of names by folder,
/// below that task's uploads) and `logs`; `rpm_results`, if any, has `task_id`, `srpm`, `rpms` and `logs`.
#[rpc("host.moveMavenBuildToScratch(task_id, results, rpm_results)", write, host)]
pub async fn host_move_maven_build_to_scratch(
    call: &mut Call,
    task_id: i32,
    results: Struct,
    rpm_results: Option<Struct>,
) -> Rpc<()> {
    if !call.hub.options.enable_maven {
        return Err(error::generic("Maven support not enabled"));
    }
    let folder = folder(call, task_id).await?;
    let uploads = task_uploads(call, &results)?;
    for (below, names) in field::<Struct>(&results, "files")? {
        let below = if below.is_empty() { PathBuf::new() } else { paths::relative(&below)?.to_path_buf() };
        for name in Vec::<String>::from_arg(names, "files")? {
            keep(call, &uploads.join(&below).join(paths::component(&name)?), &folder.join(&below)).await?;
        }
    }
    for log in field::<Vec<String>>(&results, "logs")? {
        keep_below(call, &uploads, &log, &folder).await?;
    }
    keep_rpms(call, rpm_results, &folder).await
}

/// Keeps the results of a scratch Windows build: `results` has `task_id`, `output` (by path) and `logs`;
/// `rpm_results` as for Maven builds.
#[rpc("host.moveWinBuildToScratch(task_id, results, rpm_results)", write, host)]
pub async fn host_move_win_build_to_scratch(
    call: &mut Call,
    task_id: i32,
    results: Struct,
    rpm_results: Option<Struct>,
) -> Rpc<()> {
    if !call.hub.options.enable_win {
        return Err(error::generic("Windows support not enabled"));
    }
    let folder = folder(call, task_id).await?;
    let uploads = task_uploads(call, &results)?;
    let output = field::<Struct>(&results, "output")?.into_keys();
    for relative in output.chain(field::<Vec<String>>(&results, "logs")?) {
        keep_below(call, &uploads, &relative, &folder).await?;
    }
    keep_rpms(call, rpm_results, &folder).await
}

/// Keeps the results of scratch image builds: `results` has by arch a struct with `task_id`, `files`, `logs`
/// and perhaps `rpmresults`, as for Maven builds. Each arch's results go to the directory of its own task.
#[rpc("host.moveImageBuildToScratch(task_id, results)", write, host)]
pub async fn host_move_image_build_to_scratch(call: &mut Call, task_id: i32, results: Struct) -> Rpc<()> {
    let folder = folder(call, task_id).await?;
    for of_arch in results.into_values() {
        let of_arch = Struct::from_arg(of_arch, "results")?;
        // Arches may fail where that is allowed: they have nothing.
        if !of_arch.contains_key("task_id") {
            continue;
        }
        let uploads = task_uploads(call, &of_arch)?;
        let folder = folder.with_file_name(format!("task_{}", field::<i32>(&of_arch, "task_id")?));
        let files = field::<Vec<String>>(&of_arch, "files")?;
        for name in files.into_iter().chain(field::<Vec<String>>(&of_arch, "logs")?) {
            keep_below(call, &uploads, &name, &folder).await?;
        }
        if of_arch.contains_key("rpmresults") {
            keep_rpms(call, Some(field(&of_arch, "rpmresults")?), &folder).await?;
        }
    }
    Ok(())
}

/// Where the task's results go. The calling host must have it open.
async fn folder(call: &mut Call, task_id: i32) -> Rpc<PathBuf> {
    let task = own_task(call, task_id).await?;
    let owner = users::get(call, &UserRef::Id(task.int("owner")?)).await?;
    Ok(call.hub.tree.scratch().join(paths::component(&owner.name)?).join(format!("task_{task_id}")))
}

async fn keep_rpms(call: &mut Call, results: Option<Struct>, folder: &Path) -> Rpc<()> {
    let Some(results) = results.filter(|results| !results.is_empty()) else { return Ok(()) };
    let uploads = task_uploads(call, &results)?;
    let folder = folder.join("rpms");
    let srpm = field::<String>(&results, "srpm")?;
    let rpms = field::<Vec<String>>(&results, "rpms")?;
    for name in std::iter::once(srpm).chain(rpms).chain(field::<Vec<String>>(&results, "logs")?) {
        keep_below(call, &uploads, &name, &folder).await?;
    }
    Ok(())
}

/// The uploads of the task that a result names.
fn task_uploads(call: &Call, results: &Struct) -> Rpc<PathBuf> {
    let task = field::<i32>(results, "task_id")?;
    Ok(call.hub.tree.task(task.into(), None)?)
}

fn field<T: FromArg>(results: &Struct, name: &str) -> Rpc<T> {
    let value = results.get(name).ok_or_else(|| error::param(format!("results has no {name}")))?;
    T::from_arg(value.clone(), name)
}

/// Keeps an upload under the same path below the task's directory.
async fn keep_below(call: &mut Call, uploads: &Path, name: &str, folder: &Path) -> Rpc<()> {
    let name = paths::relative(name)?;
    files::take_over(call, &uploads.join(name), &folder.join(name)).await
}

async fn keep(call: &mut Call, upload: &Path, folder: &Path) -> Rpc<()> {
    let place = folder.join(upload.file_name().unwrap_or_default());
    files::take_over(call, upload, &place).await
}
