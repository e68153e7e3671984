//! Reading tasks, and asking whose they are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use toji_proto::Value;
use toji_proto::xmlrpc::read_call_text;
use toji_scheduler::transition::{self, Standing};

use crate::db::{Db, Row, RowExt, Select};
use crate::error::{self, Error, Rpc};
use crate::rpc::Call;

pub use super::cancel::{cancel, cancel_full};
pub use super::make::{TaskOpts, make_task};
pub use super::result::result;

/// The columns that clients see of a task, but for request and result.
pub const COLUMNS: &[(&str, &str)] = &[
    ("task.id", "id"),
    ("task.state", "state"),
    ("task.create_time", "create_time"),
    ("task.start_time", "start_time"),
    ("task.completion_time", "completion_time"),
    ("task.channel_id", "channel_id"),
    ("task.host_id", "host_id"),
    ("task.parent", "parent"),
    ("task.label", "label"),
    ("task.waiting", "waiting"),
    ("task.awaited", "awaited"),
    ("task.owner", "owner"),
    ("task.method", "method"),
    ("task.arch", "arch"),
    ("task.priority", "priority"),
    ("task.weight", "weight"),
];

/// Tasks as clients see them: `COLUMNS` and the three times in seconds as well.
pub fn select() -> Select {
    Select::from("task")
        .columns(COLUMNS)
        .epoch("task.create_time", "create_ts")
        .epoch("task.start_time", "start_ts")
        .epoch("task.completion_time", "completion_ts")
}

/// A task with its request as text, if there is one.
pub async fn find(db: &Db, id: i32) -> Rpc<Option<Row>> {
    select().column("task.request", "request").clause("task.id = ?", [id.into()]).one(db).await
}

/// A task with its request as text.
pub async fn get(db: &Db, id: i32) -> Rpc<Row> {
    find(db, id).await?.ok_or_else(|| no_such(id))
}

/// The fault for a task that does not exist.
pub fn no_such(id: i32) -> Error {
    error::generic(format!("No such task: {id}"))
}

/// How a task stands, locked until the end of the transaction.
pub async fn standing(call: &Call, id: i32) -> Rpc<Standing> {
    transition::standing(call.db.tx().await?, id).await?.ok_or_else(|| no_such(id))
}

/// Refuses (1004) a host that does not have the task open.
pub async fn assert_host(call: &Call, id: i32, host: i32) -> Rpc<Standing> {
    let standing = standing(call, id).await?;
    if standing.is_open_on(host) {
        return Ok(standing);
    }
    Err(error::denied(format!("host {host} does not own task {id}")))
}

/// Refuses (1004) callers who neither own the task nor run it, unless they are admin.
pub async fn assert_steers(call: &Call, id: i32) -> Rpc<()> {
    let refused = || error::denied("Cannot cancel task, not owner");
    let Some(user) = call.identity.user().map(|s| s.user_id) else { return Err(refused()) };
    let standing = standing(call, id).await?;
    let owner: Option<i32> = call.db.value("SELECT owner FROM task WHERE id = ?", vec![id.into()]).await?;
    let runs = call.host_id().await?.is_some_and(|host| standing.is_open_on(host));
    if owner == Some(user) || runs || call.has_perm("admin").await? { Ok(()) } else { Err(refused()) }
}

/// A row's request as the parameters that it consists of.
pub fn parameters(row: &Row) -> Rpc<Vec<Value>> {
    parse_request(row.text("request")).map_err(|why| {
        error::generic(format!("the request of task {} cannot be read: {why}", row.opt_int("id").unwrap_or(-1)))
    })
}

/// The parameters that a stored request consists of.
pub fn parse_request(text: &str) -> Result<Vec<Value>, String> {
    Ok(read_call_text(&xml(text)?).map_err(|why| why.to_string())?.params)
}

/// A stored request or result as XML: old ones are base64 of it.
pub fn xml(text: &str) -> Result<String, String> {
    if text.get(..10.min(text.len())).is_some_and(|start| start.contains("<?xml")) {
        return Ok(text.to_owned());
    }
    // As lenient as the decoder that wrote them: line breaks and padding do not count.
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(compact).map_err(|why| why.to_string())?;
    String::from_utf8(bytes).map_err(|why| why.to_string())
}
