//! Archives by what is known of them.

use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, ValueExt};

use super::store;
use crate::db::{Param, QueryOpts, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId};

/// The archives for which all of what is given holds, as structs like `getArchive`'s.
///
/// They belong to a build; were built in a buildroot, or on a host (adds `host_id`); are used by a buildroot
/// (`componentBuildrootID`, adds `component_buildroot_id` and `project`); are part of an image (an archive's id).
/// `type` is a build type; `maven`, `win` and `image` add their columns and look at `typeInfo`: `group_id`,
/// `artifact_id`, `version`; `relpath`, `platforms`, `flags` (whole words, one or a list); `arch`. Faults
/// (1000): an unknown type, `typeInfo` for other types; with `strict`, that there are none.
#[rpc(
    "listArchives(buildID=None, buildrootID=None, componentBuildrootID=None, hostID=None, type=None, filename=None, size=None, checksum=None, checksum_type=None, typeInfo=None, queryOpts=None, imageID=None, archiveID=None, strict=False)",
    read
)]
pub async fn list_archives(
    call: &mut Call,
    build: Option<i32>,
    buildroot: Option<i32>,
    component_of: Option<i32>,
    host: Option<i32>,
    kind: Option<String>,
    filename: Option<String>,
    size: Option<i64>,
    checksum: Option<String>,
    checksum_type: Option<i32>,
    type_info: Option<Struct>,
    opts: Option<QueryOpts>,
    image: Option<i32>,
    archive: Option<i32>,
    strict: bool,
) -> Rpc<Value> {
    let mut select = store::select()
        .clause_if("archiveinfo.build_id = ?", build)
        .clause_if("archiveinfo.buildroot_id = ?", buildroot)
        .clause_if("archiveinfo.filename = ?", filename)
        .clause_if("archiveinfo.size = ?", size)
        .clause_if("archiveinfo.checksum = ?", checksum)
        .clause_if("archiveinfo.checksum_type = ?", checksum_type)
        .clause_if("archiveinfo.id = ?", archive);
    if let Some(id) = component_of {
        select = select
            .join("buildroot_archives ON buildroot_archives.archive_id = archiveinfo.id")
            .columns(&[
                ("buildroot_archives.buildroot_id", "component_buildroot_id"),
                ("buildroot_archives.project_dep", "project"),
            ])
            .clause("buildroot_archives.buildroot_id = ?", [id.into()]);
    }
    if let Some(id) = image {
        select = select
            .join("archive_components ON archive_components.component_id = archiveinfo.id")
            .clause("archive_components.archive_id = ?", [id.into()]);
    }
    if let Some(id) = host {
        select = select
            .join("standard_buildroot ON standard_buildroot.buildroot_id = archiveinfo.buildroot_id")
            .column("standard_buildroot.host_id", "host_id")
            .clause("standard_buildroot.host_id = ?", [id.into()]);
    }
    if let Some(kind) = kind {
        select = of_type(call, select, &kind, &type_info.unwrap_or_default()).await?;
    }
    let answer = select.opts(opts).answer(&call.db).await?;
    if strict && !answer.is_true() {
        return Err(error::generic("No archives found."));
    }
    Ok(answer)
}

/// The archives of one build type that fit `typeInfo`.
pub async fn of_type(call: &Call, select: Select, kind: &str, info: &Struct) -> Rpc<Select> {
    let equal = |mut select: Select, columns: &[&str], table: &str| -> Rpc<Select> {
        for column in columns {
            if let Some(value) = info.get(*column) {
                let value: Param = Option::<String>::from_arg(value.clone(), column)?.into();
                select = select.clause(&format!("{table}.{column} = ?"), [value]);
            }
        }
        Ok(select)
    };
    match kind {
        "maven" => {
            let select = select.join("maven_archives ON maven_archives.archive_id = archiveinfo.id").columns(&[
                ("maven_archives.group_id", "group_id"),
                ("maven_archives.artifact_id", "artifact_id"),
                ("maven_archives.version", "version"),
            ]);
            equal(select, &["group_id", "artifact_id", "version"], "maven_archives")
        }
        "win" => {
            let select = select.join("win_archives ON win_archives.archive_id = archiveinfo.id").columns(&[
                ("win_archives.relpath", "relpath"),
                ("win_archives.platforms", "platforms"),
                ("win_archives.flags", "flags"),
            ]);
            let mut select = equal(select, &["relpath"], "win_archives")?;
            for column in ["platforms", "flags"] {
                let words = match info.get(column) {
                    None => vec![],
                    Some(Value::Array(words)) => Vec::<String>::from_arg(Value::Array(words.clone()), column)?,
                    Some(word) => vec![String::from_arg(word.clone(), column)?],
                };
                for word in words {
                    let (clause, params) = has_word(&format!("win_archives.{column}"), &word);
                    select = select.clause(&clause, params);
                }
            }
            Ok(select)
        }
        "image" => {
            let select = select
                .join("image_archives ON image_archives.archive_id = archiveinfo.id")
                .column("image_archives.arch", "arch");
            if info.get("arch").is_some_and(ValueExt::is_true) {
                return equal(select, &["arch"], "image_archives");
            }
            Ok(select)
        }
        other => {
            let btype = lookup::find(&call.db, Table::BuildType, &NameOrId::Name(other.into())).await?;
            let btype = btype.ok_or_else(|| error::generic(format!("unsupported archive type: {other}")))?;
            if !info.is_empty() {
                return Err(error::generic(format!("typeInfo queries not supported for type {other}")));
            }
            Ok(select.clause("archiveinfo.btype_id = ?", [btype.id.into()]))
        }
    }
}

/// A word within text, where everything but letters, digits and `_` ends a word.
fn has_word(column: &str, word: &str) -> (String, Vec<Param>) {
    const ENDS: [&str; 6] = [" ", "-", ".", ",", "/", "+"];
    let mut text = format!("coalesce({column}, '')");
    for end in ENDS {
        text = format!("replace({text}, '{end}', ' ')");
    }
    let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let spaced = ENDS.iter().fold(escaped, |word, end| word.replace(end, " "));
    (format!("' ' || {text} || ' ' LIKE ? ESCAPE '\\'"), vec![format!("% {spaced} %").into()])
}
