//! Requests that nobody has to make: for tags with the setting `repo.auto`.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::states::PRIO_DEFAULT;
use toji_proto::{Value, ValueExt};

use super::super::options::RepoOpts;
use super::super::store::Needed;
use super::queue::queue_user;
use super::request::{Wanted, place};
use super::{Call, Rpc, min_event};
use crate::db::{Kind, RowExt, Select};

/// How much later than what somebody asked for these come.
const PRIORITY: i32 = PRIO_DEFAULT + 5;

/// Requests repositories for all tags that want them kept fresh, as the scheduler does by itself.
#[rpc("repo.autoRequests()", write, perm = "repo")]
pub async fn auto_requests(call: &mut Call) -> Rpc<()> {
    request_automatic(call).await
}

/// Asks for a repository for each tag whose own setting `repo.auto` is true, unless one is there that is no older
/// than its `repo.lag` (or `RepoAutoLag`) seconds. The requests belong to the caller, else to the queue's user,
/// else to whoever made the setting.
pub async fn request_automatic(call: &mut Call) -> Rpc<()> {
    let user = call.user_id().ok().or(queue_user(call).await?);
    for (tag_id, auto) in automatic(call).await? {
        let lag = auto.lag.unwrap_or(call.hub.options.repo_auto_lag.into());
        let min_event = Some(min_event::within_lag(call, tag_id, lag).await?);
        let needed = Needed { tag_id, min_event, at_event: None, opts: RepoOpts::default() };
        let wanted = Wanted { needed, priority: PRIORITY, owner: user.unwrap_or(auto.creator) };
        place(call, &wanted, false).await?;
    }
    Ok(())
}

struct Automatic {
    lag: Option<i64>,
    creator: i32,
}

async fn automatic(call: &Call) -> Rpc<BTreeMap<i32, Automatic>> {
    let rows = Select::from("tag_extra")
        .columns(&[("tag_id", "tag_id"), ("key", "key"), ("creator_id", "creator_id")])
        .column_as("value", "value", Kind::Json)
        .clause("key IN ('repo.auto', 'repo.lag') AND value IS NOT NULL", [])
        .at_event("tag_extra", None)
        .order("tag_id,key")
        .all(&call.db)
        .await?;
    let mut found: BTreeMap<i32, Automatic> = BTreeMap::new();
    for row in rows {
        let (tag_id, setting) = (row.int("tag_id")?, row.get("value").unwrap_or(&Value::Nil));
        match row.text("key") {
            "repo.auto" if setting.is_true() => {
                found.insert(tag_id, Automatic { lag: None, creator: row.int("creator_id")? });
            }
            // In the order of the keys: the other one comes first.
            "repo.lag" => {
                if let Some(auto) = found.get_mut(&tag_id) {
                    auto.lag = min_event::lag_of(setting);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
