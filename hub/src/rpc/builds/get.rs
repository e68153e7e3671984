//! One build.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::store::{self, BuildRef};
use crate::rpc::{Call, Rpc};

/// A build by id, `name-version-release` or a struct with these three (an epoch does not count).
///
/// A struct with `id` (also as `build_id`), `name` (also as `package_name`), `package_id`, `version`,
/// `release`, `epoch`, `nvr`, `draft`, `state`, `task_id`, `owner_id`, `owner_name`, `volume_id`,
/// `volume_name`, `cg_id`, `cg_name`, `source`, `extra`, `creation_event_id`, `promoter_id`,
/// `promoter_name` and the times `creation`, `start`, `completion` and `promotion`, each as `…_time` (text)
/// and `…_ts` (seconds since 1970). Nothing if there is no such build; a fault with `strict`. What cannot
/// name a build is always a fault.
#[rpc("getBuild(buildInfo, strict=False)", read)]
pub async fn get_build(call: &mut Call, build: BuildRef, strict: bool) -> Rpc<Value> {
    match store::find(&call.db, &build).await? {
        Some(build) => Ok(Value::Struct(build.row)),
        None if strict => Err(store::no_such(&build)),
        None => Ok(Value::Nil),
    }
}

/// A build's id. An id is returned as it is, whether or not there is such a build.
#[rpc("findBuildID(X, strict=False)", read)]
pub async fn find_build_id(call: &mut Call, build: BuildRef, strict: bool) -> Rpc<Value> {
    if let BuildRef::Id(id) = build {
        return Ok(toji_proto::value::int(id));
    }
    match store::find_id(&call.db, &build).await? {
        Some(id) => Ok(Value::Integer(id)),
        None if strict => Err(store::no_such(&build)),
        None => Ok(Value::Nil),
    }
}
