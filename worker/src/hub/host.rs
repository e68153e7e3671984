//! The host API, as far as the worker's own machinery needs it.

use toji_proto::states::TaskState;
use toji_proto::xmlrpc::{read_call_text, write_fault, write_response};

use super::{HubError, Session};
use crate::args;
use crate::value::{Lookup, Members, Value, ValueExt};

/// A task as `host.openTask` hands it out.
#[derive(Debug)]
pub struct OpenedTask {
    pub id: i32,
    pub method: String,
    pub request: Vec<Value>,
    pub arch: String,
    pub label: Option<String>,
    pub parent: Option<i32>,
    pub channel_id: Option<i32>,
    pub priority: Option<i32>,
    pub owner: Option<i32>,
}

/// A task that is open on this host.
#[derive(Debug, Clone)]
pub struct HostTask {
    pub id: i32,
    /// A task that it waits for has ended.
    pub alert: bool,
}

/// A task that is placed on this host and waits to be opened.
#[derive(Debug, Clone)]
pub struct AssignedTask {
    pub id: i32,
    pub method: String,
}

impl Session {
    /// This host's id.
    pub async fn host_id(&self) -> Result<i32, HubError> {
        let answer = self.call("host.getID", vec![]).await?;
        as_id(&answer).ok_or_else(|| HubError::answer("host.getID", "no id"))
    }

    /// Opens a task that is assigned to this host. `None` when it is not (any more).
    pub async fn open_task(&self, task_id: i32, host_id: i32) -> Result<Option<OpenedTask>, HubError> {
        let answer = match self.call("host.openTask", args![task_id]).await {
            Err(HubError::AnswerLost { .. }) => {
                // It was opened, for us or for nobody.
                let info = self.task_info(task_id).await?;
                let ours = state(&info) == Some(TaskState::Open) && info.get_id("host_id") == Some(host_id);
                if ours { info } else { Value::Nil }
            }
            answer => answer?,
        };
        if answer.is_nil() {
            return Ok(None);
        }
        OpenedTask::read(task_id, &answer).map(Some)
    }

    /// The stock `getTaskInfo` with the request in it; nil when there is no such task.
    pub async fn task_info(&self, task_id: i32) -> Result<Value, HubError> {
        self.call_named("getTaskInfo", args![task_id], crate::members! { "request" => true }).await
    }

    pub async fn close_task(&self, task_id: i32, result: &Value) -> Result<(), HubError> {
        self.call("host.closeTask", args![task_id, write_response(result)]).await.map(drop)
    }

    pub async fn fail_task(&self, task_id: i32, code: i32, message: &str) -> Result<(), HubError> {
        self.call("host.failTask", args![task_id, write_fault(code, message)]).await.map(drop)
    }

    pub async fn free_tasks(&self, ids: &[i32]) -> Result<(), HubError> {
        self.call("host.freeTasks", args![ids.to_vec()]).await.map(drop)
    }

    /// Gives the task back. A soft refusal ends after some minutes, a hard one stays.
    pub async fn refuse_task(&self, task_id: i32, soft: bool, why: &str) -> Result<(), HubError> {
        self.call("host.refuseTask", args![task_id, soft, why]).await.map(drop)
    }

    pub async fn set_task_weight(&self, task_id: i32, weight: f64) -> Result<(), HubError> {
        self.call("host.setTaskWeight", args![task_id, weight]).await.map(drop)
    }

    /// The heartbeat: what runs here and whether more may come.
    pub async fn update_host(&self, load: f64, ready: bool, data: Members) -> Result<(), HubError> {
        let named = crate::members! { "data" => data };
        self.call_named("host.updateHost", args![load, ready], named).await.map(drop)
    }

    /// The tasks that are open on this host.
    pub async fn open_tasks(&self) -> Result<Vec<HostTask>, HubError> {
        let method = "host.getHostTasks";
        rows(method, &self.call(method, vec![]).await?, |row| {
            Some(HostTask { id: row.get_id("id")?, alert: row.get_flag("alert") })
        })
    }

    /// The tasks that are assigned to this host and not yet opened.
    pub async fn assigned_tasks(&self) -> Result<Vec<AssignedTask>, HubError> {
        let method = "host.getTasks";
        rows(method, &self.call(method, vec![]).await?, |row| {
            Some(AssignedTask { id: row.get_id("id")?, method: row.get_str("method")?.to_owned() })
        })
    }
}

/// The state in a task's struct.
pub fn state(task: &Value) -> Option<TaskState> {
    task.get_int("state").and_then(TaskState::from_code)
}

fn as_id(value: &Value) -> Option<i32> {
    value.as_id()
}

fn rows<T>(method: &str, answer: &Value, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, HubError> {
    let rows = answer.as_array().ok_or_else(|| HubError::answer(method, "no list"))?;
    rows.iter().map(|row| read(row).ok_or_else(|| HubError::answer(method, format!("row {row:?}")))).collect()
}

impl OpenedTask {
    fn read(id: i32, row: &Value) -> Result<OpenedTask, HubError> {
        let wrong = |reason: String| HubError::answer("host.openTask", reason);
        let text = |name| row.get_str(name).map(str::to_owned);
        // As stored (XML of a call), or already read.
        let request = match row.get("request") {
            Some(Value::Array(request)) => request.clone(),
            Some(Value::String(xml)) => {
                read_call_text(xml).map_err(|error| wrong(format!("request of task {id}: {error}")))?.params
            }
            _ => return Err(wrong(format!("task {id} without a request"))),
        };
        Ok(OpenedTask {
            id,
            method: text("method").ok_or_else(|| wrong(format!("task {id} without a method")))?,
            request,
            arch: text("arch").unwrap_or_else(|| "noarch".into()),
            label: text("label"),
            parent: row.get_id("parent"),
            channel_id: row.get_id("channel_id"),
            priority: row.get_id("priority"),
            owner: row.get_id("owner"),
        })
    }
}
