//! Looking after requests.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::super::store as repos;
use super::store::{self, REQUESTS};
use super::{Call, Rpc};
use crate::db::{QueryOpts, RowExt};
use crate::error;
use crate::rpc::Struct;
use crate::rpc::tasks::store as tasks;

/// What has become of a request: a struct with `request` (as of `repo.request`) and `repo` (as of `repoInfo`, nil
/// until one serves it); while there is only a task for it, also `task` (as of `getTaskInfo`).
///
/// Faults: a request that does not exist, or was cleaned up (1000).
#[rpc("repo.checkRequest(req_id)", read)]
pub async fn check_request(call: &mut Call, id: i32) -> Rpc<Struct> {
    let request = store::find(&call.db, id).await?;
    let request = request.ok_or_else(|| error::generic(format!("No such repo request: {id}")))?;
    let mut answer = Struct::from([("repo".into(), Value::Nil)]);
    if let Some(repo) = request.opt_int("repo_id") {
        answer.insert("repo".into(), Value::Struct(repos::get(&call.db, repo).await?.row));
    } else if let Some(task) = request.opt_int("task_id") {
        let task = tasks::select().clause("task.id = ?", [task.into()]).one(&call.db).await?;
        answer.insert("task".into(), task.map_or(Value::Nil, Value::Struct));
    }
    answer.insert("request".into(), Value::Struct(request));
    Ok(answer)
}

/// Requests that meet all of `clauses`, which are as of `repo.query`: structs with `id, tag_id, at_event, min_event,
/// create_ts, task_id, tries, repo_id, opts, active, update_ts`, or with the `fields` asked for.
///
/// Faults: unknown fields and operators (1019).
#[rpc("repo.queryQueue(clauses=None, fields=None, opts=None)", read)]
pub async fn query_queue(call: &mut Call, clauses: Value, fields: Value, opts: Option<QueryOpts>) -> Rpc<Value> {
    REQUESTS.answer(&call.db, clauses, fields, opts).await
}

/// Moves a request within the queue: the smallest priority gets its task first. An unknown one does not count.
#[rpc("repo.setRequestPriority(req_id, priority)", write, perm = "admin")]
pub async fn set_request_priority(call: &mut Call, id: i32, priority: i32) -> Rpc<()> {
    store::set_priority(&call.db, id, priority).await
}
