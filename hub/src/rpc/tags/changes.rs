//! When tags changed: what repositories go by.
//!
//! A change is a version that begins or ends in one of `VERSIONED`, or a note in `tag_updates` of what has no
//! versions, such as a build that got another volume. Who owns a package in a tag does not count.

use toji_hub_macros::rpc;
use toji_proto::states::TagUpdateType;

use super::store::{self, When};
use super::{Call, Rpc, inheritance};
use crate::db::{Db, Insert, Param, Select, active_or_at, in_list};
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};

/// The tables with history whose entries belong to a tag and matter to its repositories.
const VERSIONED: [&str; 9] = [
    "tag_listing",
    "tag_inheritance",
    "tag_config",
    "tag_extra",
    "tag_packages",
    "tag_external_repos",
    "group_package_listing",
    "group_req_listing",
    "group_config",
];

/// Those whose entries belong to an external repository.
const VERSIONED_REPOS: [&str; 2] = ["external_repo_config", "external_repo_data"];

/// Whether any of the tags (ids) changed after an event. What they inherit is not looked at, nor are changes of
/// external repositories themselves.
#[rpc("tagChangedSinceEvent(event, taglist)", read)]
pub async fn tag_changed_since_event(call: &mut Call, event: i32, tags: Vec<i32>) -> Rpc<bool> {
    Ok(extreme(&call.db, Bound::After(event), &tags, &[]).await?.is_some())
}

/// The last event that changed a tag, deleted or not, or what it inherits (unless `inherit` is false), or an
/// external repository of these; only before the event `before`, if given. Nil if there is none.
///
/// Faults: an unknown tag (1000).
#[rpc("tagLastChangeEvent(tag, before=None, inherit=True)", read)]
pub async fn tag_last_change_event(
    call: &mut Call,
    tag: NameOrId,
    before: Option<i32>,
    inherit: bool,
) -> Rpc<Option<i32>> {
    let tag = store::get(&call.db, &tag, When::Latest).await?;
    last_change(&call.db, tag.id, tag.revoke_event, before, inherit).await
}

/// The first event that changed a tag: its creation, or the first after the event `after`, if given; else as
/// `tagLastChangeEvent`.
#[rpc("tagFirstChangeEvent(tag, after=None, inherit=True)", read)]
pub async fn tag_first_change_event(
    call: &mut Call,
    tag: NameOrId,
    after: Option<i32>,
    inherit: bool,
) -> Rpc<Option<i32>> {
    let tag = lookup::get(&call.db, Table::Tag, &tag).await?;
    first_change(&call.db, tag.id, after, inherit).await
}

/// See `tagLastChangeEvent`; `deleted` is when the tag was, if it was.
pub async fn last_change(
    db: &Db,
    tag_id: i32,
    deleted: Option<i32>,
    before: Option<i32>,
    inherit: bool,
) -> Rpc<Option<i32>> {
    if before.is_none() && deleted.is_some() {
        return Ok(deleted);
    }
    let (tags, repos) = sources(db, tag_id, before, inherit).await?;
    let last = extreme(db, Bound::Before(before), &tags, &repos).await?;
    Ok(last.map(|last| deleted.map_or(last, |deleted| deleted.min(last))))
}

/// See `tagFirstChangeEvent`.
pub async fn first_change(db: &Db, tag_id: i32, after: Option<i32>, inherit: bool) -> Rpc<Option<i32>> {
    let sql = "SELECT min(create_event) FROM tag_config WHERE tag_id = ?";
    let created: Option<i32> = db.value(sql, vec![tag_id.into()]).await?;
    let Some(after) = after else { return Ok(created) };
    let (tags, repos) = sources(db, tag_id, Some(after), inherit).await?;
    let first = extreme(db, Bound::After(after), &tags, &repos).await?;
    Ok(first.map(|first| created.map_or(first, |created| created.max(first))))
}

/// Notes a change of a tag that has no version.
pub async fn note_update(call: &mut Call, tag_id: i32, kind: TagUpdateType) -> Rpc<()> {
    let (event, user) = (call.event().await?, call.user_id()?);
    Insert::into("tag_updates")
        .set("tag_id", tag_id)
        .set("update_event", event)
        .set("updater_id", user)
        .set("update_type", kind.code())
        .run(&call.db)
        .await
}

/// The tags whose changes matter to a tag, and their external repositories, as of an event.
async fn sources(db: &Db, tag_id: i32, event: Option<i32>, inherit: bool) -> Rpc<(Vec<i32>, Vec<i32>)> {
    let tags = if inherit { inheritance::chain(db, tag_id, event).await? } else { vec![tag_id] };
    let (config, params) = active_or_at("external_repo_config", event);
    let repos = Select::from("tag_external_repos")
        .join_with(
            &format!(
                "external_repo_config ON external_repo_config.external_repo_id = \
                 tag_external_repos.external_repo_id AND {config}"
            ),
            params,
        )
        .column("tag_external_repos.external_repo_id", "id")
        .distinct()
        .is_in(db, "tag_external_repos.tag_id", &tags)
        .at_event("tag_external_repos", event)
        .values(db)
        .await?;
    Ok((tags, repos))
}

#[derive(Clone, Copy)]
enum Bound {
    /// The first event after this one.
    After(i32),
    /// The last event, or the last before this one.
    Before(Option<i32>),
}

/// The first or last event, within a bound, that changed any of the tags or repositories: one query.
async fn extreme(db: &Db, bound: Bound, tags: &[i32], repos: &[i32]) -> Rpc<Option<i32>> {
    let (pick, compare, limit) = match bound {
        Bound::After(event) => ("min", ">", Some(event)),
        Bound::Before(event) => ("max", "<", event),
    };
    let mut parts: Vec<String> = Vec::new();
    let mut params: Vec<Param> = Vec::new();
    let mut add = |table: &str, event: &str, key: &str, ids: &[i32]| {
        let (mut clause, ids) = in_list(db.is_postgres(), key, ids);
        params.extend(ids);
        if let Some(limit) = limit {
            clause.push_str(&format!(" AND {event} {compare} ?"));
            params.push(limit.into());
        }
        parts.push(format!("SELECT {pick}({event}) AS event FROM {table} WHERE {clause}"));
    };
    if !tags.is_empty() {
        add("tag_updates", "update_event", "tag_id", tags);
        for table in VERSIONED {
            add(table, "create_event", "tag_id", tags);
            add(table, "revoke_event", "tag_id", tags);
        }
    }
    if !repos.is_empty() {
        for table in VERSIONED_REPOS {
            add(table, "create_event", "external_repo_id", repos);
            add(table, "revoke_event", "external_repo_id", repos);
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let sql = format!("SELECT {pick}(event) FROM ({}) AS changes", parts.join(" UNION ALL "));
    db.value(&sql, params).await
}
