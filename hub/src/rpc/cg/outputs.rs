//! The files that a generator hands in.

use std::path::PathBuf;

use toji_proto::states::ChecksumType;
use toji_proto::{Struct, Value, ValueExt, paths};

use super::components::{self, Components, checksum_type};
use super::metadata::{LEGACY_TYPES, Metadata, need, text};
use crate::error::{self, Error, Rpc};
use crate::rpc::{Call, FromArg};
use crate::rpmfile;

/// A file that was verified.
pub struct Output {
    pub path: PathBuf,
    pub filename: String,
    pub size: i64,
    pub sum: (ChecksumType, String),
    /// How the metadata refer to its buildroot, as text.
    pub buildroot: String,
    pub metadata_only: bool,
    pub subdir: Option<String>,
    pub extra: Option<Value>,
    pub kind: Kind,
}

/// What a file becomes.
pub enum Kind {
    Rpm,
    Log,
    Archive { btype: String, info: Struct, components: Components },
}

impl Output {
    /// Checks a file's size and checksum, and what is told of it; `types` are its build's.
    pub async fn read(
        call: &Call,
        metadata: &Metadata,
        told: Struct,
        types: &Struct,
        log: &mut Vec<String>,
    ) -> Rpc<Self> {
        let optional = |key: &str| told.get(key).cloned().unwrap_or(Value::Nil);
        let given =
            |key: &str| Ok::<_, Error>(Option::<String>::from_arg(optional(key), key)?.filter(|t| !t.is_empty()));
        let filename = text(&told, "filename")?;
        let mut path = metadata.uploads.clone();
        if let Some(below) = given("relpath")? {
            path.push(paths::relative(&below)?);
        }
        path.push(paths::relative(&filename)?);
        let size = verified_size(&told, &filename, &path).await?;
        let sum = verified_sum(&told, &filename, &path).await?;
        let kind = match text(&told, "type")?.as_str() {
            "rpm" if given("subdir")?.is_some() => {
                return Err(error::generic("subdir field not allowed for rpm outputs"));
            }
            "rpm" => Kind::Rpm,
            "log" => Kind::Log,
            _ => archive(call, &told, &filename, types, log).await?,
        };
        Ok(Self {
            buildroot: need(&told, "buildroot_id")?.repr().to_string(),
            metadata_only: optional("metadata_only").is_true(),
            subdir: given("subdir")?,
            extra: Some(optional("extra")).filter(|extra| !extra.is_nil()),
            path,
            filename,
            size,
            sum,
            kind,
        })
    }
}

async fn verified_size(told: &Struct, filename: &str, path: &std::path::Path) -> Rpc<i64> {
    let expected = i64::from_arg(need(told, "filesize")?.clone(), "filesize")?;
    let found = tokio::fs::metadata(path).await.map_err(Error::io(format!("cannot read {filename}")))?.len();
    if i64::try_from(found).is_ok_and(|found| found == expected) {
        return Ok(expected);
    }
    let text = format!("File size {found} for {filename} (expected {expected}) doesn't match. Corrupted upload?");
    Err(error::generic(text))
}

async fn verified_sum(told: &Struct, filename: &str, path: &std::path::Path) -> Rpc<(ChecksumType, String)> {
    let kind = checksum_type(told)?;
    let expected = text(told, "checksum")?;
    let path = path.to_path_buf();
    let sums = tokio::task::spawn_blocking(move || rpmfile::checksums(&path, None, &[kind])).await??;
    let found = sums.into_iter().next().map(|(_, sum)| sum).unwrap_or_default();
    if found == expected {
        return Ok((kind, expected));
    }
    Err(error::generic(format!("File checksum mismatch for {filename}: {expected} != {found}")))
}

/// The one build type that an archive belongs to, and its components.
async fn archive(call: &Call, told: &Struct, filename: &str, types: &Struct, log: &mut Vec<String>) -> Rpc<Kind> {
    let extra = match told.get("extra") {
        Some(extra) => Struct::from_arg(extra.clone(), "extra")?,
        None => Struct::new(),
    };
    let newer = match extra.get("typeinfo") {
        Some(types) => Struct::from_arg(types.clone(), "typeinfo")?,
        None => Struct::new(),
    };
    let legacy = LEGACY_TYPES.iter().filter_map(|name| Some((name.to_string(), extra.get(*name)?.clone())));
    let mut named: Vec<(String, Value, bool)> = legacy.map(|(name, info)| (name, info, true)).collect();
    named.extend(newer.into_iter().map(|(name, info)| (name, info, false)));
    if named.len() > 1 {
        return Err(error::generic(format!("Output file has multiple types: {filename}")));
    }
    let (btype, info, is_legacy) = named.pop().ok_or_else(|| error::generic(format!("No typeinfo for: {filename}")))?;
    if is_legacy && told.get("subdir").is_some_and(ValueExt::is_true) {
        return Err(error::generic("subdir field not allowed for legacy btypes"));
    }
    if !types.contains_key(&btype) {
        return Err(error::generic(format!("Output type {btype} of {filename} not listed in build types")));
    }
    let components = match told.get("components") {
        Some(_) if matches!(btype.as_str(), "maven" | "win") => {
            return Err(error::generic(format!("Component list not allowed for archives of type {btype}")));
        }
        Some(list) => components::find(call, Vec::from_arg(list.clone(), "components")?, log).await?,
        None => Components::default(),
    };
    let info = match info {
        Value::Struct(info) => info,
        _ => Struct::new(),
    };
    Ok(Kind::Archive { btype, info, components })
}
