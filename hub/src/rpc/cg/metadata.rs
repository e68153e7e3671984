//! What a generator tells of a build: version 0 of the content generator metadata.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use toji_proto::json::{from_json_text, to_json};
use toji_proto::nvr::Nvr;
use toji_proto::{Struct, Value, ValueExt, paths};

use crate::error::{self, Error, Rpc};
use crate::rpc::{Call, FromArg, times};

/// No metadata need to be larger.
const MAX_SIZE: u64 = 256 << 20;

/// Build types that older metadata have at the top of `extra`.
pub const LEGACY_TYPES: [&str; 3] = ["maven", "win", "image"];

/// Metadata, as a whole and as text.
pub struct Metadata {
    pub all: Struct,
    /// As it is kept beside the build.
    pub raw: String,
    /// The directory of the uploads.
    pub uploads: PathBuf,
}

impl Metadata {
    /// From a struct, from JSON text, or from a file among the uploads (its name ends with `.json`, or is nil).
    pub async fn read(call: &Call, given: Value, directory: &str) -> Rpc<Self> {
        let folder = || Ok::<_, Error>(call.hub.tree.work(None)?.join(paths::relative(directory)?));
        let text = match given {
            Value::Struct(all) => {
                let raw = serde_json::to_string_pretty(&to_json(&Value::Struct(all.clone())));
                let raw = raw.map_err(|e| error::generic(format!("Invalid metadata, cannot encode: {e}")))?;
                return Ok(Self { all, raw, uploads: folder()? });
            }
            Value::Nil => read_file(folder()?, "metadata.json").await?,
            Value::String(name) if name.ends_with(".json") => read_file(folder()?, &name).await?,
            Value::String(text) => text,
            other => return Err(error::param(format!("metadata is neither text nor a struct: {}", other.repr()))),
        };
        let shown: String = text.chars().take(80).collect();
        match from_json_text(&text) {
            Ok(Value::Struct(all)) => Ok(Self { all, raw: text, uploads: folder()? }),
            Ok(_) => Err(error::param(format!("metadata is no struct: {shown}"))),
            Err(e) => Err(error::generic(format!("cannot parse metadata: {e}: {shown}"))),
        }
    }

    /// A list of structs.
    pub fn list(&self, key: &str) -> Rpc<Vec<Struct>> {
        Vec::from_arg(need(&self.all, key)?.clone(), key)
    }
}

async fn read_file(folder: PathBuf, name: &str) -> Rpc<String> {
    let path = folder.join(paths::relative(name)?);
    let missing = || error::generic(format!("No such file: {name}"));
    let found = tokio::fs::metadata(&path).await.map_err(|_| missing())?;
    if !found.is_file() || found.len() > MAX_SIZE {
        return Err(error::generic(format!("{name} cannot be metadata")));
    }
    tokio::fs::read_to_string(&path).await.map_err(Error::io(format!("cannot read {name}")))
}

/// The build that is told of.
pub struct Told {
    /// A draft's target.
    pub nvr: Nvr,
    pub epoch: Option<i32>,
    /// Whether the epoch was told at all.
    pub epoch_told: bool,
    pub draft: bool,
    /// With `typeinfo`, into which older metadata's types were moved.
    pub extra: Struct,
    pub source: Option<String>,
    pub owner: Option<String>,
    pub task_id: Option<i32>,
    /// The reserved build, if it is one.
    pub build_id: Option<i32>,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
}

impl Told {
    pub fn read(metadata: &Metadata) -> Rpc<Self> {
        let build = Struct::from_arg(need(&metadata.all, "build")?.clone(), "build")?;
        let nvr = Nvr {
            name: text(&build, "name")?,
            version: text(&build, "version")?,
            release: text(&build, "release")?,
            epoch: None,
        };
        let optional = |key: &str| build.get(key).cloned().unwrap_or(Value::Nil);
        let mut extra = Struct::from_arg(need(&build, "extra")?.clone(), "extra")?;
        let task_id = task_id(&optional("task_id"), &extra)?;
        let types = typeinfo(&extra)?;
        extra.insert("typeinfo".into(), Value::Struct(types));
        let owner = match optional("owner") {
            unset if !unset.is_true() => None,
            Value::String(name) => Some(name),
            other => return Err(error::generic(format!("owner is no user's name: {}", other.repr()))),
        };
        let told = Self {
            epoch: Option::<i32>::from_arg(optional("epoch"), "epoch")?,
            epoch_told: build.contains_key("epoch"),
            draft: optional("draft").is_true(),
            extra,
            source: Option::<String>::from_arg(need(&build, "source")?.clone(), "source")?,
            owner,
            task_id,
            build_id: Option::<i32>::from_arg(optional("build_id"), "build_id")?.filter(|id| *id != 0),
            start_time: time(&build, "start_time")?,
            end_time: time(&build, "end_time")?,
            nvr,
        };
        told.nvr.check().map_err(|e| error::generic(e.to_string()))?;
        Ok(told)
    }

    /// The build's types, with what is known of it as each.
    pub fn types(&self) -> Struct {
        match self.extra.get("typeinfo") {
            Some(Value::Struct(types)) => types.clone(),
            _ => Struct::new(),
        }
    }
}

fn typeinfo(extra: &Struct) -> Rpc<Struct> {
    let mut types = match extra.get("typeinfo") {
        Some(types) => Struct::from_arg(types.clone(), "typeinfo")?,
        None => Struct::new(),
    };
    for legacy in LEGACY_TYPES {
        if let Some(info) = extra.get(legacy) {
            if types.contains_key(legacy) {
                return Err(error::generic(format!("Duplicate typeinfo for {legacy}")));
            }
            types.insert(legacy.into(), info.clone());
        }
    }
    Ok(types)
}

/// The task may be told in two places, which must agree.
fn task_id(told: &Value, extra: &Struct) -> Rpc<Option<i32>> {
    let told = Option::<i32>::from_arg(told.clone(), "task_id")?;
    let Some(container) = extra.get("container_koji_task_id") else { return Ok(told) };
    let container = i32::from_arg(container.clone(), "container_koji_task_id")?;
    match told {
        Some(told) if told != container => {
            Err(error::generic(format!("task_id {told} and container_koji_task_id {container} differ")))
        }
        _ => Ok(Some(container)),
    }
}

fn time(build: &Struct, key: &str) -> Rpc<DateTime<Utc>> {
    let seconds = f64::from_arg(need(build, key)?.clone(), key)?;
    times::from_seconds(seconds).ok_or_else(|| error::param(format!("{key} is no time: {seconds}")))
}

/// A member that must be there; a general fault names one that is not.
pub fn need<'a>(part: &'a Struct, key: &str) -> Rpc<&'a Value> {
    part.get(key).ok_or_else(|| error::generic(format!("the metadata has no {key} where it is needed")))
}

/// A text that must be there.
pub fn text(part: &Struct, key: &str) -> Rpc<String> {
    String::from_arg(need(part, key)?.clone(), key)
}
