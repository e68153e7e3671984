//! A builder's image builds.

use std::collections::BTreeSet;

use toji_hub_macros::rpc;
use toji_proto::{Struct, paths};

use super::store::{self, Build, BuildRef};
use super::typed::{self, field};
use super::{types, under_way};
use crate::db::{Row, RowExt, in_list};
use crate::error::{Error, Rpc};
use crate::files;
use crate::rpc::archives::{self, NewArchive};
use crate::rpc::imports::wrapper;
use crate::rpc::rpms::components;
use crate::rpc::{Call, FromArg};

/// Enters the image build of a task that the calling host has open: `build_info` has `name`, `version`, `release`
/// (nil for the next one) and `epoch`. Returns it with `release`, `task_id`, `owner`, `state`, `completion_time`
/// and `id`.
#[rpc("host.initImageBuild(task_id, build_info)", write, host)]
pub async fn host_init_image_build(call: &mut Call, task_id: i32, build_info: Struct) -> Rpc<Struct> {
    let info = typed::begin(call, task_id, build_info).await?;
    types::set_image(call, field(&info, "id")?).await?;
    Ok(info)
}

/// Completes an image build: `results` has by arch a struct with `task_id` (whose uploads they are), `arch`,
/// `files`, `rpmlist` (what is installed in the images, as for `host.setBuildRootList`) and perhaps `rpmresults`.
/// An arch without `task_id` has failed, and nothing is imported for it.
///
/// Faults: not the caller's task (1004); an unknown kind of file (1005); an RPM that does not exist (1000).
#[rpc("host.completeImageBuild(task_id, build_id, results)", write, host)]
pub async fn host_complete_image_build(call: &mut Call, task_id: i32, build_id: i32, results: Struct) -> Rpc<()> {
    let task = under_way::own_task(call, task_id).await?;
    let build = typed::about_to_complete(call, task_id, build_id, "image").await?;
    import_all(call, &task, &build, results).await?;
    typed::complete(call, task_id, &build).await
}

/// Imports images into a build (`build_info` names it) without completing it; see `host.completeImageBuild`.
#[rpc("host.importImage(task_id, build_info, results)", write, host)]
pub async fn host_import_image(call: &mut Call, task_id: i32, build_info: BuildRef, results: Struct) -> Rpc<()> {
    let task = under_way::own_task(call, task_id).await?;
    let build = store::get(&call.db, &build_info).await?;
    import_all(call, &task, &build, results).await
}

async fn import_all(call: &mut Call, task: &Row, build: &Build, results: Struct) -> Rpc<()> {
    for of_arch in results.into_values() {
        let of_arch = Struct::from_arg(of_arch, "results")?;
        if !of_arch.contains_key("task_id") {
            continue;
        }
        import(call, task, build, &of_arch).await?;
        if of_arch.contains_key("rpmresults") {
            let results = field::<Struct>(&of_arch, "rpmresults")?;
            let task = field::<i32>(&results, "task_id")?;
            wrapper::import_wrapper(call, task, build, &results).await?;
        }
    }
    Ok(())
}

async fn import(call: &mut Call, task: &Row, build: &Build, image: &Struct) -> Rpc<()> {
    let uploads = call.hub.tree.task(field::<i32>(image, "task_id")?.into(), None)?;
    let mut with_rpms = Vec::new();
    for name in field::<Vec<String>>(image, "files")? {
        typed::check_file_type(call, &name).await?;
        let upload = uploads.join(paths::relative(&name)?);
        let archive = archives::add(call, NewArchive::upload(build, "image", image, upload)).await?;
        // Descriptions of images contain none.
        if !name.ends_with("xml") {
            with_rpms.push(archive.int("id")?);
        }
    }
    import_logs(call, task, build, image, &uploads).await?;
    let rpms = components::ids(call, &field::<Vec<Struct>>(image, "rpmlist")?).await?;
    refuse_drafts(call, &rpms).await?;
    add_rpms(call, &with_rpms, rpms.into_iter().collect()).await
}

/// All logs among the uploads. Where several arches may have the same, each has a directory of its own.
async fn import_logs(call: &mut Call, task: &Row, build: &Build, image: &Struct, uploads: &std::path::Path) -> Rpc<()> {
    let folder = call.hub.tree.build_logs(&build.place())?.join("image");
    let of_arch = folder.join(paths::component(&field::<String>(image, "arch")?)?);
    let one_arch = matches!(task.text("method"), "appliance" | "image" | "indirectionimage" | "livecd");
    for name in logs(uploads.to_path_buf()).await? {
        let mut place = folder.join(&name);
        if !one_arch || tokio::fs::symlink_metadata(&place).await.is_ok() {
            place = of_arch.join(&name);
        }
        files::take_over(call, &uploads.join(&name), &place).await?;
    }
    Ok(())
}

async fn logs(folder: std::path::PathBuf) -> Rpc<Vec<String>> {
    let read = move || -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".log") {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    };
    tokio::task::spawn_blocking(read).await?.map_err(Error::io("cannot read the task's uploads"))
}

/// Drafts may yet change their names.
async fn refuse_drafts(call: &Call, rpms: &[i32]) -> Rpc<()> {
    let (clause, among) = in_list(call.db.is_postgres(), "id", rpms);
    let sql = format!("SELECT name FROM rpminfo WHERE draft = TRUE AND {clause} ORDER BY id LIMIT 1");
    match call.db.value::<String>(&sql, among).await? {
        Some(name) => Err(crate::error::generic(format!("Draft rpm not supported: {name}"))),
        None => Ok(()),
    }
}

/// Notes which RPMs are in archives.
pub async fn add_rpms(call: &Call, archives: &[i32], rpms: BTreeSet<i32>) -> Rpc<()> {
    let rpms: Vec<i32> = rpms.into_iter().collect();
    for archive in archives {
        let (clause, among) = in_list(call.db.is_postgres(), "rpminfo.id", &rpms);
        let sql = format!(
            "INSERT INTO archive_rpm_components (archive_id, rpm_id) \
             SELECT {archive}, rpminfo.id FROM rpminfo WHERE {clause} ORDER BY rpminfo.id"
        );
        call.db.execute(&sql, among).await?;
    }
    Ok(())
}
