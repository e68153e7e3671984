//! Archives by what is known of them.

use regex::{Regex, RegexBuilder};
use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, ValueExt};

use super::store;
use crate::db::{Db, Param, QueryOpts, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId};

/// How large a compiled expression may get, in bytes.
const LARGEST: usize = 1 << 20;
/// How many expressions one call may ask for.
const MANY: usize = 100;

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
            let mut words = Vec::new();
            for column in ["platforms", "flags"] {
                let given = match info.get(column) {
                    None => vec![],
                    Some(Value::Array(given)) => Vec::<String>::from_arg(Value::Array(given.clone()), column)?,
                    Some(word) => vec![String::from_arg(word.clone(), column)?],
                };
                for word in given {
                    words.push((column, whole_word(&word)?));
                }
            }
            if words.len() > MANY {
                return Err(error::param(format!("typeInfo has more than {MANY} words")));
            }
            if !words.is_empty() {
                let found = with_words(&call.db, words).await?;
                select = select.is_in(&call.db, "archiveinfo.id", &found);
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

/// An expression for a word, or several; matched here, so that both databases understand the same by it.
fn whole_word(word: &str) -> Rpc<Regex> {
    RegexBuilder::new(&format!(r"\b{{start}}{word}\b{{end}}"))
        .size_limit(LARGEST)
        .build()
        .map_err(|e| error::generic(format!("{word} is no regular expression: {e}")))
}

/// The Windows archives in whose columns all of the words are.
async fn with_words(db: &Db, words: Vec<(&'static str, Regex)>) -> Rpc<Vec<i32>> {
    let rows = Select::from("win_archives")
        .columns(&[("archive_id", "archive_id"), ("platforms", "platforms"), ("flags", "flags")])
        .all(db)
        .await?;
    let matching = tokio::task::spawn_blocking(move || {
        let fits = |row: &&Row| words.iter().all(|(column, word)| word.is_match(row.text(column)));
        rows.iter().filter(fits).map(|row| row.int("archive_id")).collect::<Rpc<Vec<i32>>>()
    });
    matching.await?
}

#[cfg(test)]
mod tests {
    use super::whole_word;

    #[test]
    fn words_are_whole() {
        let fits = |word: &str, text: &str| whole_word(word).unwrap().is_match(text);
        assert!(fits("win10", "win7 win10-x64"));
        assert!(!fits("win", "win7 win10"));
        assert!(!fits("Win7", "win7"));
        assert!(fits("win.*", "win7 win10"));
        assert!(whole_word("(").is_err());
    }
}
