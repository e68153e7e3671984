//! Tasks for requests.

use chrono::{Duration, Utc};
use toji_hub_macros::rpc;
use toji_proto::states::TaskState;
use toji_proto::tasks::NAMED;
use toji_proto::{Value, ValueExt, value};
use tracing::{info, warn};

use super::super::new::task_opts;
use super::super::store as repos;
use super::store::{self, Request};
use super::{Call, Rpc};
use crate::db::Update;
use crate::rpc::tasks::store::{make_task, result};

/// Makes tasks for waiting requests, as the scheduler does by itself.
#[rpc("repo.checkQueue()", write, perm = "repo")]
pub async fn check_queue(call: &mut Call) -> Rpc<()> {
    run_queue(call).await
}

/// Looks at the tasks of waiting requests, and makes tasks for those that have none, as many as may run at a
/// time. A request whose task failed gets another, `RepoRetries` times; then it is given up.
///
/// One at a time looks; a second one leaves it to the first.
pub async fn run_queue(call: &mut Call) -> Rpc<()> {
    if !lock(call).await? {
        return Ok(());
    }
    let mut changed = false;
    let mut without_task = Vec::new();
    let mut running = Running::default();
    for request in store::waiting(&call.db).await? {
        let Some(task) = request.task_id else {
            without_task.push(request);
            continue;
        };
        match look(call, &request, task).await? {
            Outcome::Running => running.add(&request),
            Outcome::Served(repo) => {
                changed = true;
                update(&request).set("repo_id", repo).set("active", false).run(&call.db).await?;
            }
            Outcome::Failed if i64::from(request.tries) > i64::from(call.hub.options.repo_retries) => {
                changed = true;
                warn!(request = request.id, tag = request.tag, tries = request.tries, "a repo request is given up");
                update(&request).set("active", false).run(&call.db).await?;
            }
            Outcome::Failed => without_task.push(request),
        }
    }
    let (most, most_maven) = (call.hub.options.max_repo_tasks, call.hub.options.max_repo_tasks_maven);
    for request in without_task {
        let full = running.all >= most || (request.opts.is_on("maven") && running.maven >= most_maven);
        if !full {
            let task = start(call, &request).await?;
            running.add(&request);
            changed = true;
            update(&request).set("task_id", task).set("tries", request.tries + 1).run(&call.db).await?;
            info!(request = request.id, tag = request.tag, task, "a repo is being made");
        } else if request.task_id.is_some() {
            changed = true;
            update(&request).set_null("task_id").run(&call.db).await?;
        }
    }
    if changed {
        clean(call).await?;
    }
    Ok(())
}

/// What became of a request's task.
enum Outcome {
    Running,
    Served(i32),
    Failed,
}

/// How many tasks are under way.
#[derive(Default)]
struct Running {
    all: u32,
    maven: u32,
}

impl Running {
    fn add(&mut self, request: &Request) {
        self.all += 1;
        self.maven += u32::from(request.opts.is_on("maven"));
    }
}

/// Takes the stock lock `repo-queue` until the end of the transaction; false if somebody else has it. On SQLite a
/// transaction that writes is alone anyway.
async fn lock(call: &Call) -> Rpc<bool> {
    if !call.db.is_postgres() {
        return Ok(true);
    }
    call.db.exists("SELECT name FROM locks WHERE name = 'repo-queue' FOR UPDATE SKIP LOCKED", vec![]).await
}

async fn look(call: &Call, request: &Request, task: i32) -> Rpc<Outcome> {
    match request.task_state.and_then(TaskState::from_code) {
        Some(TaskState::Closed) => {
            // Its repository should have served the request when it became ready.
            let Some(repo) = made_by(call, task).await? else {
                warn!(request = request.id, task, "the task made no repo");
                return Ok(Outcome::Failed);
            };
            if let Err(why) = request.check(&repo) {
                warn!(request = request.id, task, repo = repo.id, "the task's repo does not serve: {why}");
                return Ok(Outcome::Failed);
            }
            Ok(Outcome::Served(repo.id))
        }
        Some(TaskState::Canceled | TaskState::Failed) => Ok(Outcome::Failed),
        _ => Ok(Outcome::Running),
    }
}

/// The repository that a closed task tells of: it returns the ids of the repository and of its event.
async fn made_by(call: &Call, task: i32) -> Rpc<Option<repos::Repo>> {
    let Ok(result) = result(&call.db, task, true).await else { return Ok(None) };
    let id = result.as_array().and_then(|ids| ids.first()).and_then(Value::as_i64);
    match id.and_then(|id| i32::try_from(id).ok()) {
        Some(id) => repos::find(&call.db, id).await,
        None => Ok(None),
    }
}

/// Makes the task of a request. It belongs to the queue's user, else to who runs the queue, else to who asked.
async fn start(call: &mut Call, request: &Request) -> Rpc<i32> {
    let mut named =
        toji_proto::Struct::from([("opts".to_owned(), request.opts.value()), (NAMED.to_owned(), Value::Boolean(true))]);
    if let Some(event) = request.at_event {
        named.insert("event".into(), Value::Integer(event));
    }
    let tag = value!({ "id": request.tag_id, "name": &request.tag });
    let owner = queue_user(call).await?.or(call.user_id().ok()).unwrap_or(request.owner);
    make_task(call, "newRepo", &[tag, Value::Struct(named)], task_opts(Some(owner))).await
}

/// The user that repository tasks and automatic requests belong to, if the site has one.
pub async fn queue_user(call: &Call) -> Rpc<Option<i32>> {
    let name = call.hub.options.repo_queue_user.clone();
    call.db.value("SELECT id FROM users WHERE name = ?", vec![name.into()]).await
}

fn update(request: &Request) -> Update {
    Update::table("repo_queue").set("update_time", Utc::now()).clause("id = ?", [request.id.into()])
}

/// Deletes requests that ended long ago.
async fn clean(call: &Call) -> Rpc<()> {
    let before = Utc::now() - Duration::minutes(call.hub.options.request_clean_time.into());
    call.db.execute("DELETE FROM repo_queue WHERE active = FALSE AND update_time < ?", vec![before.into()]).await?;
    Ok(())
}
