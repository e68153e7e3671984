//! Uploaded files become archives of builds.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toji_hub_macros::rpc;
use toji_proto::json::to_json_text;
use toji_proto::states::ChecksumType;
use toji_proto::{Struct, Value, ValueExt, paths};

use super::{pom, store, types};
use crate::db::{Insert, Row, RowExt};
use crate::error::{self, Error, Rpc};
use crate::files;
use crate::rpc::builds::store::{self as builds, Build, BuildRef};
use crate::rpc::builds::types::refuse_draft;
use crate::rpc::imports::uploaded;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId};

/// Imports an uploaded file (a path below the uploads) into a build as a `maven`, `win` or `image` archive.
///
/// `typeInfo` has `group_id`, `artifact_id`, `version`; or `relpath`, `platforms`, `flags`; or `arch`. Needs the
/// permission `maven-import`, `win-import` or `image-import`. Faults: no such upload or build, an unknown kind
/// of file, a draft, a place that is taken (1000); a build that is not of the type (1020); a project description
/// that says otherwise (1005).
#[rpc("importArchive(filepath, buildinfo, type, typeInfo)", write)]
pub async fn import_archive(
    call: &mut Call,
    filepath: String,
    buildinfo: BuildRef,
    kind: String,
    type_info: Struct,
) -> Rpc<()> {
    check_enabled(call, &kind, &["maven", "win", "image"])?;
    call.assert_perm(&format!("{kind}-import")).await?;
    let build = builds::get(&call.db, &buildinfo).await?;
    let path = uploaded(call, &filepath)?;
    add(call, NewArchive::upload(&build, &kind, &type_info, path)).await.map(drop)
}

/// The same for builders, by the file's whole path, which must lie below the uploads; no images.
#[rpc("host.importArchive(filepath, buildinfo, type, typeInfo)", write, host)]
pub async fn host_import_archive(
    call: &mut Call,
    filepath: String,
    buildinfo: BuildRef,
    kind: String,
    type_info: Struct,
) -> Rpc<()> {
    check_enabled(call, &kind, &["maven", "win"])?;
    let build = builds::get(&call.db, &buildinfo).await?;
    let work = call.hub.tree.work(None)?;
    let below = Path::new(&filepath).strip_prefix(&work).ok().and_then(Path::to_str);
    let below = below.ok_or_else(|| error::generic(format!("not an upload: {filepath}")))?;
    let path = uploaded(call, below)?;
    add(call, NewArchive::upload(&build, &kind, &type_info, path)).await.map(drop)
}

fn check_enabled(call: &Call, kind: &str, allowed: &[&str]) -> Rpc<()> {
    let options = &call.hub.options;
    match kind {
        "maven" if !options.enable_maven => Err(error::generic("Maven support not enabled")),
        "win" if !options.enable_win => Err(error::generic("Windows support not enabled")),
        kind if allowed.contains(&kind) => Ok(()),
        kind => Err(error::generic(format!("unsupported archive type: {kind}"))),
    }
}

/// An archive to be.
pub struct NewArchive<'a> {
    pub build: &'a Build,
    /// The build type as which it is imported.
    pub btype: &'a str,
    pub type_info: &'a Struct,
    pub content: Content,
    pub buildroot: Option<i32>,
    pub extra: Option<&'a Value>,
    /// Where it lies below its build's directory for the type; for types of content generators.
    pub subdir: Option<&'a str>,
}

/// What is in an archive.
pub enum Content {
    Upload {
        path: PathBuf,
        /// A checksum of it that was verified; else SHA-256 is computed.
        sum: Option<(ChecksumType, String)>,
    },
    /// The file is kept elsewhere.
    MetadataOnly { filename: String, size: i64, sum: (ChecksumType, String) },
}

impl<'a> NewArchive<'a> {
    /// An upload as builders and administrators import it: no buildroot is noted.
    pub fn upload(build: &'a Build, btype: &'a str, type_info: &'a Struct, path: PathBuf) -> Self {
        let content = Content::Upload { path, sum: None };
        Self { build, btype, type_info, content, buildroot: None, extra: None, subdir: None }
    }
}

/// Enters an archive and puts its file in its place; returns it, as `getArchive`.
pub async fn add(call: &mut Call, new: NewArchive<'_>) -> Rpc<Row> {
    refuse_draft(new.build)?;
    let (filename, size, (sum_kind, sum)) = match &new.content {
        Content::MetadataOnly { filename, size, sum } => (filename.clone(), *size, sum.clone()),
        Content::Upload { path, sum } => {
            // A link is an upload that was imported before: its place is taken, as is said below.
            let size = tokio::fs::metadata(path).await.map_err(|_| no_such(path))?.len();
            let sum = match sum {
                Some(sum) => sum.clone(),
                None => (ChecksumType::Sha256, sha256(path).await?),
            };
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            (paths::component(name)?.to_string(), size as i64, sum)
        }
    };
    let file_type = types::of_file(&call.db, &filename).await?;
    let file_type = file_type.ok_or_else(|| error::generic(format!("unsupported file extension: {filename}")))?;
    let btype = lookup::find(&call.db, Table::BuildType, &NameOrId::Name(new.btype.into())).await?;
    let btype = btype.ok_or_else(|| error::build(format!("unsupported build type: {}", new.btype)))?;
    let has_type = "SELECT 1 FROM build_types WHERE build_id = ? AND btype_id = ?";
    if !call.db.exists(has_type, vec![new.build.id.into(), btype.id.into()]).await? {
        return Err(error::import(format!("Build {} does not have type {}", new.build.nvr(), btype.name)));
    }
    let id = Insert::into("archiveinfo")
        .set("type_id", file_type.int("id")?)
        .set("btype_id", btype.id)
        .set("build_id", new.build.id)
        .set("buildroot_id", new.buildroot)
        .set("filename", filename.clone())
        .set("size", size)
        .set("checksum", sum)
        .set("checksum_type", sum_kind.code())
        .set("metadata_only", matches!(new.content, Content::MetadataOnly { .. }))
        .set("extra", new.extra.map(to_json_text))
        .returning_id(&call.db)
        .await?;
    let folder = call.hub.tree.build_type(&new.build.place(), new.btype)?;
    let folder = match new.btype {
        "maven" => folder.join(add_maven(call, id, &new, &filename, file_type.text("name")).await?),
        "win" => folder.join(add_win(call, id, new.type_info).await?),
        "image" => {
            let arch = text(new.type_info, "arch")?;
            Insert::into("image_archives").set("archive_id", id).set("arch", arch).run(&call.db).await?;
            folder
        }
        _ => folder.join(store::inner(new.subdir.unwrap_or_default())?),
    };
    if let Content::Upload { path, .. } = &new.content {
        place(call, path, &folder, new.btype == "maven").await?;
    }
    store::get(&call.db, id).await
}

/// Moves an upload into a build's directory; in a Maven repository, checksums lie beside it.
pub async fn place(call: &mut Call, upload: &Path, folder: &Path, with_sums: bool) -> Rpc<()> {
    let place = folder.join(upload.file_name().unwrap_or_default());
    if tokio::fs::symlink_metadata(&place).await.is_ok() {
        return Err(error::generic(format!("Error importing archive file, {} already exists", place.display())));
    }
    files::take_over(call, upload, &place).await?;
    if with_sums {
        let content = place.clone();
        let sums = tokio::task::spawn_blocking(move || {
            let kinds = [ChecksumType::Md5, ChecksumType::Sha1];
            crate::rpmfile::checksums(&content, None, &kinds)
        })
        .await??;
        for (kind, sum) in sums {
            let mut beside = place.clone().into_os_string();
            beside.push(format!(".{}", kind.name()));
            let beside = PathBuf::from(beside);
            if tokio::fs::symlink_metadata(&beside).await.is_err() {
                files::write(call, &beside, sum.into_bytes()).await?;
            }
        }
    }
    Ok(())
}

/// Enters what belongs to a Maven archive; returns its directory in the repository.
async fn add_maven(call: &Call, id: i32, new: &NewArchive<'_>, filename: &str, file_type: &str) -> Rpc<PathBuf> {
    let (group, artifact, version) =
        (text(new.type_info, "group_id")?, text(new.type_info, "artifact_id")?, text(new.type_info, "version")?);
    let label = format!("{group}-{artifact}-{version}");
    if let (Content::Upload { path, .. }, "pom") = (&new.content, file_type) {
        let told = pom::read(path).await?;
        let told = format!("{}-{}-{}", text(&told, "group_id")?, text(&told, "artifact_id")?, text(&told, "version")?);
        if told != label {
            return Err(error::build(format!("the project in {filename} is {told}, not {label}")));
        }
        if filename != format!("{artifact}-{version}.pom") {
            return Err(error::build(format!("Maven info ({label}) is not consistent with pom filename ({filename})")));
        }
    }
    let folder = paths::maven_dir(&group, &artifact, &version)?;
    Insert::into("maven_archives")
        .set("archive_id", id)
        .set("group_id", group)
        .set("artifact_id", artifact)
        .set("version", version)
        .run(&call.db)
        .await?;
    Ok(folder)
}

/// Enters what belongs to a Windows archive; returns its directory in the build.
async fn add_win(call: &Call, id: i32, info: &Struct) -> Rpc<PathBuf> {
    let relpath = text(info, "relpath")?.trim_matches('/').to_string();
    let list = |name: &str| -> Rpc<Vec<String>> {
        match info.get(name) {
            Some(value) if !value.is_true() => Ok(vec![]),
            Some(value) => Vec::from_arg(value.clone(), name),
            None => Err(error::param(format!("typeInfo has no {name}"))),
        }
    };
    let (platforms, flags) = (list("platforms")?, list("flags")?);
    if platforms.is_empty() {
        return Err(error::build("no value for platforms"));
    }
    let folder = store::inner(&relpath)?;
    Insert::into("win_archives")
        .set("archive_id", id)
        .set("relpath", relpath)
        .set("platforms", platforms.join(" "))
        .set("flags", if flags.is_empty() { None } else { Some(flags.join(" ")) })
        .run(&call.db)
        .await?;
    Ok(folder)
}

fn text(info: &Struct, name: &str) -> Rpc<String> {
    match info.get(name) {
        Some(value) => String::from_arg(value.clone(), name),
        None => Err(error::param(format!("typeInfo has no {name}"))),
    }
}

fn no_such(path: &Path) -> Error {
    error::generic(format!("No such file: {}", path.display()))
}

async fn sha256(path: &Path) -> Rpc<String> {
    let owned = path.to_path_buf();
    let sum = tokio::task::spawn_blocking(move || {
        let mut sum = Sha256::new();
        std::io::copy(&mut std::fs::File::open(&owned)?, &mut sum)?;
        Ok(hex::encode(sum.finalize()))
    });
    sum.await?.map_err(Error::io(format!("cannot read {}", path.display())))
}
