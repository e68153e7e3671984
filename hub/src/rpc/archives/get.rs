//! One archive.

use toji_hub_macros::rpc;

use super::store;
use crate::db::{QueryOpts, Row};
use crate::error::{self, Rpc};
use crate::rpc::Call;

/// The id of no archive.
const NONE: i32 = 0;

/// An archive by id: a struct with `id`, `build_id`, `buildroot_id`, `filename`, `size` (bytes), `checksum`,
/// `checksum_type` (0 md5, 1 sha1, 2 sha256), `metadata_only`, `extra`, `btype` and `btype_id`, its file type
/// (`type_id`, `type_name`, `type_description`, `type_extensions`, `compression_type`); and what belongs to it
/// as Maven, Windows or image archive.
///
/// Nil if there is none; a fault with `strict`. Without an id it is the oldest archive,
/// without what belongs to its type.
#[rpc("getArchive(archive_id, strict=False)", read)]
pub async fn get_archive(call: &mut Call, archive_id: Option<i32>, strict: bool) -> Rpc<Option<Row>> {
    let Some(id) = archive_id else {
        let oldest = QueryOpts { limit: Some(1), ..QueryOpts::default() };
        return found(store::select().opts(oldest).one(&call.db).await?, NONE, strict);
    };
    found(store::find(&call.db, id).await?, id, strict)
}

/// What belongs to a Maven archive: a struct with `archive_id`, `group_id`, `artifact_id`, `version`, or nil; a
/// fault with `strict`.
#[rpc("getMavenArchive(archive_id, strict=False)", read)]
pub async fn get_maven_archive(call: &mut Call, archive_id: Option<i32>, strict: bool) -> Rpc<Option<Row>> {
    let id = archive_id.unwrap_or(NONE);
    found(store::maven(&call.db, id).await?, id, strict)
}

/// What belongs to a Windows archive: a struct with `archive_id`, `relpath`, `platforms` and `flags` (lists
/// separated by spaces), or nil; a fault with `strict`.
#[rpc("getWinArchive(archive_id, strict=False)", read)]
pub async fn get_win_archive(call: &mut Call, archive_id: Option<i32>, strict: bool) -> Rpc<Option<Row>> {
    let id = archive_id.unwrap_or(NONE);
    found(store::win(&call.db, id).await?, id, strict)
}

/// What belongs to an image: a struct with `archive_id`, `arch` and `rootid` (RPMs are known to be in it), or
/// nil; a fault with `strict`.
#[rpc("getImageArchive(archive_id, strict=False)", read)]
pub async fn get_image_archive(call: &mut Call, archive_id: Option<i32>, strict: bool) -> Rpc<Option<Row>> {
    let id = archive_id.unwrap_or(NONE);
    found(store::image(&call.db, id).await?, id, strict)
}

fn found(row: Option<Row>, id: i32, strict: bool) -> Rpc<Option<Row>> {
    match row {
        None if strict => Err(error::generic(format!("No such archive of that kind: {id}"))),
        row => Ok(row),
    }
}
