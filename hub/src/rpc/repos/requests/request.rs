//! `repo.request`.

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::states::PRIO_DEFAULT;
use toji_proto::{Value, value};

use super::super::options::RepoOpts;
use super::super::store::{self as repos, Needed};
use super::store::{self, REQUESTS};
use super::{Call, Rpc, min_event};
use crate::db::{Insert, Row, RowExt, json};
use crate::error;
use crate::rpc::tags::store::{self as tags, When};
use crate::rpc::{FromArg, NameOrId};

/// Asks for a repository of a tag: a struct with `repo` (as of `repoInfo`, if there is one to use), `request`
/// (if one has to be made) and `duplicate` (whether somebody asked for the same before).
///
/// The repository shows the tag at `at_event`, or not before `min_event`: an event, `last` for the last change of
/// the tag, or nil for what the tag's setting `repo.lag` or the hub allows. `opts` is a struct of `src, debuginfo,
/// separate_src, maven`; what is left out is as the tag has it. With `force` a repository that is there already
/// does not count. `priority` is relative to the default (20); below it is for admins (1004).
///
/// A request is a struct with `id, tag_id, tag_name, owner, owner_name, priority, at_event, min_event, opts,
/// active, task_id, task_state, tries, repo_id` and `create_time` and `update_time`, also as `…_ts`.
///
/// Faults: a tag that does not exist, Maven where it is off (1000); both events given, unknown events or
/// options (1019).
#[rpc("repo.request(tag, min_event=None, at_event=None, opts=None, priority=None, force=False)", write, login)]
pub async fn request(
    call: &mut Call,
    tag: NameOrId,
    min_event: Value,
    at_event: Option<i32>,
    opts: Value,
    priority: Option<i32>,
    force: bool,
) -> Rpc<Value> {
    let tag = tags::get(&call.db, &tag, When::Now).await?;
    let opts = RepoOpts::asked(&opts)?;
    if opts.is_on("maven") && !call.hub.options.enable_maven {
        return Err(error::generic("Maven support is not enabled"));
    }
    let min_event = match (at_event, &min_event) {
        (Some(_), Value::Nil) => None,
        (Some(_), _) => return Err(error::param("min_event and at_event cannot be given together")),
        (None, Value::Nil) => {
            let lag = min_event::own_lag(&tag).unwrap_or(call.hub.options.repo_lag.into());
            Some(min_event::within_lag(call, tag.id, lag).await?)
        }
        (None, Value::String(word)) if word == "last" => Some(min_event::last_change(call, tag.id).await?),
        (None, event) => Some(i32::from_arg(event.clone(), "min_event")?),
    };
    for event in at_event.iter().chain(&min_event) {
        if !call.db.exists("SELECT 1 FROM events WHERE id = ?", vec![(*event).into()]).await? {
            return Err(error::param(format!("Invalid event: {event}")));
        }
    }
    let priority = priority.unwrap_or(0);
    if priority < 0 && !call.has_perm("admin").await? {
        return Err(error::denied("only admins may create high-priority requests"));
    }
    let wanted = Wanted {
        needed: Needed { tag_id: tag.id, min_event, at_event, opts },
        priority: PRIO_DEFAULT.saturating_add(priority),
        owner: call.user_id()?,
    };
    Ok(place(call, &wanted, force).await?.value())
}

/// A repository that somebody wants.
pub struct Wanted {
    pub needed: Needed,
    pub priority: i32,
    pub owner: i32,
}

/// What came of asking.
pub enum Placed {
    /// There is one.
    Repo(Row),
    /// One will be made.
    New(Row),
    /// One is being made already.
    Duplicate(Row),
}

impl Placed {
    fn value(self) -> Value {
        let (repo, request, duplicate) = match self {
            Self::Repo(repo) => (Some(repo), None, false),
            Self::New(request) => (None, Some(request), false),
            Self::Duplicate(request) => (None, Some(request), true),
        };
        value!({ "repo": repo.map(Value::Struct), "request": request.map(Value::Struct), "duplicate": duplicate })
    }
}

/// Finds a repository (unless forced), or a request that asks for the same, or makes a new one. A request that was
/// there before gets the higher of the two priorities.
pub async fn place(call: &mut Call, wanted: &Wanted, force: bool) -> Rpc<Placed> {
    if !force && let Some(repo) = repos::ready(&call.db, &wanted.needed).await? {
        return Ok(Placed::Repo(repo));
    }
    if let Some(mut row) = same(call, &wanted.needed).await? {
        if row.int("priority")? > wanted.priority {
            store::set_priority(&call.db, row.int("id")?, wanted.priority).await?;
            row.insert("priority".into(), Value::Integer(wanted.priority));
        }
        return Ok(Placed::Duplicate(row));
    }
    let now = Utc::now();
    let Needed { tag_id, min_event, at_event, opts } = &wanted.needed;
    let id = Insert::into("repo_queue")
        .set("create_time", now)
        .set("update_time", now)
        .set("owner", wanted.owner)
        .set("priority", wanted.priority)
        .set("tag_id", *tag_id)
        .set("at_event", *at_event)
        .set("min_event", *min_event)
        .set("opts", opts.json())
        .returning_id(&call.db)
        .await?;
    call.wake_scheduler();
    let row = store::find(&call.db, id).await?;
    Ok(Placed::New(row.ok_or_else(|| error::internal(format!("the new request {id} is not there")))?))
}

/// The active request that asks for the same, or for something newer.
async fn same(call: &Call, needed: &Needed) -> Rpc<Option<Row>> {
    let (same, params) = json::equals(&call.db, "repo_queue.opts", &needed.opts.json());
    let select = REQUESTS
        .whole()
        .clause("repo_queue.tag_id = ? AND repo_queue.active = TRUE", [needed.tag_id.into()])
        .clause(&same, params);
    let select = match needed.at_event {
        Some(event) => select.clause("repo_queue.at_event = ?", [event.into()]),
        None => select.clause("repo_queue.min_event >= ?", [needed.min_event.into()]),
    };
    repos::newest(select.order("priority,id")).one(&call.db).await
}
