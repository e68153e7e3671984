//! What can be changed of a finished build.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::store::{self, BuildRef};
use crate::db::Update;
use crate::error::{self, Rpc};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, times};

/// Gives a build to another user: an id, a name or principal, or a struct with one of them.
#[rpc("setBuildOwner(build, user)", write, perm = "admin")]
pub async fn set_build_owner(call: &mut Call, build: BuildRef, user: UserRef) -> Rpc<()> {
    let build = store::get(&call.db, &build).await?;
    let owner = users::get(call, &user).await?.id;
    Update::table("build").set("owner", owner).clause("id = ?", [build.id.into()]).run(&call.db).await?;
    Ok(())
}

/// Sets a build's completion time: seconds since 1970, or an XML-RPC date (UTC).
///
/// Faults: any other type (text too); a build that is not complete has no completion time.
#[rpc("setBuildTimestamp(build, ts)", write, perm = "admin")]
pub async fn set_build_timestamp(call: &mut Call, build: BuildRef, ts: Value) -> Rpc<()> {
    let build = store::get(&call.db, &build).await?;
    let invalid = || error::generic(format!("Invalid type for timestamp: {}", ts.repr()));
    let time = match &ts {
        Value::DateTime(date) => from_date(&date.to_string()).ok_or_else(invalid)?,
        Value::Integer(_) | Value::Long(_) | Value::Double(_) => {
            ts.as_f64().and_then(times::from_seconds).ok_or_else(invalid)?
        }
        _ => return Err(invalid()),
    };
    Update::table("build").set("completion_time", time).clause("id = ?", [build.id.into()]).run(&call.db).await?;
    Ok(())
}

/// `20260131T12:00:00`
fn from_date(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    let (date, time) = text.split_once('T')?;
    let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S").ok()?;
    Some(NaiveDateTime::new(date, time).and_utc())
}
