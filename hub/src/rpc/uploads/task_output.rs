//! The files that a task left in its directory.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use toji_hub_macros::rpc;
use toji_proto::{IntoValue, Record, Value};

use crate::error::{self, Error, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId};

/// The most that one call returns; a client asks for the rest with an offset.
const MAX_DOWNLOAD: u64 = 64 << 20;

/// The files that a task left, by path below its directory.
///
/// Returns a list of paths; with `stat` a struct of path to `st_atime`, `st_ctime`, `st_mtime` (seconds since
/// 1970) and `st_size` (text); with `all_volumes` a struct of path to the list of volumes, or with both to a
/// struct of volume to those values. A task that left nothing, or does not exist, gives none; with `strict` a
/// task that does not exist is a fault.
#[rpc("listTaskOutput(taskID, stat=False, all_volumes=False, strict=False)", read)]
pub async fn list_task_output(
    call: &mut Call,
    task_id: Value,
    stat: bool,
    all_volumes: bool,
    strict: bool,
) -> Rpc<Value> {
    let task = integer(&task_id, "taskID")?;
    if strict && !call.db.exists("SELECT 1 FROM task WHERE id = ?", vec![task.into()]).await? {
        return Err(error::generic(format!("there is no task {task}")));
    }
    let volumes = if all_volumes {
        call.db.values::<String>("SELECT name FROM volume ORDER BY id", vec![]).await?
    } else {
        vec![toji_proto::states::DEFAULT_VOLUME.to_string()]
    };
    let mut found: BTreeMap<String, BTreeMap<String, Metadata>> = BTreeMap::new();
    for volume in volumes {
        let directory = call.hub.tree.task(task, Some(&volume))?;
        let files = tokio::task::spawn_blocking(move || walk(&directory)).await??;
        for (path, about) in files {
            found.entry(path).or_default().insert(volume.clone(), about);
        }
    }
    let first = |volumes: &BTreeMap<String, Metadata>| volumes.values().next().map(stat_record);
    let answer = found.iter().map(|(path, volumes)| {
        let about = match (stat, all_volumes) {
            (true, true) => volumes
                .iter()
                .map(|(v, about)| (v.clone(), stat_record(about)))
                .collect::<BTreeMap<_, _>>()
                .into_value(),
            (true, false) => first(volumes).into_value(),
            (false, _) => volumes.keys().cloned().collect::<Vec<_>>().into_value(),
        };
        (path.clone(), about)
    });
    if stat || all_volumes {
        Ok(Value::Struct(answer.collect()))
    } else {
        Ok(found.into_keys().collect::<Vec<_>>().into_value())
    }
}

fn stat_record(about: &Metadata) -> Record {
    let seconds = |whole: i64, nanos: i64| whole as f64 + nanos as f64 / 1e9;
    Record::new()
        .set("st_atime", seconds(about.atime(), about.atime_nsec()))
        .set("st_ctime", seconds(about.ctime(), about.ctime_nsec()))
        .set("st_mtime", seconds(about.mtime(), about.mtime_nsec()))
        .set("st_size", about.len().to_string())
}

/// All files below a directory, by relative path; none if it is not there.
fn walk(top: &Path) -> Rpc<Vec<(String, Metadata)>> {
    let mut found = Vec::new();
    let mut open = vec![top.to_path_buf()];
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            // Links are followed for their size, as imports leave them, but no directory is entered by one.
            match (entry.file_type(), path.metadata()) {
                (Ok(kind), _) if kind.is_dir() => open.push(path),
                (Ok(_), Ok(about)) if about.is_file() => {
                    let name = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
                    found.push((name, about));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

/// Part of a file that a task left, in base64.
///
/// `offset` is in bytes, from the end if negative; `size` −1 means all the rest (up to 64 MiB a call).
/// Faults: a name that leads elsewhere, a file that is not there.
#[rpc("downloadTaskOutput(taskID, fileName, offset=0, size=-1, volume=None)", read)]
pub async fn download_task_output(
    call: &mut Call,
    task_id: Value,
    file_name: String,
    offset: Value,
    size: i64,
    volume: Option<String>,
) -> Rpc<String> {
    let task = integer(&task_id, "taskID")?;
    let offset = match &offset {
        Value::Nil => 0,
        Value::String(_) => i64::from_arg(offset, "offset")?,
        number => integer(number, "offset")?,
    };
    if let Some(volume) = &volume {
        lookup::get(&call.db, Table::Volume, &NameOrId::Name(volume.clone())).await?;
    }
    let missing = || error::generic(format!("no file \"{file_name}\" output by task {task}"));
    if file_name.contains("..") || file_name.starts_with('/') || file_name.contains('\0') {
        return Err(error::generic(format!("Invalid file name: {file_name}")));
    }
    let path = call.hub.tree.task(task, volume.as_deref())?.join(&file_name);
    if !path.is_file() {
        return Err(missing());
    }
    let part = tokio::task::spawn_blocking(move || read_part(&path, offset, size)).await?;
    Ok(STANDARD.encode(part.map_err(Error::io(format!("cannot read {file_name} of task {task}")))?))
}

fn read_part(path: &Path, offset: i64, size: i64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(if offset < 0 { SeekFrom::End(offset) } else { SeekFrom::Start(offset.unsigned_abs()) })?;
    let mut part = Vec::new();
    file.take(u64::try_from(size).unwrap_or(u64::MAX).min(MAX_DOWNLOAD)).read_to_end(&mut part)?;
    Ok(part)
}

/// A number that is one; text is not taken for it here.
fn integer(value: &Value, name: &str) -> Rpc<i64> {
    match value {
        Value::Integer(n) => Ok((*n).into()),
        Value::Long(n) => Ok(*n),
        _ => Err(error::param(format!("{name} must be an integer"))),
    }
}
