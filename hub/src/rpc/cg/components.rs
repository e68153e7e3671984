//! What buildroots and archives of generators consist of, as far as it is known here.

use std::collections::BTreeSet;

use toji_proto::states::ChecksumType;
use toji_proto::{Struct, Value, ValueExt};

use super::metadata::{need, text};
use crate::db::RowExt;
use crate::error::{self, Rpc};
use crate::rpc::archives;
use crate::rpc::builds::store as builds;
use crate::rpc::rpms::store::{self as rpms, RpmRef};
use crate::rpc::{Call, FromArg};

/// The parts that were found.
#[derive(Clone, Debug, Default)]
pub struct Components {
    pub rpms: BTreeSet<i32>,
    pub archives: BTreeSet<i32>,
}

/// Finds components: structs with `type` `rpm`, `file` or `kojifile`.
///
/// RPMs and files that are not known here are left out, and noted in `log`. Faults (1000): other types; external
/// RPMs, drafts; a `kojifile` that is not what it is said to be.
pub async fn find(call: &Call, components: Vec<Struct>, log: &mut Vec<String>) -> Rpc<Components> {
    let mut found = Components::default();
    for component in components {
        match text(&component, "type")?.as_str() {
            "rpm" => found.rpms.extend(rpm(call, component, log).await?),
            "file" => found.archives.extend(file(call, component, log).await?),
            "kojifile" => {
                found.archives.insert(kojifile(call, component).await?);
            }
            other => return Err(error::generic(format!("No such component type: {other}"))),
        }
    }
    Ok(found)
}

async fn rpm(call: &Call, component: Struct, log: &mut Vec<String>) -> Rpc<Option<i32>> {
    if component.contains_key("location") {
        return Err(error::generic("External rpms not allowed"));
    }
    if component.contains_key("id") {
        return Err(error::generic("Unexpected 'id' field in component"));
    }
    let shown = Value::Struct(component.clone());
    let Some(found) = rpms::find(&call.db, &RpmRef::from_arg(shown.clone(), "component")?).await? else {
        log.push(format!("IGNORING unmatched rpm component: {}", shown.repr()));
        return Ok(None);
    };
    if found.draft {
        return Err(error::generic(format!("Draft rpm not supported: {}", found.nvra)));
    }
    if text(&component, "sigmd5")? != found.payload_hash {
        log.push(format!("IGNORING rpm component (md5 mismatch): {}", shown.repr()));
    }
    Ok(Some(found.id))
}

async fn file(call: &Call, component: Struct, log: &mut Vec<String>) -> Rpc<Option<i32>> {
    let size = i64::from_arg(need(&component, "filesize")?.clone(), "filesize")?;
    let kind = checksum_type(&component)?;
    let sql = "SELECT id FROM archiveinfo WHERE filename = ? AND size = ? AND checksum_type = ? AND checksum = ? \
         ORDER BY id LIMIT 1";
    let params = vec![
        text(&component, "filename")?.into(),
        size.into(),
        kind.code().into(),
        text(&component, "checksum")?.into(),
    ];
    let found = call.db.value(sql, params).await?;
    if found.is_none() {
        log.push(format!("IGNORING unmatched archive: {}", Value::Struct(component).repr()));
    }
    Ok(found)
}

/// An archive by its id, which must be what else is said of it.
async fn kojifile(call: &Call, component: Struct) -> Rpc<i32> {
    let id = i32::from_arg(need(&component, "archive_id")?.clone(), "archive_id")?;
    let archive = archives::store::get(&call.db, id).await?;
    let build = builds::get(&call.db, &archive.int("build_id")?.into()).await?;
    for key in ["nvr", "filename"] {
        if !component.contains_key(key) {
            return Err(error::generic(format!("{key} field missing for component, archive_id={id}")));
        }
    }
    let kind = archive.opt_int("checksum_type").and_then(ChecksumType::from_code).map_or("", ChecksumType::name);
    for (key, own) in [
        ("nvr", Value::String(build.nvr())),
        ("filename", archive.get("filename").cloned().unwrap_or(Value::Nil)),
        ("filesize", archive.get("size").cloned().unwrap_or(Value::Nil)),
        ("checksum", archive.get("checksum").cloned().unwrap_or(Value::Nil)),
        ("checksum_type", Value::String(kind.into())),
    ] {
        match component.get(key) {
            Some(given) if *given != own => {
                let (own, given) = (own.repr(), given.repr());
                let text = format!("Component field {key} does not match for archive_id={id}: {own} != {given}");
                return Err(error::generic(text));
            }
            _ => {}
        }
    }
    Ok(id)
}

/// The kind of a checksum; a general fault if it is none that is kept.
pub fn checksum_type(part: &Struct) -> Rpc<ChecksumType> {
    let name = text(part, "checksum_type")?;
    match ChecksumType::from_name(&name) {
        Some(kind @ (ChecksumType::Md5 | ChecksumType::Sha256)) => Ok(kind),
        _ => Err(error::generic(format!("Unsupported checksum type: {name}"))),
    }
}
