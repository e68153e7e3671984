//! What the scheduler has decided and knows.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::{Call, Rpc};
use crate::db::{Field, Holds, Kind, QueryOpts, Select, View};

const HOST: &str = "host ON host.id = scheduler_task_runs.host_id";
const TASK: &str = "task ON task.id = scheduler_task_runs.task_id";
const RUNS: View = View {
    table: "scheduler_task_runs",
    fields: &[
        Field::new("id", "scheduler_task_runs.id", Holds::Int),
        Field::new("task_id", "scheduler_task_runs.task_id", Holds::Int),
        Field::new("host_id", "scheduler_task_runs.host_id", Holds::Int),
        Field::new("active", "scheduler_task_runs.active", Holds::Bool),
        Field::new("create_ts", "scheduler_task_runs.create_time", Holds::Time),
        Field::joined("method", "task.method", Holds::Text, TASK),
        Field::joined("state", "task.state", Holds::Int, TASK),
        Field::joined("owner", "task.owner", Holds::Int, TASK),
        Field::joined("arch", "task.arch", Holds::Text, TASK),
        Field::joined("channel_id", "task.channel_id", Holds::Int, TASK),
        Field::joined("start_ts", "task.start_time", Holds::Time, TASK),
        Field::joined("completion_ts", "task.completion_time", Holds::Time, TASK),
        Field::joined("host_name", "host.name", Holds::Text, HOST),
        Field::joined("host_ready", "host.ready", Holds::Bool, HOST),
    ],
    default: &["id", "task_id", "host_id", "active", "create_ts"],
};

const REFUSING: &str = "host ON host.id = scheduler_task_refusals.host_id";
const REFUSED: &str = "task ON task.id = scheduler_task_refusals.task_id";
const REFUSALS: View = View {
    table: "scheduler_task_refusals",
    fields: &[
        Field::new("id", "scheduler_task_refusals.id", Holds::Int),
        Field::new("task_id", "scheduler_task_refusals.task_id", Holds::Int),
        Field::new("host_id", "scheduler_task_refusals.host_id", Holds::Int),
        Field::new("by_host", "scheduler_task_refusals.by_host", Holds::Bool),
        Field::new("soft", "scheduler_task_refusals.soft", Holds::Bool),
        Field::new("msg", "scheduler_task_refusals.msg", Holds::Text),
        Field::new("ts", "scheduler_task_refusals.time", Holds::Time),
        Field::joined("method", "task.method", Holds::Text, REFUSED),
        Field::joined("state", "task.state", Holds::Int, REFUSED),
        Field::joined("owner", "task.owner", Holds::Int, REFUSED),
        Field::joined("arch", "task.arch", Holds::Text, REFUSED),
        Field::joined("channel_id", "task.channel_id", Holds::Int, REFUSED),
        Field::joined("host_name", "host.name", Holds::Text, REFUSING),
        Field::joined("host_ready", "host.ready", Holds::Bool, REFUSING),
    ],
    default: &["id", "task_id", "host_id", "by_host", "soft", "msg", "ts"],
};

const SPOKEN_OF: &str = "LEFT JOIN task ON task.id = scheduler_log_messages.task_id";
const WHERE: &str = "LEFT JOIN host ON host.id = scheduler_log_messages.host_id";
const MESSAGES: View = View {
    table: "scheduler_log_messages",
    fields: &[
        Field::new("id", "scheduler_log_messages.id", Holds::Int),
        Field::new("task_id", "scheduler_log_messages.task_id", Holds::Int),
        Field::new("host_id", "scheduler_log_messages.host_id", Holds::Int),
        Field::new("msg", "scheduler_log_messages.msg", Holds::Text),
        Field::new("msg_ts", "scheduler_log_messages.msg_time", Holds::Time),
        Field::joined("method", "task.method", Holds::Text, SPOKEN_OF),
        Field::joined("state", "task.state", Holds::Int, SPOKEN_OF),
        Field::joined("owner", "task.owner", Holds::Int, SPOKEN_OF),
        Field::joined("arch", "task.arch", Holds::Text, SPOKEN_OF),
        Field::joined("channel_id", "task.channel_id", Holds::Int, SPOKEN_OF),
        Field::joined("host_name", "host.name", Holds::Text, WHERE),
        Field::joined("host_ready", "host.ready", Holds::Bool, WHERE),
    ],
    default: &["id", "task_id", "host_id", "msg", "msg_ts"],
};

/// Which tasks the scheduler put on which hosts: structs with `id`, `task_id`, `host_id`, `active` and
/// `create_ts`, or the named `fields`, also of task and host. `clauses` are lists such as `['task_id', '=', 5]`.
///
/// Faults: unknown fields and operators (1019).
#[rpc("scheduler.getTaskRuns(clauses=None, fields=None, opts=None)", read)]
pub async fn get_task_runs(call: &mut Call, clauses: Value, fields: Value, opts: Option<QueryOpts>) -> Rpc<Value> {
    RUNS.answer(&call.db, clauses, fields, opts).await
}

/// Which hosts will not have which tasks, and why: structs with `id`, `task_id`, `host_id`, `by_host`, `soft`,
/// `msg` and `ts`, chosen as in `scheduler.getTaskRuns`.
#[rpc("scheduler.getTaskRefusals(clauses=None, fields=None)", read)]
pub async fn get_task_refusals(call: &mut Call, clauses: Value, fields: Value) -> Rpc<Value> {
    REFUSALS.answer(&call.db, clauses, fields, None).await
}

/// What the scheduler did: structs with `id`, `task_id`, `host_id`, `msg` and `msg_ts`, chosen as in
/// `scheduler.getTaskRuns`.
#[rpc("scheduler.getLogMessages(clauses=None, fields=None, opts=None)", read)]
pub async fn get_log_messages(call: &mut Call, clauses: Value, fields: Value, opts: Option<QueryOpts>) -> Rpc<Value> {
    MESSAGES.answer(&call.db, clauses, fields, opts).await
}

/// What hosts told of themselves: structs with `host_id` and `data`, of one host or of all.
#[rpc("scheduler.getHostData(hostID=None)", read)]
pub async fn get_host_data(call: &mut Call, host_id: Option<i32>) -> Rpc<Value> {
    Select::from("scheduler_host_data")
        .column("host_id", "host_id")
        .column_as("data", "data", Kind::Json)
        .clause_if("host_id = ?", host_id)
        .order("host_id")
        .answer(&call.db)
        .await
}
