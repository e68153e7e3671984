//! A builder's Maven builds.

use std::path::PathBuf;

use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, ValueExt, paths};

use super::store::{self, BuildRef};
use super::typed::{self, field};
use super::{types, under_way};
use crate::error::{self, Rpc};
use crate::rpc::archives::{self, NewArchive, pom};
use crate::rpc::imports::{import_log, wrapper};
use crate::rpc::{Call, FromArg};

/// Enters the Maven build of a task that the calling host has open: `build_info` has `name`, `version` and
/// `epoch` and gets the next release, `maven_info` has `group_id`, `artifact_id` and `version`. Returns
/// `build_info` with `release`, `task_id`, `owner`, `state`, `completion_time` and `id`.
#[rpc("host.initMavenBuild(task_id, build_info, maven_info)", write, host)]
pub async fn host_init_maven_build(
    call: &mut Call,
    task_id: i32,
    mut build_info: Struct,
    maven_info: Value,
) -> Rpc<Struct> {
    check_enabled(call)?;
    build_info.insert("release".into(), Value::Nil);
    let info = typed::begin(call, task_id, build_info).await?;
    let build = store::get(&call.db, &field::<i32>(&info, "id")?.into()).await?;
    types::set_maven(call, &build, maven_info).await?;
    Ok(info)
}

/// Makes an existing build a Maven build, for RPM builds that have Maven artifacts; see `createMavenBuild`.
#[rpc("host.createMavenBuild(build_info, maven_info)", write, host)]
pub async fn host_create_maven_build(call: &mut Call, build_info: BuildRef, maven_info: Value) -> Rpc<()> {
    check_enabled(call)?;
    let build = store::get(&call.db, &build_info).await?;
    types::set_maven(call, &build, maven_info).await
}

/// Completes a Maven build: `maven_results` has `task_id` (whose uploads they are), `buildroot_id`, `files` (lists
/// of names by directory) and `logs`; `rpm_results`, if any, the same with `srpm`, `rpms` and `logs`.
///
/// The files of a directory belong to the project that its description tells, or else to the build's own.
/// Checksums are made anew, and `maven-metadata.xml` is kept without being entered. Faults: not the caller's task
/// (1004); no Maven build (1000); unknown kinds of files, several descriptions in a directory (1005).
#[rpc("host.completeMavenBuild(task_id, build_id, maven_results, rpm_results)", write, host)]
pub async fn host_complete_maven_build(
    call: &mut Call,
    task_id: i32,
    build_id: i32,
    maven_results: Struct,
    rpm_results: Option<Struct>,
) -> Rpc<()> {
    check_enabled(call)?;
    under_way::own_task(call, task_id).await?;
    let build = typed::about_to_complete(call, task_id, build_id, "maven").await?;
    let own = types::get_maven_build(call, build_id.into(), true).await?.unwrap_or_default();
    let uploads = call.hub.tree.task(field::<i32>(&maven_results, "task_id")?.into(), None)?;
    let repository = call.hub.tree.build_type(&build.place(), "maven")?;
    for (below, names) in own_first(field(&maven_results, "files")?, &own)? {
        let names = Vec::<String>::from_arg(names, "files")?;
        let folder = uploads.join(&below);
        let poms: Vec<&String> = names.iter().filter(|name| name.ends_with(".pom")).collect();
        let project = match poms[..] {
            [] => own.clone(),
            [pom] => pom::read(&folder.join(paths::component(pom)?)).await?,
            _ => {
                let names = poms.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                return Err(error::build(format!("multiple .pom files in {}: {names}", below.display())));
            }
        };
        for name in &names {
            let upload = folder.join(paths::component(name)?);
            if name.ends_with(".md5") || name.ends_with(".sha1") {
                continue;
            }
            if name == "maven-metadata.xml" {
                archives::place(call, &upload, &repository.join(&below), true).await?;
                continue;
            }
            typed::check_file_type(call, name).await?;
            archives::add(call, NewArchive::upload(&build, "maven", &project, upload)).await?;
        }
    }
    for log in field::<Vec<String>>(&maven_results, "logs")? {
        import_log(call, &uploads.join(paths::relative(&log)?), &build, Some("maven")).await?;
    }
    if let Some(results) = rpm_results.filter(|results| !results.is_empty()) {
        let task = field::<i32>(&results, "task_id")?;
        wrapper::import_wrapper(call, task, &build, &results).await?;
    }
    typed::complete(call, task_id, &build).await
}

/// The directories of files, that of the build's own project first.
fn own_first(files: Struct, own: &Struct) -> Rpc<Vec<(PathBuf, Value)>> {
    let [group, artifact, version] =
        ["group_id", "artifact_id", "version"].map(|key| own.get(key).and_then(ValueExt::as_str).unwrap_or_default());
    let own = paths::maven_dir(group, artifact, version).ok();
    let mut folders = Vec::with_capacity(files.len());
    for (below, names) in files {
        folders.push((archives::store::inner(&below)?, names));
    }
    folders.sort_by_key(|(below, _)| Some(below) != own.as_ref());
    Ok(folders)
}

fn check_enabled(call: &Call) -> Rpc<()> {
    if call.hub.options.enable_maven { Ok(()) } else { Err(error::generic("Maven support not enabled")) }
}
