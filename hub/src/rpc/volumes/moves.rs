//! Builds move from one volume to another.

use toji_hub_macros::rpc;
use toji_proto::states::{BuildState, DEFAULT_VOLUME, TagUpdateType};
use toji_proto::{Struct, Value};

use super::{links, policy};
use crate::db::Update;
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::builds::store::{self, Build, BuildRef};
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{Call, NameOrId};

/// Moves a build's files to another volume. A link on the default volume leads to builds elsewhere.
///
/// Faults (1000): no such build or volume; it is there already (not without `strict`); it is neither COMPLETE
/// nor DELETED; its directory, or the volume's, is missing; its place is taken.
#[rpc("changeBuildVolume(build, volume, strict=True)", write, perm = "admin")]
pub async fn change_build_volume(call: &mut Call, build: BuildRef, volume: NameOrId, strict: bool) -> Rpc<()> {
    let volume = lookup::get(&call.db, Table::Volume, &volume).await?;
    let build = store::get(&call.db, &build).await?;
    if build.volume_id == volume.id && !strict {
        return Ok(());
    }
    move_build(call, &build, &volume).await
}

/// Moves a build to the volume that the policy chooses now. With `strict`, a policy that chooses none is a
/// fault; otherwise the build stays.
#[rpc("applyVolumePolicy(build, strict=False)", write, perm = "admin")]
pub async fn apply_volume_policy(call: &mut Call, build: BuildRef, strict: bool) -> Rpc<()> {
    let build = store::get(&call.db, &build).await?;
    apply_policy(call, &build, strict).await
}

/// See `applyVolumePolicy`.
pub async fn apply_policy(call: &mut Call, build: &Build, strict: bool) -> Rpc<()> {
    let mut data = Struct::from([("build".into(), Value::Integer(build.id))]);
    policy::add_task(call, &mut data, build.task_id).await?;
    match policy::chosen(call, data, strict).await? {
        Some(volume) if volume.id != build.volume_id => move_build(call, build, &volume).await,
        _ => Ok(()),
    }
}

/// Copies the files, and removes the old ones after the commit.
async fn move_build(call: &mut Call, build: &Build, volume: &Named) -> Rpc<()> {
    let nvr = build.nvr();
    if build.volume_id == volume.id {
        return Err(error::generic(format!("Build {nvr} already on volume {}", volume.name)));
    }
    if !matches!(build.state, BuildState::Complete | BuildState::Deleted) {
        return Err(error::generic(format!("Build {nvr} is {}", build.state)));
    }
    let tree = call.hub.tree.clone();
    if !is_dir(&tree.volume(Some(&volume.name))?).await {
        return Err(error::generic(format!("Directory entry missing for volume {}", volume.name)));
    }
    check_places(call, build, volume).await?;
    let old = tree.build(&build.place())?;
    let new = tree.build(&build.place_on(&volume.name))?;
    if !is_dir(&old).await {
        return Err(error::generic(format!("Build directory missing: {}", old.display())));
    }
    if volume.name == DEFAULT_VOLUME {
        // The link that led away makes room for the files.
        links::remove(call, new.clone()).await?;
    }
    files::copy_tree(call, old.clone(), new).await?;
    Update::table("build").set("volume_id", volume.id).clause("id = ?", [build.id.into()]).run(&call.db).await?;
    store::note_tag_updates(call, build.id, TagUpdateType::VolumeChange).await?;
    files::remove(call, old.clone());
    if volume.name == DEFAULT_VOLUME {
        return Ok(());
    }
    let place = tree.build(&build.place_on(DEFAULT_VOLUME))?;
    let target = links::way_to(&place, &tree.build(&build.place_on(&volume.name))?);
    if place == old {
        files::link_after_commit(call, target, place);
        return Ok(());
    }
    links::ensure(call, place, target).await
}

/// Nothing of the build may lie on other volumes, but for the link on the default one.
async fn check_places(call: &Call, build: &Build, volume: &Named) -> Rpc<()> {
    let volumes: Vec<String> = call.db.values("SELECT name FROM volume ORDER BY id", vec![]).await?;
    for name in volumes.iter().filter(|name| **name != build.volume) {
        let place = call.hub.tree.build(&build.place_on(name))?;
        let Ok(found) = tokio::fs::symlink_metadata(&place).await else { continue };
        if name == DEFAULT_VOLUME && found.is_symlink() {
            continue;
        }
        let what =
            if *name == volume.name { "Destination directory exists" } else { "Unexpected cross-volume content" };
        return Err(error::generic(format!("{what}: {}", place.display())));
    }
    Ok(())
}

async fn is_dir(path: &std::path::Path) -> bool {
    tokio::fs::metadata(path).await.is_ok_and(|found| found.is_dir())
}
