//! Events: the numbered points in history at which something changed.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::{Call, Method, Rpc, times};
use crate::db::{QueryOpts, Row, Select};
use crate::error;

pub const METHODS: &[Method] = &[GET_EVENT, GET_LAST_EVENT];

/// An event: a struct with `id` and `ts` (seconds since 1970). An unknown one is a fault (1000) or, unless
/// `strict`, nil.
#[rpc("getEvent(id, strict=True)", read)]
pub async fn get_event(call: &mut Call, id: i32, strict: bool) -> Rpc<Option<Row>> {
    match select().clause("id = ?", [id.into()]).one(&call.db).await? {
        None if strict => Err(error::generic(format!("No such event: {id}"))),
        found => Ok(found),
    }
}

/// The last event or, with `before` (seconds since 1970), the last one that was before that time. If there is
/// none, it is a fault (1000) or, unless `strict`, nil.
#[rpc("getLastEvent(before=None, strict=True)", read)]
pub async fn get_last_event(call: &mut Call, before: Value, strict: bool) -> Rpc<Option<Row>> {
    let mut select = select().order("-id").opts(QueryOpts { limit: Some(1), ..Default::default() });
    if !before.is_nil() {
        let seconds = before.as_f64().ok_or_else(|| error::generic(format!("Invalid time: {}", before.repr())))?;
        select = match times::from_seconds(seconds) {
            Some(time) => select.clause("time < ?", [time.into()]),
            // Too far away for a time: after all events, or before them.
            None if seconds > 0.0 => select,
            None => select.clause("1 = 0", []),
        };
    }
    match select.one(&call.db).await? {
        None if strict => Err(error::generic("There is no event before that time")),
        found => Ok(found),
    }
}

fn select() -> Select {
    Select::from("events").column("id", "id").epoch("time", "ts")
}
