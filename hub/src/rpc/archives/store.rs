//! Archives in the database: everything in a build that is no RPM.
//!
//! An archive has a file type (`archivetypes`, by its name's extension) and a build type (`btype`) that says
//! how its build uses it; `maven`, `win` and `image` keep more of it in tables of their own.

use std::path::PathBuf;

use toji_proto::paths;

use crate::db::{Db, Kind, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::Call;
use crate::rpc::builds::store::Build;

/// The columns of an archive that all methods tell.
pub fn select() -> Select {
    Select::from("archiveinfo")
        .join("archivetypes ON archivetypes.id = archiveinfo.type_id")
        .join("btype ON btype.id = archiveinfo.btype_id")
        .columns(&[
            ("archiveinfo.id", "id"),
            ("archiveinfo.type_id", "type_id"),
            ("archiveinfo.btype_id", "btype_id"),
            ("btype.name", "btype"),
            ("archiveinfo.build_id", "build_id"),
            ("archiveinfo.buildroot_id", "buildroot_id"),
            ("archiveinfo.filename", "filename"),
            ("archiveinfo.size", "size"),
            ("archiveinfo.checksum", "checksum"),
            ("archiveinfo.checksum_type", "checksum_type"),
            ("archiveinfo.metadata_only", "metadata_only"),
            ("archivetypes.name", "type_name"),
            ("archivetypes.description", "type_description"),
            ("archivetypes.extensions", "type_extensions"),
            ("archivetypes.compression_type", "compression_type"),
        ])
        .column_as("archiveinfo.extra", "extra", Kind::Json)
        .order("id")
}

/// An archive with what its build type adds: `group_id`, `artifact_id` and `version`; `relpath`, `platforms`
/// and `flags`; or `arch` and `rootid`.
pub async fn find(db: &Db, id: i32) -> Rpc<Option<Row>> {
    let Some(mut archive) = select().clause("archiveinfo.id = ?", [id.into()]).one(db).await? else {
        return Ok(None);
    };
    for more in [maven(db, id).await?, win(db, id).await?, image(db, id).await?].into_iter().flatten() {
        archive.extend(more.into_iter().filter(|(column, _)| column != "archive_id"));
    }
    Ok(Some(archive))
}

/// The same; a general fault if there is none.
pub async fn get(db: &Db, id: i32) -> Rpc<Row> {
    find(db, id).await?.ok_or_else(|| error::generic(format!("No such archive: {id}")))
}

pub async fn maven(db: &Db, id: i32) -> Rpc<Option<Row>> {
    let sql = "SELECT archive_id, group_id, artifact_id, version FROM maven_archives WHERE archive_id = ?";
    db.row(sql, vec![id.into()]).await
}

pub async fn win(db: &Db, id: i32) -> Rpc<Option<Row>> {
    db.row("SELECT archive_id, relpath, platforms, flags FROM win_archives WHERE archive_id = ?", vec![id.into()]).await
}

/// With `rootid`: whether RPMs are known to be in the image.
pub async fn image(db: &Db, id: i32) -> Rpc<Option<Row>> {
    Select::from("image_archives")
        .columns(&[("archive_id", "archive_id"), ("arch", "arch")])
        .column_as(
            "EXISTS (SELECT 1 FROM archive_rpm_components c WHERE c.archive_id = image_archives.archive_id)",
            "rootid",
            Kind::Bool,
        )
        .clause("archive_id = ?", [id.into()])
        .one(db)
        .await
}

/// Where the file of an archive (as `find` has it) lies.
pub fn path(call: &Call, build: &Build, archive: &Row) -> Rpc<PathBuf> {
    let btype = archive.text("btype");
    let mut path = call.hub.tree.build_type(&build.place(), btype)?;
    match btype {
        "maven" => {
            let text = |column| archive.text(column);
            path.push(paths::maven_dir(text("group_id"), text("artifact_id"), text("version"))?);
        }
        "win" => path.push(inner(archive.text("relpath"))?),
        _ => {}
    }
    // What generators import may lie in a directory of its own.
    path.push(inner(archive.text("filename"))?);
    Ok(path)
}

/// A relative path, perhaps of nothing; repeated slashes count once.
pub fn inner(path: &str) -> Rpc<PathBuf> {
    let mut inner = PathBuf::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        inner.push(paths::component(part)?);
    }
    Ok(inner)
}
