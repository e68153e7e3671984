//! How old a repository may be for a request that does not say.

use chrono::{Duration, Utc};
use toji_proto::Value;

use super::{Call, Rpc};
use crate::error;
use crate::rpc::tags::changes;
use crate::rpc::tags::store::Tag;

/// The event after which a tag's changes may be missing from a repository: the last one of `lag` seconds ago or,
/// if the tag did not change since, the tag's last change.
///
/// The time is rounded down to a multiple of `RepoLagWindow`, so that those who ask within the same window share a
/// repository.
pub async fn within_lag(call: &Call, tag_id: i32, lag: i64) -> Rpc<i32> {
    let last = last_change(call, tag_id).await?;
    let window = i64::from(call.hub.options.repo_lag_window).max(1);
    let now = Utc::now();
    let before = (now.timestamp() - lag).div_euclid(window) * window;
    let before = now + Duration::seconds(before - now.timestamp());
    let earlier = call.db.compare_time("time", "<");
    let sql = format!("SELECT id FROM events WHERE {earlier} ORDER BY id DESC LIMIT 1");
    let base: Option<i32> = call.db.value(&sql, vec![before.into()]).await?;
    let base = match base {
        Some(event) => Some(event),
        // A hub that is younger than the lag.
        None => changes::first_change(&call.db, tag_id, None, true).await?,
    };
    Ok(base.map_or(last, |base| base.min(last)))
}

/// The last event that changed a tag or what it inherits.
pub async fn last_change(call: &Call, tag_id: i32) -> Rpc<i32> {
    let last = changes::last_change(&call.db, tag_id, None, None, true).await?;
    last.ok_or_else(|| error::internal(format!("tag {tag_id} has no history")))
}

/// A tag's own lag in seconds, from its setting `repo.lag`.
pub fn own_lag(tag: &Tag) -> Option<i64> {
    lag_of(tag.settings().get("repo.lag")?)
}

/// The lag that a setting means; what is no number means none.
pub fn lag_of(setting: &Value) -> Option<i64> {
    use toji_proto::ValueExt;
    setting.as_i64()
}
