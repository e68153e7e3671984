//! One task.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::states::TaskState;

use super::{Call, Rpc, store};
use crate::db::{Row, RowExt};
use crate::rpc::FromArg;

/// A task, or a list of tasks for a list of ids: structs as in `listTasks`; nil for one that does not exist.
///
/// `request` adds the parameters that it was made with. Faults: with `strict`, a task that does not exist (1000).
#[rpc("getTaskInfo(task_id, request=False, strict=False)", read)]
pub async fn get_task_info(call: &mut Call, task_id: Value, request: bool, strict: bool) -> Rpc<Value> {
    match task_id {
        Value::Array(ids) => {
            let mut infos = Vec::with_capacity(ids.len());
            for id in ids {
                infos.push(info(call, i32::from_arg(id, "task_id")?, request, strict).await?);
            }
            Ok(Value::Array(infos))
        }
        id => info(call, i32::from_arg(id, "task_id")?, request, strict).await,
    }
}

async fn info(call: &Call, id: i32, request: bool, strict: bool) -> Rpc<Value> {
    match store::find(&call.db, id).await? {
        Some(row) => Ok(Value::Struct(with_request(row, request)?)),
        None if strict => Err(store::no_such(id)),
        None => Ok(Value::Nil),
    }
}

/// The row with its request as parameters, or without it.
pub fn with_request(mut row: Row, wanted: bool) -> Rpc<Row> {
    if wanted {
        let parameters = store::parameters(&row)?;
        row.insert("request".into(), Value::Array(parameters));
    } else {
        row.remove("request");
    }
    Ok(row)
}

/// The parameters that the task was made with, as a list. Faults: a task that does not exist (1000).
#[rpc("getTaskRequest(taskId)", read)]
pub async fn get_task_request(call: &mut Call, task_id: i32) -> Rpc<Vec<Value>> {
    store::parameters(&store::get(&call.db, task_id).await?)
}

/// Whether the task is closed, cancelled or failed. Faults: a task that does not exist (1000).
#[rpc("taskFinished(taskId)", read)]
pub async fn task_finished(call: &mut Call, task_id: i32) -> Rpc<bool> {
    let row = store::get(&call.db, task_id).await?;
    Ok(row.opt_int("state").and_then(TaskState::from_code).is_some_and(TaskState::is_finished))
}
