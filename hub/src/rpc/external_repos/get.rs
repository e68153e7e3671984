//! `getExternalRepo` and `listExternalRepos`.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::value::Record;

use super::store;
use super::{Call, Rpc};
use crate::db::QueryOpts;
use crate::error;
use crate::rpc::NameOrId;

/// An external repository, now or at an event: a struct with `id, name, url`.
///
/// One that does not exist is nil or, with `strict`, a fault (1000).
#[rpc("getExternalRepo(info, strict=False, event=None)", read)]
pub async fn get_external_repo(
    call: &mut Call,
    repo: Option<NameOrId>,
    strict: bool,
    event: Option<i32>,
) -> Rpc<Option<Record>> {
    let repo = repo.ok_or_else(|| error::generic("Which external repo? None was named"))?;
    match store::find(&call.db, &repo, event).await? {
        Some(found) => Ok(Some(found.record())),
        None if strict => Err(store::no_such(&repo)),
        None => Ok(None),
    }
}

/// External repositories, now or at an event: structs with `id, name, url`. `info` asks for one of them, by id
/// or name, `url` for those that have this very URL.
#[rpc("listExternalRepos(info=None, url=None, event=None, queryOpts=None)", read)]
pub async fn list_external_repos(
    call: &mut Call,
    info: Option<NameOrId>,
    url: Option<String>,
    event: Option<i32>,
    query_opts: Option<QueryOpts>,
) -> Rpc<Value> {
    let mut select = store::select(event);
    if let Some(repo) = &info {
        select = store::only(select, repo);
    }
    let url = url.filter(|url| !url.is_empty());
    select.clause_if("external_repo_config.url = ?", url).opts(query_opts).answer(&call.db).await
}
