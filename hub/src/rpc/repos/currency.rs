//! Which repositories still show their tag as it is.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::states::RepoState;

use super::{Call, Rpc};
use crate::db::{RowExt, Select, Update};
use crate::rpc::tags::changes;

/// Notes which ready repositories no longer show their tag as it is, as the scheduler does by itself.
#[rpc("repo.updateEndEvents()", write, perm = "repo")]
pub async fn update_end_events_now(call: &mut Call) -> Rpc<()> {
    update_end_events(call).await
}

/// Sets the end of those ready repositories whose tag, or what it inherits, has changed since they were made: the
/// event of the first change.
pub async fn update_end_events(call: &mut Call) -> Rpc<()> {
    let rows = Select::from("repo")
        .columns(&[("id", "id"), ("tag_id", "tag_id"), ("create_event", "create_event")])
        .clause("end_event IS NULL AND state = ?", [RepoState::Ready.code().into()])
        .order("tag_id,-create_event")
        .all(&call.db)
        .await?;
    let mut by_event: BTreeMap<(i32, i32), Vec<i32>> = BTreeMap::new();
    for row in rows {
        by_event.entry((row.int("tag_id")?, row.int("create_event")?)).or_default().push(row.int("id")?);
    }
    for ((tag_id, event), repos) in by_event {
        if let Some(end) = changes::first_change(&call.db, tag_id, Some(event), true).await? {
            let (clause, ids) = crate::db::in_list(call.db.is_postgres(), "id", &repos);
            Update::table("repo").set("end_event", end).clause(&clause, ids).run(&call.db).await?;
        }
    }
    Ok(())
}
