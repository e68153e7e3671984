//! Builds are deleted, or reset to nothing but their name.

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::ValueExt;
use toji_proto::nvr::draft_release;
use toji_proto::paths::BuildPlace;
use toji_proto::states::{BuildState, DEFAULT_VOLUME};

use super::new::TYPE_TABLES;
use super::references;
use super::store::{self, Build, BuildRef};
use crate::db::Update;
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::Call;

/// Deletes a build that nothing refers to, and that was used in no standard buildroot for `min_ref_age` seconds.
///
/// Its name stays taken, its RPMs and archives stay listed; its files, signatures and checksums go. True if it
/// was deleted, nil if it had been. If it is still needed: a fault, or false without `strict`. Faults: no such
/// build, also without `strict`; one that is under way.
#[rpc("deleteBuild(build, strict=True, min_ref_age=604800)", write, perm = "admin")]
pub async fn delete_build(call: &mut Call, build: BuildRef, strict: bool, min_ref_age: f64) -> Rpc<Option<bool>> {
    let build = store::get(&call.db, &build).await?;
    if build.state == BuildState::Deleted {
        return Ok(None);
    }
    if let Some(why) = still_needed(call, build.id, min_ref_age).await? {
        let refused = error::generic(format!("Cannot delete build {}, {why}", build.nvr()));
        return if strict { Err(refused) } else { Ok(Some(false)) };
    }
    refuse_under_way(&build)?;
    let mine = "rpm_id IN (SELECT id FROM rpminfo WHERE build_id = ?)";
    for table in ["rpmsigs", "rpm_checksum"] {
        call.db.execute(&format!("DELETE FROM {table} WHERE {mine}"), vec![build.id.into()]).await?;
    }
    call.revoke_versions("tag_listing", "build_id = ?", [build.id.into()]).await?;
    Update::table("build")
        .set("state", BuildState::Deleted.code())
        .clause("id = ?", [build.id.into()])
        .run(&call.db)
        .await?;
    remove_files(call, &build).await?;
    tracing::warn!(build = build.nvr(), user = call.session()?.user_name, "build deleted");
    Ok(Some(true))
}

async fn still_needed(call: &Call, build_id: i32, min_ref_age: f64) -> Rpc<Option<String>> {
    let found = references::of_build(call, build_id, Some(10), true).await?;
    for (list, why) in [
        ("tags", "tagged"),
        ("rpms", "used in buildroots"),
        ("archives", "used in archive buildroots"),
        ("component_of", "used as component of"),
    ] {
        if let Some(items) = found.get(list).filter(|items| items.is_true()) {
            return Ok(Some(format!("{why}: {}", items.repr())));
        }
    }
    let age =
        found.get("last_used").and_then(ValueExt::as_f64).map(|used| Utc::now().timestamp_micros() as f64 / 1e6 - used);
    Ok(age.filter(|age| *age < min_ref_age).map(|_| "used in recent buildroot".into()))
}

/// Takes from a build everything but its name, so that it can be made anew: RPMs, archives, types, tag history,
/// task and files. It is CANCELED then, on the default volume. One that does not exist is left alone; one that
/// is under way is a fault.
#[rpc("resetBuild(build)", write, perm = "admin")]
pub async fn reset_build(call: &mut Call, build: BuildRef) -> Rpc<()> {
    let Some(build) = store::find(&call.db, &build).await? else { return Ok(()) };
    refuse_under_way(&build)?;
    let rpm = "rpm_id IN (SELECT id FROM rpminfo WHERE build_id = ?)";
    let archive = "archive_id IN (SELECT id FROM archiveinfo WHERE build_id = ?)";
    let component = "component_id IN (SELECT id FROM archiveinfo WHERE build_id = ?)";
    let own = "build_id = ?";
    let parts = [
        ("rpmsigs", rpm),
        ("rpm_checksum", rpm),
        ("buildroot_listing", rpm),
        ("archive_rpm_components", rpm),
        ("rpminfo", own),
        ("maven_archives", archive),
        ("win_archives", archive),
        ("image_archives", archive),
        ("buildroot_archives", archive),
        ("archive_rpm_components", archive),
        ("archive_components", archive),
        ("archive_components", component),
        ("archiveinfo", own),
        ("tag_listing", own),
    ];
    for (table, clause) in parts.into_iter().chain(TYPE_TABLES.iter().map(|table| (*table, own))) {
        call.db.execute(&format!("DELETE FROM {table} WHERE {clause}"), vec![build.id.into()]).await?;
    }
    Update::table("build")
        .set("state", BuildState::Canceled.code())
        .set_null("task_id")
        .set("volume_id", 0)
        .clause("id = ?", [build.id.into()])
        .run(&call.db)
        .await?;
    remove_files(call, &build).await
}

fn refuse_under_way(build: &Build) -> Rpc<()> {
    match build.state {
        BuildState::Building => Err(error::generic(format!("Build {} is under way: cancel it first", build.nvr()))),
        _ => Ok(()),
    }
}

/// Removes the build's directory after the commit, and the links that lead there.
async fn remove_files(call: &mut Call, build: &Build) -> Rpc<()> {
    // A name that is no path never had files.
    let Ok(own) = call.hub.tree.build(&build.place()) else { return Ok(()) };
    let mut links = Vec::new();
    if build.volume != DEFAULT_VOLUME {
        links.push(call.hub.tree.build(&build.place_on(DEFAULT_VOLUME))?);
    }
    if !build.draft {
        // It may have been one, on any volume.
        let release = draft_release(&build.release, build.id.into());
        let volumes: Vec<String> = call.db.values("SELECT name FROM volume ORDER BY id", vec![]).await?;
        for volume in &volumes {
            let place = BuildPlace { release: &release, ..build.place_on(volume) };
            links.push(call.hub.tree.build(&place)?);
        }
    }
    for link in links {
        if tokio::fs::read_link(&link).await.is_ok() {
            files::remove(call, link);
        }
    }
    files::remove(call, own);
    Ok(())
}
