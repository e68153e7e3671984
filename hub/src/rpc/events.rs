//! Events: the points in time at which something with history changed.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::{Call, Method, times};
use crate::db::{QueryOpts, Row, Select};
use crate::error::{self, Rpc};

pub const METHODS: &[Method] = &[GET_EVENT, GET_LAST_EVENT];

fn select() -> Select {
    Select::from("events").column("id", "id").epoch("time", "ts")
}

/// An event: `id` and `ts`, its time in seconds. If there is none a fault, or nothing without `strict`.
#[rpc("getEvent(id, strict=True)", read)]
pub async fn get_event(call: &mut Call, id: i32, strict: bool) -> Rpc<Option<Row>> {
    let found = select().clause("id = ?", [id.into()]).one(&call.db).await?;
    if found.is_none() && strict { Err(error::generic(format!("No such event: {id}"))) } else { Ok(found) }
}

/// The last event of all, or the last before a time in seconds, as `getEvent` tells it. If there is none a
/// fault, or nothing without `strict`.
#[rpc("getLastEvent(before=None, strict=True)", read)]
pub async fn get_last_event(call: &mut Call, before: Value, strict: bool) -> Rpc<Option<Row>> {
    let last = QueryOpts { limit: Some(1), ..QueryOpts::default() };
    let mut select = select().order("-id").opts(last);
    if before != Value::Nil {
        let wrong = || error::generic(format!("Invalid time for before: {}", before.repr()));
        let seconds = before.as_f64().ok_or_else(wrong)?;
        // A time beyond what can be told as one is after, or before, all events.
        select = match times::from_seconds(seconds) {
            Some(time) => select.clause("time < ?", [time.into()]),
            None if seconds > 0.0 => select,
            None => select.clause("FALSE", []),
        };
    }
    let found = select.one(&call.db).await?;
    if found.is_none() && strict { Err(error::generic("There is no such event")) } else { Ok(found) }
}
