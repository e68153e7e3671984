//! Who the calling host is.

use toji_hub_macros::rpc;

use super::{Call, Rpc};
use crate::db::{Row, RowExt, Select};
use crate::error;

/// The host's id.
#[rpc("host.getID()", read, host)]
pub async fn get_id(call: &mut Call) -> Rpc<i32> {
    call.assert_host().await
}

/// The host: a struct with `id`, `user_id`, `name`, `arches`, `capacity`, `description`, `comment`, `enabled`,
/// `ready`, `task_load` and `update_ts` (seconds, of the last `host.updateHost`).
#[rpc("host.getHost()", read, host)]
pub async fn get_host(call: &mut Call) -> Rpc<Row> {
    let id = call.assert_host().await?;
    own(call, id).await
}

/// Whether the host is enabled; a disabled one gets no tasks.
#[rpc("host.isEnabled()", read, host)]
pub async fn is_enabled(call: &mut Call) -> Rpc<bool> {
    let id = call.assert_host().await?;
    Ok(own(call, id).await?.is("enabled"))
}

pub async fn own(call: &Call, id: i32) -> Rpc<Row> {
    let host = Select::from("host_config")
        .join("host ON host.id = host_config.host_id")
        .columns(&[
            ("host.id", "id"),
            ("host.user_id", "user_id"),
            ("host.name", "name"),
            ("host.ready", "ready"),
            ("host.task_load", "task_load"),
            ("host_config.arches", "arches"),
            ("host_config.capacity", "capacity"),
            ("host_config.description", "description"),
            ("host_config.comment", "comment"),
            ("host_config.enabled", "enabled"),
        ])
        .epoch("host.update_time", "update_ts")
        .at_event("host_config", None)
        .clause("host.id = ?", [id.into()])
        .one(&call.db)
        .await?;
    host.ok_or_else(|| error::internal(format!("host {id} has no configuration")))
}
