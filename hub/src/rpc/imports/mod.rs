//! Uploaded files become parts of builds.
//!
//! The rows are written in the call's transaction; the files get their places at once and are taken away
//! again if it fails. Where an upload was, a link to its place remains. Paths are relative to `work/`.

mod logs;
mod merge;
mod noarch;
mod scratch;

pub mod rpm;
pub mod wrapper;

use std::path::PathBuf;

use toji_hub_macros::rpc;
use toji_proto::states::TagUpdateType;
use toji_proto::{Struct, Value, ValueExt, paths};

use super::builds::store;
use super::{Call, Method};
use crate::error::{self, Rpc};
use crate::uploads;

pub use logs::import_log;
pub use noarch::without_duplicates;
pub use rpm::{Imported, Into, add_rpm};

pub const METHODS: &[Method] = &[
    IMPORT_RPM,
    merge::MERGE_SCRATCH,
    scratch::HOST_MOVE_BUILD_TO_SCRATCH,
    scratch::HOST_MOVE_IMAGE_BUILD_TO_SCRATCH,
    scratch::HOST_MOVE_MAVEN_BUILD_TO_SCRATCH,
    scratch::HOST_MOVE_WIN_BUILD_TO_SCRATCH,
    wrapper::HOST_IMPORT_WRAPPER_RPMS,
];

/// Imports an uploaded RPM (`path` below the uploads, file name) into the build of its source package.
///
/// A source package without a build makes one, complete and the caller's. Returns the RPM's name, version,
/// release, epoch, arch, draft, id, build_id, buildroot_id, size, payloadhash, buildtime, external_repo_id,
/// sourcepackage (1 or nil), sourcerpm, its `build` (as `getBuild`) and `brootid` (nil). Faults (1000): no
/// such upload; no RPM or wrongly named; no build; a build that takes none; imported before.
#[rpc("importRPM(path, basename)", write, perm = "admin")]
pub async fn import_rpm(call: &mut Call, path: Value, basename: Value) -> Rpc<Struct> {
    let (Value::String(folder), Value::String(name)) = (&path, &basename) else {
        return Err(error::generic(format!("No such file: {}/{}", path.repr(), basename.repr())));
    };
    let upload = uploads::existing(call, folder, name, None).await?;
    let imported = add_rpm(call, &upload, Into::Own, None, None).await?;
    store::note_tag_updates(call, imported.build.id, TagUpdateType::Import).await?;
    Ok(imported.into_struct())
}

/// The path of an upload, which is given relative to `work/`. It need not exist.
pub fn uploaded(call: &Call, relative: &str) -> Rpc<PathBuf> {
    Ok(call.hub.tree.work(None)?.join(paths::relative(relative)?))
}
