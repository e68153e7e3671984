//! `dependantTask`: makes tasks once others, not its own children, are done.

use std::time::Duration;

use async_trait::async_trait;
use toji_proto::states::TaskState;

use crate::args;
use crate::hub::host::state;
use crate::task::{Handler, Task, TaskError, Wait};
use crate::value::{Lookup, Members, Value, ValueExt};

const PAUSE: Duration = Duration::from_secs(2);

pub struct DependantTask;

#[async_trait]
impl Handler for DependantTask {
    fn methods(&self) -> &'static [&'static str] {
        &["dependantTask"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.2
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let wrong = |what: &str| TaskError::parameter(format!("dependantTask: {what}"));
        let awaited =
            args.need("wait_list")?.as_array().ok_or_else(|| wrong("wait_list must be a list of task ids"))?;
        let wanted = args.need("task_list")?.as_array().ok_or_else(|| wrong("task_list must be a list of tasks"))?;
        let wanted: Vec<Wanted> =
            wanted.iter().map(Wanted::read).collect::<Option<_>>().ok_or_else(|| {
                wrong("each task must be a method, a list of arguments and perhaps a struct of options")
            })?;
        // What is no task cannot be waited for.
        let awaited: Vec<i32> = awaited.iter().filter_map(|id| id.as_id()).collect();
        for id in awaited {
            wait_for_stranger(task, id).await?;
        }
        let mut children = Vec::new();
        for (number, wanted) in wanted.into_iter().enumerate() {
            let mut opts = wanted.opts;
            // So that a rerun makes none of them twice.
            opts.entry("label".into()).or_insert_with(|| Value::String(format!("dependant {number}")));
            children.push(task.subtask_with(&wanted.method, wanted.args, opts).await?);
        }
        task.wait(&children, Wait { all: true, ..Wait::default() }).await?;
        Ok(Value::Nil)
    }
}

struct Wanted {
    method: String,
    args: Vec<Value>,
    opts: Members,
}

impl Wanted {
    fn read(value: &Value) -> Option<Wanted> {
        let (method, args, opts) = match value.as_array()? {
            [method, args] => (method, args, None),
            [method, args, opts] => (method, args, opts.as_struct()),
            _ => return None,
        };
        let (method, args) = (method.as_str()?.to_owned(), args.as_array()?.to_vec());
        Some(Wanted { method, args, opts: opts.cloned().unwrap_or_default() })
    }
}

async fn wait_for_stranger(task: &Task, id: i32) -> Result<(), TaskError> {
    loop {
        let info = task.hub.call("getTaskInfo", args![id]).await?;
        match state(&info) {
            // No such task.
            None | Some(TaskState::Closed) => return Ok(()),
            Some(TaskState::Canceled | TaskState::Failed) => {
                return Err(TaskError::generic(format!("task {id}, which was to be done first, did not succeed")));
            }
            Some(_) => task.sleep(PAUSE).await?,
        }
    }
}
