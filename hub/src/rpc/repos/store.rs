//! Repositories in the database.

use toji_proto::states::{BuildrootState, RepoState};
use toji_proto::{Value, ValueExt};

use super::options::RepoOpts;
use super::requests;
use crate::db::{Db, Field, Holds, QueryOpts, Row, RowExt, Select, Update, View, json};
use crate::error::{self, Rpc};
use crate::rpc::Call;

const CREATED: &str = "events AS create_ev ON create_ev.id = repo.create_event";
const BEGAN: &str = "LEFT JOIN events AS begin_ev ON begin_ev.id = repo.begin_event";
const ENDED: &str = "LEFT JOIN events AS end_ev ON end_ev.id = repo.end_event";
const TASK: &str = "LEFT JOIN task ON task.id = repo.task_id";
const TAG: &str = "tag ON tag.id = repo.tag_id";

/// All that clients may ask of repositories.
pub const REPOS: View = View {
    table: "repo",
    fields: &[
        Field::new("id", "repo.id", Holds::Int),
        Field::new("tag_id", "repo.tag_id", Holds::Int),
        Field::new("creation_time", "repo.creation_time", Holds::Clock),
        Field::new("creation_ts", "repo.creation_time", Holds::Time),
        Field::new("state_time", "repo.state_time", Holds::Clock),
        Field::new("state_ts", "repo.state_time", Holds::Time),
        Field::new("create_event", "repo.create_event", Holds::Int),
        Field::joined("create_ts", "create_ev.time", Holds::Time, CREATED),
        Field::new("begin_event", "repo.begin_event", Holds::Int),
        Field::joined("begin_ts", "begin_ev.time", Holds::Time, BEGAN),
        Field::new("end_event", "repo.end_event", Holds::Int),
        Field::joined("end_ts", "end_ev.time", Holds::Time, ENDED),
        Field::new("state", "repo.state", Holds::Int),
        Field::new("dist", "repo.dist", Holds::Bool),
        Field::new("opts", "repo.opts", Holds::Json),
        Field::new("custom_opts", "repo.custom_opts", Holds::Json),
        Field::new("task_id", "repo.task_id", Holds::Int),
        Field::joined("task_state", "task.state", Holds::Int, TASK),
        Field::joined("tag_name", "tag.name", Holds::Text, TAG),
    ],
    default: &["id", "tag_id", "create_event", "state", "dist", "task_id", "opts", "custom_opts"],
};

/// A repository, with what most methods need of it at hand.
#[derive(Clone, Debug)]
pub struct Repo {
    pub id: i32,
    pub tag_id: i32,
    pub tag: String,
    pub state: RepoState,
    /// Made from signed packages for others to use, not to build with.
    pub dist: bool,
    /// The event that it shows the tag at.
    pub create_event: i32,
    /// Nil for a dist repository.
    pub opts: Value,
    /// Where they differ from the tag's; nil for a dist repository.
    pub custom_opts: Value,
    /// The whole row, in the shape of `repoInfo`.
    pub row: Row,
}

impl Repo {
    fn from_row(row: Row) -> Rpc<Self> {
        let state = row.int("state")?;
        let value = |name: &str| row.get(name).cloned().unwrap_or(Value::Nil);
        Ok(Self {
            id: row.int("id")?,
            tag_id: row.int("tag_id")?,
            tag: row.text("tag_name").into(),
            state: RepoState::from_code(state)
                .ok_or_else(|| error::internal(format!("{state} is no state of a repo")))?,
            dist: row.is("dist"),
            create_event: row.int("create_event")?,
            opts: value("opts"),
            custom_opts: value("custom_opts"),
            row,
        })
    }

    /// Whether it has options that differ from its tag's.
    pub fn is_custom(&self) -> bool {
        self.custom_opts.is_true()
    }
}

/// The repository, if there is one.
pub async fn find(db: &Db, id: i32) -> Rpc<Option<Repo>> {
    REPOS.whole().clause("repo.id = ?", [id.into()]).one(db).await?.map(Repo::from_row).transpose()
}

/// The repository; a general fault if there is none.
pub async fn get(db: &Db, id: i32) -> Rpc<Repo> {
    find(db, id).await?.ok_or_else(|| no_such(id))
}

/// The fault for a repository that does not exist.
pub fn no_such(id: i32) -> error::Error {
    error::generic(format!("No such repo: {id}"))
}

/// What a repository must be like to be used.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    pub tag_id: i32,
    /// Not older than this event.
    pub min_event: Option<i32>,
    /// At this very event; `min_event` does not count then.
    pub at_event: Option<i32>,
    pub opts: RepoOpts,
}

/// The newest ready repository that has the needed options, and none of its own that were not asked for.
pub async fn ready(db: &Db, needed: &Needed) -> Rpc<Option<Row>> {
    let opts = needed.opts.json();
    let (holds, held) = json::holds(db, "repo.opts", &opts);
    let (within, whole) = json::within(db, "repo.custom_opts", &opts);
    let select = REPOS
        .whole()
        .clause("repo.tag_id = ? AND repo.dist = FALSE", [needed.tag_id.into()])
        .clause("repo.state = ?", [RepoState::Ready.code().into()])
        .clause(&holds, held)
        .clause(&within, whole);
    let select = match needed.at_event {
        Some(event) => select.clause("repo.create_event = ?", [event.into()]),
        None => select.clause_if("repo.create_event >= ?", needed.min_event),
    };
    newest(select.order("-create_event,-id")).one(db).await
}

/// Only the first row.
pub fn newest(select: Select) -> Select {
    select.opts(QueryOpts { limit: Some(1), ..QueryOpts::default() })
}

/// Moves a repository to a state. States only go up, but for DELETED, which follows any other and is the end.
/// Staying in a state is no fault. A repository that becomes ready serves the requests that wait for it.
///
/// Faults: a repository that does not exist, a step back (1000).
pub async fn set_state(call: &mut Call, id: i32, state: RepoState) -> Rpc<()> {
    let old = Select::from("repo").column("state", "state").clause("id = ?", [id.into()]).lock();
    let old: i32 = old.value(&call.db).await?.ok_or_else(|| no_such(id))?;
    if old == state.code() {
        return Ok(());
    }
    if old == RepoState::Deleted.code() {
        return Err(error::generic(format!("Repo {id} is deleted")));
    }
    if old > state.code() && state != RepoState::Deleted {
        let old = RepoState::from_code(old).map_or("?", RepoState::name);
        return Err(error::generic(format!("Repo {id} cannot go from {old} to {state}")));
    }
    Update::table("repo")
        .set("state", state.code())
        .set("state_time", chrono::Utc::now())
        .clause("id = ?", [id.into()])
        .run(&call.db)
        .await?;
    if state == RepoState::Ready {
        requests::store::serve(&call.db, &get(&call.db, id).await?).await?;
    }
    Ok(())
}

/// The buildroots that use a repository: rows with `id, host_id, task_id, create_event, state`.
pub async fn references(db: &Db, id: i32) -> Rpc<Vec<Row>> {
    Select::from("standard_buildroot")
        .columns(&[
            ("buildroot_id", "id"),
            ("host_id", "host_id"),
            ("task_id", "task_id"),
            ("create_event", "create_event"),
            ("state", "state"),
        ])
        .clause("repo_id = ? AND retire_event IS NULL", [id.into()])
        .clause("state IS NULL OR state <> ?", [BuildrootState::Expired.code().into()])
        .order("id")
        .all(db)
        .await
}
