//! A builder's Windows builds.

use std::path::Path;

use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, paths};

use super::typed::{self, field};
use super::{types, under_way};
use crate::error::{self, Rpc};
use crate::rpc::archives::{self, NewArchive};
use crate::rpc::imports::{import_log, wrapper};
use crate::rpc::{Call, FromArg};

/// Enters the Windows build of a task that the calling host has open: `build_info` has `name`, `version`,
/// `release` and `epoch`, `win_info` has `platform`. Returns `build_info` with `task_id`, `owner`, `state`,
/// `completion_time` and `id`.
#[rpc("host.initWinBuild(task_id, build_info, win_info)", write, host)]
pub async fn host_init_win_build(call: &mut Call, task_id: i32, build_info: Struct, win_info: Value) -> Rpc<Struct> {
    check_enabled(call)?;
    if !build_info.contains_key("release") {
        return Err(error::generic("No release value for build"));
    }
    let info = typed::begin(call, task_id, build_info).await?;
    types::set_win(call, field(&info, "id")?, win_info).await?;
    Ok(info)
}

/// Completes a Windows build: `results` has `task_id` (whose uploads they are), `buildroot_id`, `output` (structs
/// with `platforms` and `flags` by path) and `logs`; `rpm_results`, if any, `srpm`, `rpms` and `logs`.
///
/// Faults: not the caller's task (1004); no Windows build (1000); an unknown kind of file, or one for no platform
/// (1005).
#[rpc("host.completeWinBuild(task_id, build_id, results, rpm_results)", write, host)]
pub async fn host_complete_win_build(
    call: &mut Call,
    task_id: i32,
    build_id: i32,
    results: Struct,
    rpm_results: Option<Struct>,
) -> Rpc<()> {
    check_enabled(call)?;
    under_way::own_task(call, task_id).await?;
    let build = typed::about_to_complete(call, task_id, build_id, "win").await?;
    types::get_win_build(call, build_id.into(), true).await?;
    let uploads = call.hub.tree.task(field::<i32>(&results, "task_id")?.into(), None)?;
    for (relpath, info) in field::<Struct>(&results, "output")? {
        typed::check_file_type(call, &relpath).await?;
        let mut info = Struct::from_arg(info, "output")?;
        info.insert("relpath".into(), Value::String(folder_of(&relpath)));
        let upload = uploads.join(paths::relative(&relpath)?);
        archives::add(call, NewArchive::upload(&build, "win", &info, upload)).await?;
    }
    for log in field::<Vec<String>>(&results, "logs")? {
        let subdir = match folder_of(&log) {
            folder if folder.is_empty() => "win".into(),
            folder => format!("win/{folder}"),
        };
        import_log(call, &uploads.join(paths::relative(&log)?), &build, Some(&subdir)).await?;
    }
    if let Some(results) = rpm_results.filter(|results| !results.is_empty()) {
        let task = field::<i32>(&results, "task_id")?;
        wrapper::import_wrapper(call, task, &build, &results).await?;
    }
    typed::complete(call, task_id, &build).await
}

/// The directory of a relative path.
fn folder_of(path: &str) -> String {
    Path::new(path).parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default()
}

fn check_enabled(call: &Call) -> Rpc<()> {
    if call.hub.options.enable_win { Ok(()) } else { Err(error::generic("Windows support not enabled")) }
}
