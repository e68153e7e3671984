//! What hangs on a task.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::info::with_request;
use super::{Call, Rpc, store};
use crate::db::{Db, Row, RowExt};

/// The task's direct children: structs as of `getTaskInfo`, by id. With `strict`, a task that does not exist is
/// a fault (1000).
#[rpc("getTaskChildren(task_id, request=False, strict=False)", read)]
pub async fn get_task_children(call: &mut Call, task_id: i32, request: bool, strict: bool) -> Rpc<Vec<Value>> {
    if strict {
        store::get(&call.db, task_id).await?;
    }
    let rows = children(&call.db, &[task_id]).await?;
    rows.into_iter().map(|row| Ok(Value::Struct(with_request(row, request)?))).collect()
}

/// The children of the task and of each of its descendants: a struct from the id, as text, to the list of
/// children as of `getTaskChildren`. A task that does not exist has none.
#[rpc("getTaskDescendents(task_id, request=False)", read)]
pub async fn get_task_descendents(call: &mut Call, task_id: i32, request: bool) -> Rpc<Value> {
    let mut tree: BTreeMap<String, Vec<Value>> = BTreeMap::from([(task_id.to_string(), vec![])]);
    let mut level = vec![task_id];
    while !level.is_empty() {
        let rows = children(&call.db, &level).await?;
        level.clear();
        for row in rows {
            let (id, parent) = (row.int("id")?, row.int("parent")?);
            if tree.contains_key(&id.to_string()) {
                continue; // a loop, which only a damaged database has
            }
            tree.insert(id.to_string(), vec![]);
            level.push(id);
            tree.entry(parent.to_string()).or_default().push(Value::Struct(with_request(row, request)?));
        }
    }
    Ok(Value::Struct(tree.into_iter().map(|(id, children)| (id, Value::Array(children))).collect()))
}

async fn children(db: &Db, parents: &[i32]) -> Rpc<Vec<Row>> {
    store::select().column("task.request", "request").is_in(db, "task.parent", parents).order("id").all(db).await
}

/// The ids of the children of any of these tasks.
pub async fn child_ids(db: &Db, parents: &[i32]) -> Rpc<Vec<i32>> {
    crate::db::Select::from("task").column("id", "id").is_in(db, "parent", parents).order("id").values(db).await
}
