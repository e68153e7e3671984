//! One RPM.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::store::{self, RpmRef};
use crate::rpc::{Call, Rpc};

/// An RPM by id, `name-version-release.arch` (with or without `.rpm`, and `@repository` if it is external), or
/// a struct with `id`, or with `name`, `version`, `release`, `arch` and perhaps `location`.
///
/// A struct with `id`, `name`, `version`, `release`, `epoch`, `arch`, `draft`, `build_id`, `buildroot_id`,
/// `external_repo_id`, `external_repo_name`, `payloadhash`, `size` (bytes), `buildtime` (seconds since 1970),
/// `metadata_only` and `extra`. Of several, one of ours comes before the newest draft, which comes before the
/// newest external one; `multi` returns the list of all. Nothing found is nil, or a fault with `strict`; with
/// `multi` it is an empty list.
#[rpc("getRPM(rpminfo, strict=False, multi=False)", read)]
pub async fn get_rpm(call: &mut Call, rpminfo: RpmRef, strict: bool, multi: bool) -> Rpc<Value> {
    if multi {
        let all = store::find_all(&call.db, &rpminfo).await?;
        return Ok(Value::Array(all.into_iter().map(|rpm| Value::Struct(rpm.row)).collect()));
    }
    match store::find(&call.db, &rpminfo).await? {
        Some(rpm) => Ok(Value::Struct(rpm.row)),
        None if strict => Err(store::no_such(&rpminfo)),
        None => Ok(Value::Nil),
    }
}
