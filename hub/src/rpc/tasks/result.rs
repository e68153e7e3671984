//! What a task came to.

use toji_hub_macros::rpc;
use toji_proto::states::TaskState;
use toji_proto::xmlrpc::read_response_text;
use toji_proto::{Fault, FaultCode, Value, value};

use super::{Call, Rpc, store};
use crate::db::{Db, RowExt};
use crate::error::{self, Error};

/// The result of a closed task; what it is depends on the method. A failed task's fault is raised, or without
/// `raise_fault` returned as a struct with `faultCode` and `faultString`.
///
/// Faults: a task that is cancelled, not finished, or does not exist (1000).
#[rpc("getTaskResult(taskId, raise_fault=True)", read)]
pub async fn get_task_result(call: &mut Call, task_id: i32, raise_fault: bool) -> Rpc<Value> {
    result(&call.db, task_id, raise_fault).await
}

/// The same, for others that need a task's result.
pub async fn result(db: &Db, id: i32, raise_fault: bool) -> Rpc<Value> {
    let row = db.row("SELECT state, result FROM task WHERE id = ?", vec![id.into()]).await?;
    let row = row.ok_or_else(|| store::no_such(id))?;
    match row.opt_int("state").and_then(TaskState::from_code) {
        Some(TaskState::Closed | TaskState::Failed) => {}
        Some(TaskState::Canceled) => return Err(error::generic(format!("Task {id} is canceled"))),
        _ => return Err(error::generic(format!("Task {id} is not finished"))),
    }
    let read = row.opt_text("result").ok_or_else(|| "there is none".to_owned()).and_then(parse);
    match read.map_err(|why| error::generic(format!("the result of task {id} cannot be read: {why}")))? {
        Ok(value) => Ok(value),
        Err(fault) if raise_fault => Err(raised(&fault)),
        Err(fault) => Ok(fault_struct(&fault)),
    }
}

/// A stored result: a value, or the fault that the task failed with.
pub fn parse(text: &str) -> Result<Result<Value, Fault>, String> {
    read_response_text(&store::xml(text)?).map_err(|why| why.to_string())
}

/// A fault as a value.
pub fn fault_struct(fault: &Fault) -> Value {
    value!({ "faultCode": fault.code(), "faultString": fault.string() })
}

fn raised(fault: &Fault) -> Error {
    let code = FaultCode::from_code(fault.code()).unwrap_or(FaultCode::Internal);
    Error::Fault { code, text: fault.string().to_owned() }
}
