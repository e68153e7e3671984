//! RPMs that buildroots got from external repositories.

use toji_hub_macros::rpc;
use toji_proto::nvr::{Nvr, Nvra};
use toji_proto::{Struct, Value, ValueExt};

use super::store::{self, RpmEntry, RpmRef};
use crate::db::{Insert, RowExt};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, NameOrId};

/// What is told of an external RPM.
#[derive(Clone, Debug)]
pub struct ExternalRpm {
    pub nvra: Nvra,
    epoch: Option<i32>,
    pub payload_hash: String,
    size: i64,
    build_time: i64,
}

impl ExternalRpm {
    /// From a struct with `name`, `version`, `release`, `epoch`, `arch`, `payloadhash`, `size` and `buildtime`;
    /// what else it has does not count. A general fault names the field that is missing or wrong.
    pub fn from_struct(info: &Struct) -> Rpc<Self> {
        let field = |name: &str| match info.get(name) {
            Some(value) => Ok(value),
            None => Err(error::generic(format!("{name} field missing: {}", Value::Struct(info.clone()).repr()))),
        };
        let wrong = |name: &str, value: &Value| error::generic(format!("Invalid value for {name}: {}", value.repr()));
        let text = |name: &str| match field(name)? {
            Value::String(text) => Ok(text.clone()),
            other => Err(wrong(name, other)),
        };
        let number = |name: &str| field(name).and_then(|value| value.as_i64().ok_or_else(|| wrong(name, value)));
        let epoch = match field("epoch")? {
            Value::Nil => None,
            Value::Integer(epoch) => Some(*epoch),
            other => return Err(wrong("epoch", other)),
        };
        let nvr = Nvr { name: text("name")?, version: text("version")?, release: text("release")?, epoch: None };
        Ok(Self {
            nvra: Nvra { nvr, arch: text("arch")?, location: None },
            epoch,
            payload_hash: text("payloadhash")?,
            size: number("size")?,
            build_time: number("buildtime")?,
        })
    }

    /// Refuses an entry of the same name that has another content.
    pub fn check_same(&self, known: &RpmEntry) -> Rpc<()> {
        let (new, old) = (&self.payload_hash, &known.payload_hash);
        if new == old {
            return Ok(());
        }
        Err(error::generic(format!("hash changed for external rpm: {} ({old} -> {new})", shown(known))))
    }

    /// Enters it; returns its id.
    pub async fn insert(self, call: &Call, repo_id: i32) -> Rpc<i32> {
        let Nvra { nvr, arch, .. } = self.nvra;
        Insert::into("rpminfo")
            .set("name", nvr.name)
            .set("version", nvr.version)
            .set("release", nvr.release)
            .set("epoch", self.epoch)
            .set("arch", arch)
            .set("payloadhash", self.payload_hash)
            .set("size", self.size)
            .set("buildtime", self.build_time)
            .set("external_repo_id", repo_id)
            .returning_id(&call.db)
            .await
    }
}

/// Enters an RPM of an external repository: a struct with `name`, `version`, `release`, `epoch`, `arch`,
/// `payloadhash`, `size` (bytes) and `buildtime` (seconds since 1970).
///
/// One that is there already is a fault with `strict`, and always if its hash differs; other differences do
/// not count.
#[rpc("addExternalRPM(rpminfo, external_repo, strict=True)", write, perm = "admin")]
pub async fn add_external_rpm(call: &mut Call, rpminfo: Struct, external_repo: NameOrId, strict: bool) -> Rpc<()> {
    let rpm = ExternalRpm::from_struct(&rpminfo)?;
    let repo = lookup::get(&call.db, Table::ExternalRepo, &external_repo).await?;
    let known = store::find(&call.db, &RpmRef::named(rpm.nvra.clone(), Some(NameOrId::Id(repo.id)))).await?;
    match known {
        Some(known) if strict => Err(error::generic(format!("external rpm already exists: {}", shown(&known)))),
        Some(known) => rpm.check_same(&known),
        None => rpm.insert(call, repo.id).await.map(drop),
    }
}

fn shown(rpm: &RpmEntry) -> String {
    format!("{}@{}", rpm.nvra, rpm.row.text("external_repo_name"))
}
