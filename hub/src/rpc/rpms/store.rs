//! RPMs in the database: how clients name them, and the row that most methods answer with.

use std::path::PathBuf;

use toji_proto::nvr::{Nvr, Nvra};
use toji_proto::paths;
use toji_proto::{Value, ValueExt};

use crate::db::{Db, Kind, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::builds::store::Build;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId};

/// How clients name an RPM: by id (also as text), by `name-version-release.arch` with or without `.rpm` and
/// `@repository`, or by a struct with `id`, or with `name`, `version`, `release` and `arch`; and, if it is
/// external, the repository as `location`. Anything else is a general fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpmRef {
    key: Key,
    location: Option<NameOrId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    /// Too large an id names no RPM.
    Id(i64),
    Nvra(Nvra),
}

impl FromArg for RpmRef {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        let id = |id: i64| Self { key: Key::Id(id), location: None };
        match &value {
            Value::Integer(n) => Ok(id((*n).into())),
            Value::Long(n) => Ok(id(*n)),
            Value::String(text) => match text.trim().parse() {
                Ok(n) => Ok(id(n)),
                Err(_) => Self::parse(text),
            },
            Value::Struct(fields) => {
                let location =
                    fields.get("location").cloned().map(|l| NameOrId::from_arg(l, "location")).transpose()?;
                let key = match fields.get("id") {
                    Some(n) => Key::Id(i64::from_arg(n.clone(), "id")?),
                    None => Key::Nvra(nvra(&value, name)?),
                };
                Ok(Self { key, location })
            }
            other => Err(error::generic(format!("Invalid type for {name}: {} names no RPM", other.repr()))),
        }
    }
}

/// The parts of a struct; nothing matches those that are nil.
fn nvra(fields: &Value, name: &str) -> Rpc<Nvra> {
    let part = |key: &str| match fields.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Nil) => Ok(String::new()),
        Some(other) => Err(error::param(format!("Invalid type for {name}: {key} is {}", other.repr()))),
        None => Err(error::generic(format!("{name} names no RPM: {} has no {key}", fields.repr()))),
    };
    let nvr = Nvr { name: part("name")?, version: part("version")?, release: part("release")?, epoch: None };
    Ok(Nvra { nvr, arch: part("arch")?, location: None })
}

impl RpmRef {
    /// By its name as text.
    pub fn parse(text: &str) -> Rpc<Self> {
        let nvra = Nvra::parse(text).map_err(|e| error::generic(format!("Invalid rpm: {e}")))?;
        let location = nvra.location.clone().map(NameOrId::Name);
        Ok(Self { key: Key::Nvra(nvra), location })
    }

    /// By its name; `location` is the external repository that it comes from, if it is not our own.
    pub fn named(nvra: Nvra, location: Option<NameOrId>) -> Self {
        Self { key: Key::Nvra(nvra), location }
    }
}

impl From<i32> for RpmRef {
    fn from(id: i32) -> Self {
        Self { key: Key::Id(id.into()), location: None }
    }
}

impl std::fmt::Display for RpmRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.key {
            Key::Id(id) => write!(f, "{id}")?,
            Key::Nvra(nvra) => write!(f, "{nvra}")?,
        }
        match &self.location {
            Some(location) => write!(f, "@{location}"),
            None => Ok(()),
        }
    }
}

/// An RPM, with what most methods need of it at hand.
#[derive(Clone, Debug)]
pub struct RpmEntry {
    pub id: i32,
    pub nvra: Nvra,
    /// Nothing for an external one.
    pub build_id: Option<i32>,
    pub draft: bool,
    pub external_repo_id: i32,
    pub payload_hash: String,
    /// The whole row, in the shape of `getRPM`.
    pub row: Row,
}

impl RpmEntry {
    fn from_row(row: Row) -> Rpc<Self> {
        let text = |column: &str| row.text(column).to_string();
        let nvr = Nvr { name: text("name"), version: text("version"), release: text("release"), epoch: None };
        Ok(Self {
            id: row.int("id")?,
            nvra: Nvra { nvr, arch: text("arch"), location: None },
            build_id: row.opt_int("build_id"),
            draft: row.is("draft"),
            external_repo_id: row.int("external_repo_id")?,
            payload_hash: text("payloadhash"),
            row,
        })
    }

    pub fn is_external(&self) -> bool {
        self.external_repo_id != 0
    }

    /// Where its file lies.
    pub fn path(&self, call: &Call, build: &Build) -> Rpc<PathBuf> {
        Ok(call.hub.tree.build(&build.place())?.join(paths::rpm(&self.nvra)?))
    }
}

/// The columns of an RPM that `getRPM` and `listRPMs` share.
pub fn select() -> Select {
    Select::from("rpminfo")
        .join("external_repo ON external_repo.id = rpminfo.external_repo_id")
        .columns(&[
            ("rpminfo.id", "id"),
            ("rpminfo.build_id", "build_id"),
            ("rpminfo.buildroot_id", "buildroot_id"),
            ("rpminfo.name", "name"),
            ("rpminfo.version", "version"),
            ("rpminfo.release", "release"),
            ("rpminfo.epoch", "epoch"),
            ("rpminfo.arch", "arch"),
            ("rpminfo.draft", "draft"),
            ("rpminfo.external_repo_id", "external_repo_id"),
            ("external_repo.name", "external_repo_name"),
            ("rpminfo.payloadhash", "payloadhash"),
            ("rpminfo.size", "size"),
            ("rpminfo.buildtime", "buildtime"),
            ("rpminfo.metadata_only", "metadata_only"),
        ])
        .column_as("rpminfo.extra", "extra", Kind::Json)
        .order("id")
}

/// All RPMs that a name means: one of ours, drafts of it, and external ones; in the order of their ids.
pub async fn find_all(db: &Db, rpm: &RpmRef) -> Rpc<Vec<RpmEntry>> {
    let mut select = match &rpm.key {
        Key::Id(id) => match i32::try_from(*id) {
            Ok(id) => select().clause("rpminfo.id = ?", [id.into()]),
            Err(_) => return Ok(vec![]),
        },
        Key::Nvra(Nvra { nvr, arch, .. }) => select().clause(
            "rpminfo.name = ? AND rpminfo.version = ? AND rpminfo.release = ? AND rpminfo.arch = ?",
            [nvr.name.clone().into(), nvr.version.clone().into(), nvr.release.clone().into(), arch.clone().into()],
        ),
    };
    if let Some(location) = &rpm.location {
        let repo = lookup::get(db, Table::ExternalRepo, location).await?;
        select = select.clause("rpminfo.external_repo_id = ?", [repo.id.into()]);
    }
    select.all(db).await?.into_iter().map(RpmEntry::from_row).collect()
}

/// The RPM that a name means: rather one of ours than a draft, rather a draft than an external one, and of
/// several the newest.
pub async fn find(db: &Db, rpm: &RpmRef) -> Rpc<Option<RpmEntry>> {
    Ok(preferred(find_all(db, rpm).await?.iter()).cloned())
}

/// Of several RPMs of one name the one that is meant; see `find`.
pub fn preferred<'a>(all: impl Iterator<Item = &'a RpmEntry>) -> Option<&'a RpmEntry> {
    all.max_by_key(|found| (!found.is_external(), !found.draft, found.id))
}

/// All RPMs whose files would have one of these names.
pub async fn with_files(db: &Db, names: &[String]) -> Rpc<Vec<RpmEntry>> {
    if names.is_empty() {
        return Ok(vec![]);
    }
    // As the index has it.
    let file = "(rpminfo.name || '-' || rpminfo.version || '-' || rpminfo.release || '.' || rpminfo.arch || '.rpm')";
    select().is_in_strings(db, file, names).all(db).await?.into_iter().map(RpmEntry::from_row).collect()
}

/// The same; a general fault if there is none.
pub async fn get(db: &Db, rpm: &RpmRef) -> Rpc<RpmEntry> {
    find(db, rpm).await?.ok_or_else(|| no_such(rpm))
}

/// The same, with its build; external ones are refused.
pub async fn get_internal(db: &Db, rpm: &RpmRef) -> Rpc<(RpmEntry, Build)> {
    let found = get(db, rpm).await?;
    let Some(build_id) = found.build_id else {
        let repo = found.row.text("external_repo_name");
        return Err(error::generic(format!("Not an internal rpm: {rpm} (from {repo})")));
    };
    let build = crate::rpc::builds::store::get(db, &build_id.into()).await?;
    Ok((found, build))
}

/// The fault for an RPM that does not exist.
pub fn no_such(rpm: &RpmRef) -> error::Error {
    error::generic(format!("No such rpm: {rpm}"))
}
