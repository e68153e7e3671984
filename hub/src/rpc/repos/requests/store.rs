//! Requests in the database.

use chrono::Utc;
use toji_proto::{Value, ValueExt};

use super::super::options::RepoOpts;
use super::super::store::Repo;
use crate::db::{Db, Field, Holds, Row, RowExt, Update, View, json};
use crate::error::Rpc;

const TASK: &str = "LEFT JOIN task ON task.id = repo_queue.task_id";
const TAG: &str = "tag ON tag.id = repo_queue.tag_id";
const OWNER: &str = "users ON users.id = repo_queue.owner";

/// All that clients may ask of requests.
pub const REQUESTS: View = View {
    table: "repo_queue",
    fields: &[
        Field::new("id", "repo_queue.id", Holds::Int),
        Field::new("create_time", "repo_queue.create_time", Holds::Clock),
        Field::new("create_ts", "repo_queue.create_time", Holds::Time),
        Field::new("owner", "repo_queue.owner", Holds::Int),
        Field::joined("owner_name", "users.name", Holds::Text, OWNER),
        Field::new("priority", "repo_queue.priority", Holds::Int),
        Field::new("tag_id", "repo_queue.tag_id", Holds::Int),
        Field::joined("tag_name", "tag.name", Holds::Text, TAG),
        Field::new("at_event", "repo_queue.at_event", Holds::Int),
        Field::new("min_event", "repo_queue.min_event", Holds::Int),
        Field::new("opts", "repo_queue.opts", Holds::Json),
        Field::new("update_time", "repo_queue.update_time", Holds::Clock),
        Field::new("update_ts", "repo_queue.update_time", Holds::Time),
        Field::new("active", "repo_queue.active", Holds::Bool),
        Field::new("task_id", "repo_queue.task_id", Holds::Int),
        Field::joined("task_state", "task.state", Holds::Int, TASK),
        Field::new("tries", "repo_queue.tries", Holds::Int),
        Field::new("repo_id", "repo_queue.repo_id", Holds::Int),
    ],
    default: &[
        "id",
        "tag_id",
        "at_event",
        "min_event",
        "create_ts",
        "task_id",
        "tries",
        "repo_id",
        "opts",
        "active",
        "update_ts",
    ],
};

/// A request that no repository has served yet.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: i32,
    pub owner: i32,
    pub tag_id: i32,
    pub tag: String,
    pub at_event: Option<i32>,
    pub min_event: Option<i32>,
    pub opts: RepoOpts,
    pub task_id: Option<i32>,
    pub task_state: Option<i32>,
    /// How many tasks were made for it.
    pub tries: i32,
}

impl Request {
    fn from_row(row: &Row) -> Rpc<Self> {
        Ok(Self {
            id: row.int("id")?,
            owner: row.int("owner")?,
            tag_id: row.int("tag_id")?,
            tag: row.text("tag_name").into(),
            at_event: row.opt_int("at_event"),
            min_event: row.opt_int("min_event"),
            opts: RepoOpts::known(row.get("opts").unwrap_or(&Value::Nil)),
            task_id: row.opt_int("task_id"),
            task_state: row.opt_int("task_state"),
            tries: row.opt_int("tries").unwrap_or(0),
        })
    }

    /// Whether a repository is what was asked for; otherwise why not.
    pub fn check(&self, repo: &Repo) -> Result<(), String> {
        let (at_event, min_event) = (self.at_event, self.min_event.unwrap_or(0));
        let (opts, custom) = (RepoOpts::known(&repo.opts), RepoOpts::known(&repo.custom_opts));
        if repo.tag_id != self.tag_id {
            Err(format!("it is of tag {}", repo.tag))
        } else if repo.state != toji_proto::states::RepoState::Ready {
            Err(format!("it is in state {}", repo.state))
        } else if at_event.is_some_and(|event| event != repo.create_event) {
            Err(format!("it is at event {}", repo.create_event))
        } else if at_event.is_none() && repo.create_event < min_event {
            Err(format!("it is at event {}, before {min_event}", repo.create_event))
        } else if !repo.opts.is_true() || !opts.holds(&self.opts) || !self.opts.holds(&custom) {
            Err(format!("its options are {}", repo.opts.repr()))
        } else {
            Ok(())
        }
    }
}

/// The requests that wait for a repository, in the order in which they get one.
pub async fn waiting(db: &Db) -> Rpc<Vec<Request>> {
    let rows =
        REQUESTS.whole().clause("repo_queue.repo_id IS NULL AND repo_queue.active = TRUE", []).order("priority,id");
    rows.all(db).await?.iter().map(Request::from_row).collect()
}

/// A request in the shape in which clients see it.
pub async fn find(db: &Db, id: i32) -> Rpc<Option<Row>> {
    REQUESTS.whole().clause("repo_queue.id = ?", [id.into()]).one(db).await
}

/// Gives the next tasks for a request another priority; smaller comes first.
pub async fn set_priority(db: &Db, id: i32, priority: i32) -> Rpc<()> {
    Update::table("repo_queue").set("priority", priority).clause("id = ?", [id.into()]).run(db).await?;
    Ok(())
}

/// Ends all requests that a ready repository fits: those for its tag and event, all of whose options it has, and
/// that asked for all of its custom options.
pub async fn serve(db: &Db, repo: &Repo) -> Rpc<()> {
    if repo.dist || repo.opts.is_nil() || repo.custom_opts.is_nil() {
        return Ok(());
    }
    let (within, whole) = json::within(db, "opts", &RepoOpts::known(&repo.opts).json());
    let (holds, part) = json::holds(db, "opts", &RepoOpts::known(&repo.custom_opts).json());
    Update::table("repo_queue")
        .set("repo_id", repo.id)
        .set("active", false)
        .set("update_time", Utc::now())
        .clause("tag_id = ? AND active = TRUE AND repo_id IS NULL", [repo.tag_id.into()])
        .clause("min_event <= ? OR at_event = ?", [repo.create_event.into(), repo.create_event.into()])
        .clause(&within, whole)
        .clause(&holds, part)
        .run(db)
        .await?;
    Ok(())
}
