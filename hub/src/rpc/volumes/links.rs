//! The links that lead from the default volume to builds that lie elsewhere, and back.

use std::path::{Path, PathBuf};

use toji_proto::states::DEFAULT_VOLUME;

use crate::error::{self, Error, Rpc};
use crate::files;
use crate::rpc::Call;
use crate::rpc::builds::store::Build;

/// Makes the link on the default volume that leads to a build on another one, if it is not there.
///
/// Faults (1000): something else is in its place.
pub async fn to_build(call: &mut Call, build: &Build) -> Rpc<()> {
    if build.volume == DEFAULT_VOLUME {
        return Ok(());
    }
    let place = call.hub.tree.build(&build.place_on(DEFAULT_VOLUME))?;
    let own = call.hub.tree.build(&build.place())?;
    let target = way_to(&place, &own);
    ensure(call, place, target).await
}

/// Makes a link in the place of a build that has moved away, to wherever the default volume has it under its
/// present name. Nothing to do on the default volume.
///
/// A path through `..` would not lead from one file system to another: the link goes through the volume's
/// `toplink`. Faults (1000): the volume has none; something else is in the place.
pub async fn from_former_place(call: &mut Call, former: &Build, now: &Build) -> Rpc<()> {
    if former.volume == DEFAULT_VOLUME {
        return Ok(());
    }
    let volume = call.hub.tree.volume(Some(&former.volume))?;
    if !tokio::fs::try_exists(volume.join("toplink")).await.unwrap_or(false) {
        return Err(error::generic(format!("the volume {} has no toplink", former.volume)));
    }
    let place = call.hub.tree.build(&former.place())?;
    let below_top = call.hub.tree.build(&now.place_on(DEFAULT_VOLUME))?;
    let below_top = below_top.strip_prefix(call.hub.tree.top()).unwrap_or(&below_top);
    let target = files::relative(parent(&place), &volume).join("toplink").join(below_top);
    ensure(call, place, target).await
}

/// Makes a link unless it is there; an old one that leads elsewhere is replaced.
pub async fn ensure(call: &mut Call, place: PathBuf, target: PathBuf) -> Rpc<()> {
    match tokio::fs::read_link(&place).await {
        Ok(old) if old == target => Ok(()),
        Ok(_) => {
            remove(call, place.clone()).await?;
            files::link(call, target, place).await
        }
        Err(_) if tokio::fs::symlink_metadata(&place).await.is_ok() => {
            Err(error::generic(format!("Unexpected build content: {}", place.display())))
        }
        Err(_) => files::link(call, target, place).await,
    }
}

/// Removes a link at once, to be put back if the call fails; what is none stays.
pub async fn remove(call: &mut Call, place: PathBuf) -> Rpc<()> {
    let Ok(target) = tokio::fs::read_link(&place).await else { return Ok(()) };
    tokio::fs::remove_file(&place).await.map_err(Error::io(format!("cannot remove {}", place.display())))?;
    call.db.touched();
    call.on_rollback(move || {
        if let Err(e) = std::os::unix::fs::symlink(&target, &place) {
            tracing::warn!(path = %place.display(), error = %e, "a link was not put back");
        }
    });
    Ok(())
}

/// How a link in this place leads to a path.
pub fn way_to(place: &Path, path: &Path) -> PathBuf {
    files::relative(parent(place), path)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
