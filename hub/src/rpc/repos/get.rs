//! Finding repositories.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::states::RepoState;

use super::options::RepoOpts;
use super::store::{self, Needed, REPOS};
use super::{Call, Rpc};
use crate::db::{QueryOpts, Row};
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};

/// The newest repository of a tag: a struct as of `repoInfo`, nil if there is none.
///
/// It is ready, unless another `state` is asked for; `dist` asks for a dist repository; `min_event` for one that
/// shows the tag at this event or later. With `event` it is the newest one made at this event or before, in
/// whatever state.
///
/// Faults: an unknown tag (1000).
#[rpc("getRepo(tag, state=None, event=None, dist=False, min_event=None)", read)]
pub async fn get_repo(
    call: &mut Call,
    tag: NameOrId,
    state: Option<i32>,
    event: Option<i32>,
    dist: bool,
    min_event: Option<i32>,
) -> Rpc<Option<Row>> {
    let tag = lookup::get(&call.db, Table::Tag, &tag).await?;
    let select = REPOS.whole().clause("repo.tag_id = ? AND repo.dist = ?", [tag.id.into(), dist.into()]);
    let select = match event.filter(|event| *event != 0) {
        Some(event) => select.clause("repo.create_event <= ?", [event.into()]),
        None => select.clause("repo.state = ?", [state.unwrap_or(RepoState::Ready.code()).into()]),
    };
    let select = select.clause_if("repo.create_event >= ?", min_event).order("-creation_time,-id");
    store::newest(select).one(&call.db).await
}

/// A repository: a struct with
/// * `id, tag_id, tag_name, state, dist, task_id, task_state`;
/// * `opts` and `custom_opts`: what it holds besides packages, and where that differs from the tag's defaults
///   (structs; nil for a dist repository);
/// * `create_event`: the event that it shows the tag at, `begin_event` and `end_event`: the changes of the tag
///   before and after that, each also as `…_ts`;
/// * `creation_time` and `state_time`, also as `…_ts` (seconds since 1970).
///
/// One that does not exist is nil or, with `strict`, a fault (1000).
#[rpc("repoInfo(repo_id, strict=False)", read)]
pub async fn repo_info(call: &mut Call, repo_id: Option<i32>, strict: bool) -> Rpc<Option<Row>> {
    let found = match repo_id {
        Some(id) => store::find(&call.db, id).await?,
        None => None,
    };
    match found {
        None if strict => Err(store::no_such(repo_id.unwrap_or_default())),
        found => Ok(found.map(|repo| repo.row)),
    }
}

/// All repositories that are not deleted: structs with `id, tag_id, tag_name, create_event, create_ts,
/// creation_ts, state, state_ts, dist, task_id, end_event, opts`, as of `repoInfo`.
#[rpc("getActiveRepos()", read)]
pub async fn get_active_repos(call: &mut Call) -> Rpc<Value> {
    const FIELDS: [&str; 12] = [
        "id",
        "tag_id",
        "create_event",
        "create_ts",
        "state",
        "dist",
        "task_id",
        "tag_name",
        "creation_ts",
        "state_ts",
        "end_event",
        "opts",
    ];
    REPOS.only(&FIELDS).clause("repo.state <> ?", [RepoState::Deleted.code().into()]).order("id").answer(&call.db).await
}

/// The ready repository to use for a tag: a struct as of `repoInfo`, nil if there is none.
///
/// It shows the tag at `at_event`, or at `min_event` or later; it has the options asked for in `opts` (a struct of
/// `src, debuginfo, separate_src, maven`), and none but the tag's defaults besides. Of several it is the latest.
///
/// Faults: an unknown tag (1000), unknown options (1019).
#[rpc("repo.get(tag, min_event=None, at_event=None, opts=None)", read)]
pub async fn get(
    call: &mut Call,
    tag: NameOrId,
    min_event: Option<i32>,
    at_event: Option<i32>,
    opts: Value,
) -> Rpc<Option<Row>> {
    let tag_id = lookup::get(&call.db, Table::Tag, &tag).await?.id;
    let opts = RepoOpts::asked(&opts)?;
    store::ready(&call.db, &Needed { tag_id, min_event, at_event, opts }).await
}

/// Repositories that meet all of `clauses`: lists of field, operator and value, such as `['state', '=', 1]`; the
/// operator may be left out. Structs with `id, tag_id, create_event, state, dist, task_id, opts, custom_opts`, or
/// with the `fields` asked for: any of `repoInfo`, `**` for all of them.
///
/// Faults: unknown fields and operators (1019).
#[rpc("repo.query(clauses, fields=None, opts=None)", read)]
pub async fn query(call: &mut Call, clauses: Value, fields: Value, opts: Option<QueryOpts>) -> Rpc<Value> {
    REPOS.answer(&call.db, clauses, fields, opts).await
}

/// The buildroots that use a repository: structs with `id, host_id, task_id, create_event, state`.
#[rpc("repo.references(repo_id)", read)]
pub async fn references(call: &mut Call, repo_id: i32) -> Rpc<Vec<Value>> {
    Ok(store::references(&call.db, repo_id).await?.into_iter().map(Value::Struct).collect())
}
