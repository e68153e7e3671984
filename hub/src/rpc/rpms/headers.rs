//! Header fields of RPMs, imported or among a task's results.

use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, ValueExt};

use super::file;
use super::store::RpmRef;
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg};
use crate::rpmfile::{RpmFile, tags};

/// Header fields of an RPM (`rpmID` as for `getRPM`), or of a file among a task's uploads: a struct by the names
/// as given, in any case; all fields that the package has if no names are given.
///
/// A field that the package lacks is nil, or an empty list. An RPM that does not exist, is external, or has no
/// file (any more) has an empty struct; with `strict` that is a fault. Faults (1000): neither RPM nor task and
/// path; a path that leads elsewhere; a field that there is not.
#[rpc("getRPMHeaders(rpmID=None, taskID=None, filepath=None, headers=None, strict=False)", read)]
pub async fn get_rpm_headers(
    call: &mut Call,
    rpm: Value,
    task_id: Option<i32>,
    filepath: Option<String>,
    headers: Value,
    strict: bool,
) -> Rpc<Struct> {
    let found = match task_id.filter(|id| *id != 0) {
        _ if rpm.is_true() => {
            let rpm = RpmRef::from_arg(rpm, "rpmID")?;
            file::of_rpm(call, &rpm, strict).await?.map(|(_, file)| file)
        }
        Some(task_id) => of_task(call, task_id, filepath, strict).await?,
        None => return Err(error::generic("either rpmID or taskID and filepath must be specified")),
    };
    let Some(file) = found else { return Ok(Struct::new()) };
    let names = match headers {
        Value::Nil => return Ok(tags::stored(&file)),
        Value::Array(names) => names,
        other => return Err(error::generic(format!("headers is no list of names: {}", other.repr()))),
    };
    let field = |name: Value| {
        let name = String::from_arg(name, "headers")?;
        match tags::field(&file, &name) {
            Some(value) => Ok((name, value)),
            None => Err(error::generic(format!("No such rpm header field: {name}"))),
        }
    };
    names.into_iter().map(field).collect()
}

/// A file among a task's uploads. Nothing if it is missing; a fault with `strict`.
pub async fn of_task(call: &Call, task_id: i32, filepath: Option<String>, strict: bool) -> Rpc<Option<RpmFile>> {
    let filepath = filepath.filter(|path| !path.is_empty());
    let filepath = filepath.ok_or_else(|| error::generic("filepath must be specified with taskID"))?;
    let path = file::of_task(call, task_id, &filepath)?;
    if tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return RpmFile::open(&path).await.map(Some);
    }
    if strict { Err(error::generic(format!("Missing rpm file: {filepath}"))) } else { Ok(None) }
}
