//! `getTagExternalRepos` and `getExternalRepoList`.

use std::collections::{BTreeMap, BTreeSet};

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::store::{self, OnTag};
use super::{Call, Rpc};
use crate::db::Db;
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::inheritance;
use crate::rpc::tags::store as tags;
use crate::rpc::{FromArg, NameOrId};

/// The external repositories on a tag itself (or on any tag), or the tags that a repository is on, now or at an
/// event. By priority: structs with `tag_id, tag_name, external_repo_id, external_repo_name, url, priority,
/// merge_mode, arches` (nil: all of the tag's).
///
/// Faults: a tag or repository that does not exist (1000).
#[rpc("getTagExternalRepos(tag_info=None, repo_info=None, event=None)", read)]
pub async fn get_tag_external_repos(
    call: &mut Call,
    tag_info: Value,
    repo_info: Value,
    event: Option<i32>,
) -> Rpc<Vec<Value>> {
    let tag = match given(tag_info, "tag_info")? {
        Some(tag) => Some(lookup::get(&call.db, Table::Tag, &tag).await?.id),
        None => None,
    };
    let repo = match given(repo_info, "repo_info")? {
        Some(repo) => Some(store::get(&call.db, &repo, event).await?.id),
        None => None,
    };
    let tags = tag.as_ref().map(std::slice::from_ref);
    let found = store::on_tags(&call.db, tags, repo, event).await?;
    Ok(found.iter().map(|on_tag| Value::Struct(on_tag.record())).collect())
}

/// The external repositories that count for a tag: its own and those of the tags that it inherits from, in the
/// order of inheritance, within each tag by priority. Of a repository that is there several times, the first
/// counts. Structs as of `getTagExternalRepos`.
///
/// Faults: a tag that does not exist, at that event if one is given (1000).
#[rpc("getExternalRepoList(tag_info, event=None)", read)]
pub async fn get_external_repo_list(call: &mut Call, tag: NameOrId, event: Option<i32>) -> Rpc<Vec<Value>> {
    let tag = tags::get(&call.db, &tag, event.into()).await?;
    let found = inherited(&call.db, tag.id, event).await?;
    Ok(found.iter().map(|on_tag| Value::Struct(on_tag.record())).collect())
}

/// The external repositories that count for a tag, the first of each.
pub async fn inherited(db: &Db, tag_id: i32, event: Option<i32>) -> Rpc<Vec<OnTag>> {
    let chain = inheritance::chain(db, tag_id, event).await?;
    let mut by_tag: BTreeMap<i32, Vec<OnTag>> = BTreeMap::new();
    for on_tag in store::on_tags(db, Some(&chain), None, event).await? {
        by_tag.entry(on_tag.tag_id).or_default().push(on_tag);
    }
    let mut seen = BTreeSet::new();
    let in_order = chain.iter().filter_map(|tag| by_tag.remove(tag)).flatten();
    Ok(in_order.filter(|on_tag| seen.insert(on_tag.repo.id)).collect())
}

/// What a client may leave out, by nil or by what is empty.
fn given(value: Value, name: &str) -> Rpc<Option<NameOrId>> {
    if value.is_true() { NameOrId::from_arg(value, name).map(Some) } else { Ok(None) }
}
