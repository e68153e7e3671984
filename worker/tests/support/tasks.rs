//! The fake hub's tasks: a table of states, and the host API on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use toji_proto::message::HostMessage;
use toji_proto::xmlrpc::{read_response_text, write_call};
use toji_proto::{Value, ValueExt, value};
use toji_queue::{MemoryQueue, Queue};

use super::Answer;

pub const HOST: i32 = 1;
pub const HOST_NAME: &str = "host1";

pub const FREE: i32 = 0;
pub const OPEN: i32 = 1;
pub const CLOSED: i32 = 2;
pub const CANCELED: i32 = 3;
pub const ASSIGNED: i32 = 4;
pub const FAILED: i32 = 5;

#[derive(Debug, Clone)]
pub struct Row {
    pub method: String,
    pub request: Vec<Value>,
    pub state: i32,
    pub host: Option<i32>,
    pub parent: Option<i32>,
    pub label: Option<String>,
    pub awaited: bool,
    pub result: Option<Answer>,
    pub completed: f64,
}

#[derive(Default)]
pub struct Tasks {
    rows: Mutex<BTreeMap<i32, Row>>,
    pub queue: Arc<MemoryQueue>,
    pub heartbeats: Mutex<Vec<Value>>,
    pub refusals: Mutex<Vec<(i32, String)>>,
}

impl Tasks {
    /// Makes a task that is placed on the host, without telling it.
    pub fn make(&self, method: &str, request: Vec<Value>, state: i32) -> i32 {
        self.insert(method, request, state, None, None)
    }

    fn insert(&self, method: &str, request: Vec<Value>, state: i32, parent: Option<i32>, label: Option<String>) -> i32 {
        let mut rows = self.rows.lock().unwrap();
        let id = rows.len() as i32 + 101;
        let row = Row {
            method: method.into(),
            request,
            state,
            host: Some(HOST),
            parent,
            label,
            awaited: false,
            result: None,
            completed: 0.0,
        };
        rows.insert(id, row);
        id
    }

    /// Makes a child that has ended already.
    pub fn make_ended_child(&self, params: &[Value], result: Answer) -> i32 {
        let parent = params[2].as_i64().unwrap() as i32;
        let label = params[3].get("label").and_then(|label| label.as_str()).map(str::to_owned);
        let request = params[1].as_array().unwrap().to_vec();
        let state = if result.is_ok() { CLOSED } else { FAILED };
        let id = self.insert(params[0].as_str().unwrap(), request, state, Some(parent), label);
        self.change(id, |row| row.result = Some(result));
        id
    }

    pub async fn send(&self, message: HostMessage) {
        self.queue.publish(&[(HOST_NAME.into(), message)]).await.unwrap();
    }

    /// Makes a task and tells the host.
    pub async fn assign(&self, method: &str, request: Vec<Value>) -> i32 {
        let task_id = self.make(method, request, ASSIGNED);
        self.send(HostMessage::Assigned { task_id }).await;
        task_id
    }

    pub fn row(&self, id: i32) -> Row {
        self.rows.lock().unwrap()[&id].clone()
    }

    pub fn change(&self, id: i32, change: impl FnOnce(&mut Row)) {
        change(self.rows.lock().unwrap().get_mut(&id).unwrap());
    }

    fn tell(&self, message: HostMessage) {
        let queue = self.queue.clone();
        tokio::spawn(async move { queue.publish(&[(HOST_NAME.into(), message)]).await.unwrap() });
    }

    fn end(&self, id: i32, state: i32, result: Answer) {
        let parent = {
            let mut rows = self.rows.lock().unwrap();
            let row = rows.get_mut(&id).unwrap();
            (row.state, row.result, row.completed) = (state, Some(result), now());
            row.parent.filter(|_| row.awaited)
        };
        if let Some(task_id) = parent {
            self.tell(HostMessage::Wake { task_id });
        }
    }

    pub fn answer(&self, method: &str, params: &[Value]) -> Option<Answer> {
        let id = || params[0].as_i64().unwrap() as i32;
        Some(match method {
            "host.getID" => Ok(value!(HOST)),
            "host.getHost" => Ok(value!({ "id": HOST, "name": HOST_NAME, "enabled": true, "capacity": 10.0 })),
            "getSessionInfo" => Ok(value!({ "start_ts": now() })),
            "host.updateHost" => {
                self.heartbeats.lock().unwrap().push(params[1].clone());
                Ok(Value::Nil)
            }
            "host.setTaskWeight" | "host.setBuildRootState" | "cancelTaskChildren" => Ok(Value::Nil),
            "listBuildroots" => Ok(value!([])),
            "host.openTask" => self.open(id()),
            "host.closeTask" | "host.failTask" => {
                if self.row(id()).state != OPEN {
                    return Some(Err((1000, "the task is not open".into())));
                }
                let state = if method == "host.closeTask" { CLOSED } else { FAILED };
                let result = read_response_text(params[1].as_str().unwrap()).unwrap();
                self.end(id(), state, result.map_err(|fault| (fault.code(), fault.string().to_owned())));
                Ok(value!(true))
            }
            "host.freeTasks" => {
                for id in params[0].as_array().unwrap().iter().map(|id| id.as_i64().unwrap() as i32) {
                    if matches!(self.row(id).state, CLOSED | CANCELED | FAILED) {
                        return Some(Err((1000, "the task has ended".into())));
                    }
                    self.change(id, |row| (row.state, row.host) = (FREE, None));
                }
                Ok(Value::Nil)
            }
            "host.refuseTask" => {
                let why = params[2].as_str().unwrap().to_owned();
                self.refusals.lock().unwrap().push((id(), why));
                self.change(id(), |row| (row.state, row.host) = (FREE, None));
                Ok(Value::Nil)
            }
            "host.getHostTasks" => Ok(self.list(OPEN)),
            "host.getTasks" => Ok(self.list(ASSIGNED)),
            "getTaskInfo" => Ok(self.info(id(), params.len() > 1)),
            "getTaskResult" => self.row(id()).result.unwrap_or(Err((1000, "not ended".into()))),
            "host.subtask" => Ok(value!(self.subtask(params))),
            "host.taskSetWait" => {
                for child in params[1].as_array().unwrap() {
                    self.change(child.as_i64().unwrap() as i32, |row| row.awaited = true);
                }
                Ok(Value::Nil)
            }
            "host.taskWait" => Ok(self.look(id())),
            "host.taskWaitResults" => self.results(params),
            _ => return None,
        })
    }

    fn open(&self, id: i32) -> Answer {
        let mut rows = self.rows.lock().unwrap();
        let row = rows.get_mut(&id).ok_or((1000, "no such task".to_owned()))?;
        if row.state != ASSIGNED || row.host != Some(HOST) {
            return Ok(Value::Nil);
        }
        row.state = OPEN;
        Ok(value!({
            "id": id, "method": &row.method, "arch": "noarch", "parent": row.parent, "owner": 1,
            "label": row.label.clone(), "request": write_call(&row.method, &row.request),
        }))
    }

    fn list(&self, state: i32) -> Value {
        let rows = self.rows.lock().unwrap();
        let rows = rows.iter().filter(|(_, row)| row.state == state && row.host == Some(HOST));
        Value::Array(rows.map(|(id, row)| value!({ "id": *id, "method": &row.method, "state": state })).collect())
    }

    fn info(&self, id: i32, request: bool) -> Value {
        let rows = self.rows.lock().unwrap();
        rows.get(&id).map_or(Value::Nil, |row| {
            value!({ "id": id, "state": row.state, "host_id": row.host, "completion_ts": row.completed, "method": &row.method,
                "request": request.then(|| Value::Array(row.request.clone())), })
        })
    }

    fn subtask(&self, params: &[Value]) -> i32 {
        let parent = params[2].as_i64().unwrap() as i32;
        let label = params[3].get("label").and_then(|label| label.as_str()).map(str::to_owned);
        let same = |row: &Row| label.is_some() && row.parent == Some(parent) && row.label == label;
        let known = self.rows.lock().unwrap().iter().find(|(_, row)| same(row)).map(|(id, _)| *id);
        known.unwrap_or_else(|| {
            let request = params[1].as_array().unwrap().to_vec();
            let task_id = self.insert(params[0].as_str().unwrap(), request, ASSIGNED, Some(parent), label.clone());
            self.tell(HostMessage::Assigned { task_id });
            task_id
        })
    }

    fn look(&self, parent: i32) -> Value {
        let (mut finished, mut unfinished) = (vec![], vec![]);
        for (id, row) in
            self.rows.lock().unwrap().iter_mut().filter(|(_, row)| row.parent == Some(parent) && row.awaited)
        {
            if matches!(row.state, CLOSED | CANCELED | FAILED) {
                row.awaited = false;
                finished.push(*id);
            } else {
                unfinished.push(*id);
            }
        }
        value!([finished, unfinished])
    }

    fn results(&self, params: &[Value]) -> Answer {
        let can_fail = params[2].as_array().unwrap();
        let mut results = Vec::new();
        for id in params[1].as_array().unwrap() {
            let result = match self.row(id.as_i64().unwrap() as i32).result.unwrap() {
                Ok(value) => value,
                Err((code, text)) if can_fail.contains(id) => value!({ "faultCode": code, "faultString": text }),
                Err(fault) => return Err(fault),
            };
            results.push(value!([id, result]));
        }
        Ok(Value::Array(results))
    }
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}
