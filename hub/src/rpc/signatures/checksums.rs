//! Checksums of signed copies.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::states::ChecksumType;
use toji_proto::{Struct, Value, ValueExt};

use super::{store, write};
use crate::db::RowExt;
use crate::error::{self, Rpc};
use crate::rpc::Call;
use crate::rpc::builds::store as builds;
use crate::rpc::rpms::store::{self as rpms, RpmRef};

/// The checksums of an RPM (by id) with each key's signature: a struct by key of structs by kind.
///
/// Those that are not known yet are computed and kept, or with `cacheonly` nil. Without `checksum_types` the
/// kinds are those of the option RPMDefaultChecksums. Faults (1000): no such RPM; an unknown kind.
#[rpc("getRPMChecksums(rpm_id, checksum_types=None, cacheonly=False)", write)]
pub async fn get_rpm_checksums(call: &mut Call, rpm_id: Value, checksum_types: Value, cacheonly: bool) -> Rpc<Value> {
    let Value::Integer(rpm_id) = rpm_id else {
        return Err(error::generic(format!("rpm_id must be an integer, not {}", rpm_id.repr())));
    };
    let rpm = rpms::get(&call.db, &RpmRef::from(rpm_id)).await?;
    let kinds = match &checksum_types {
        Value::Array(names) if !names.is_empty() => {
            names.iter().map(|name| kind(name.as_str().unwrap_or_default())).collect::<Rpc<Vec<_>>>()?
        }
        none if !none.is_true() => default_kinds(call)?,
        other => return Err(error::generic(format!("checksum_types must be a list, not {}", other.repr()))),
    };
    let keys: Vec<String> =
        call.db.values("SELECT sigkey FROM rpmsigs WHERE rpm_id = ? ORDER BY sigkey", vec![rpm_id.into()]).await?;
    let mut known: BTreeMap<(String, ChecksumType), String> = BTreeMap::new();
    for row in store::checksums(&call.db, rpm_id).await? {
        if let Some(kind) = ChecksumType::from_code(row.int("checksum_type")?) {
            known.insert((row.text("sigkey").into(), kind), row.text("checksum").into());
        }
    }
    let mut build = None;
    for key in keys.iter().filter(|_| !cacheonly) {
        let missing: Vec<_> = kinds.iter().copied().filter(|kind| !known.contains_key(&(key.clone(), *kind))).collect();
        let Some(build_id) = rpm.build_id.filter(|_| !missing.is_empty()) else { continue };
        if build.is_none() {
            build = Some(builds::get(&call.db, &build_id.into()).await?);
        }
        if let Some(build) = &build {
            let sums = write::sums_of_copy(call, &rpm, build, key, missing).await?;
            known.extend(sums.iter().map(|(kind, sum)| ((key.clone(), *kind), sum.clone())));
            store::keep_checksums(call, rpm_id, key, sums).await?;
        }
    }
    let of_key = |key: &String| -> Struct {
        let sum = |kind: &ChecksumType| known.get(&(key.clone(), *kind)).cloned().map_or(Value::Nil, Value::String);
        kinds.iter().map(|kind| (kind.name().to_string(), sum(kind))).collect()
    };
    Ok(Value::Struct(keys.iter().map(|key| (key.clone(), Value::Struct(of_key(key)))).collect()))
}

/// The kinds that are kept for every signed copy.
pub fn default_kinds(call: &Call) -> Rpc<Vec<ChecksumType>> {
    call.hub.options.rpm_default_checksums.split_whitespace().map(kind).collect()
}

fn kind(name: &str) -> Rpc<ChecksumType> {
    ChecksumType::from_name(name).ok_or_else(|| error::generic(format!("Checksum_type {name} isn't supported")))
}
