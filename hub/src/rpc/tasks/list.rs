//! `listTasks`.

use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, ValueExt};

use super::result::{fault_struct, parse};
use super::{Call, Rpc, store};
use crate::db::{Db, QueryOpts, Row, RowExt, Select};
use crate::error;
use crate::rpc::FromArg;
use crate::rpc::times::Moment;

/// Tasks: structs with `id`, `state`, `method`, `arch`, `owner`, `owner_name`, `owner_type`, `host_id`,
/// `channel_id`, `parent`, `label`, `priority`, `weight`, `waiting`, `awaited`, `request` and `result` (as
/// XML-RPC text), and `create`, `start` and `completion` each as `_time` (text) and `_ts` (seconds).
///
/// `opts` chooses, all of it optional: `state` and `arch` (lists); `owner`, `host_id`, `channel_id` and
/// `parent` (an id, a list of ids, or nil); each of these with `not_` before it; `method`; `createdBefore`,
/// `createdAfter`, `startedBefore`, `startedAfter`, `completeBefore`, `completeAfter` (seconds or text). With
/// `decode`, request and result are values.
#[rpc("listTasks(opts=None, queryOpts=None)", read)]
pub async fn list_tasks(call: &mut Call, opts: Option<Struct>, query_opts: Option<QueryOpts>) -> Rpc<Value> {
    let opts = opts.unwrap_or_default();
    let query_opts = query_opts.unwrap_or_default();
    let decode = opts.get("decode").is_some_and(Value::is_true) && !query_opts.as_list;
    let mut select = store::select().columns(&[("task.request", "request"), ("task.result", "result")]);
    if !query_opts.count_only {
        select = select
            .join("LEFT JOIN users ON users.id = task.owner")
            .columns(&[("users.name", "owner_name"), ("users.usertype", "owner_type")]);
    }
    let select = by_time(&call.db, chosen(&call.db, select, &opts)?, &opts)?.order("id").opts(query_opts);
    select.answer_with(&call.db, |row| if decode { Ok(decoded(row)) } else { Ok(row) }).await
}

fn chosen(db: &Db, mut select: Select, opts: &Struct) -> Rpc<Select> {
    for (name, value) in opts {
        let (field, not) = match name.strip_prefix("not_") {
            Some(field) => (field, "NOT "),
            None => (name.as_str(), ""),
        };
        let column = format!("{not}task.{field}");
        select = match field {
            "state" => select.is_in(db, &column, &ids(name, value)?),
            "arch" => select.is_in_strings(db, &column, &Vec::from_arg(value.clone(), name)?),
            "owner" | "host_id" | "channel_id" | "parent" => match value {
                Value::Nil => select.clause(&format!("{column} IS NULL"), []),
                Value::Array(_) => select.is_in(db, &column, &ids(name, value)?),
                _ => select.clause(&format!("{column} = ?"), [i32::from_arg(value.clone(), name)?.into()]),
            },
            "method" if not.is_empty() => {
                select.clause("task.method = ?", [Option::<String>::from_arg(value.clone(), name)?.into()])
            }
            _ => select,
        };
    }
    Ok(select)
}

/// A list of ids; an empty one is a mistake of the client's.
fn ids(name: &str, value: &Value) -> Rpc<Vec<i32>> {
    let ids: Vec<i32> = Vec::from_arg(value.clone(), name)?;
    if ids.is_empty() { Err(error::param(format!("{name} is an empty list"))) } else { Ok(ids) }
}

/// What the option is called, the column, and how they compare.
const TIMES: &[(&str, &str, &str)] = &[
    ("createdBefore", "create_time", "<"),
    ("createdAfter", "create_time", ">"),
    ("startedBefore", "start_time", "<"),
    ("startedAfter", "start_time", ">"),
    ("completeBefore", "completion_time", "<"),
    ("completeAfter", "completion_time", ">"),
    ("completedBefore", "completion_time", "<"),
    ("completedAfter", "completion_time", ">"),
];

fn by_time(db: &Db, mut select: Select, opts: &Struct) -> Rpc<Select> {
    for (name, column, comparison) in TIMES {
        if let Some(value) = opts.get(*name).filter(|v| !v.is_nil()) {
            let moment = Moment::from_arg(value.clone(), name)?;
            select = select.clause(&db.compare_time(&format!("task.{column}"), comparison), [moment.into()]);
        }
    }
    Ok(select)
}

/// Request and result as values; what cannot be read stays as it is.
fn decoded(mut row: Row) -> Row {
    if let Some(Ok(request)) = row.opt_text("request").map(store::parse_request) {
        row.insert("request".into(), Value::Array(request));
    }
    if let Some(Ok(result)) = row.opt_text("result").map(parse) {
        // A result is a list of one, as an answer's parameters are.
        let result = result.map_or_else(|fault| fault_struct(&fault), |value| Value::Array(vec![value]));
        row.insert("result".into(), result);
    }
    row
}
