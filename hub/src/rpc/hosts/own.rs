//! What a builder asks about itself.

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::Row;
use crate::error::Rpc;
use crate::rpc::{Call, NameOrId};

use super::store;

/// The calling host, as `getHost` tells it.
#[rpc("host.getHost()", read, host)]
pub async fn get_host(call: &mut Call) -> Rpc<Row> {
    let id = call.assert_host().await?;
    store::get(&call.db, &NameOrId::Id(id)).await
}

/// The calling host's id.
#[rpc("host.getID()", read, host)]
pub async fn get_id(call: &mut Call) -> Rpc<i32> {
    call.assert_host().await
}

/// Whether the calling host is enabled.
#[rpc("host.isEnabled()", read, host)]
pub async fn is_enabled(call: &mut Call) -> Rpc<bool> {
    let host = get_host(call).await?;
    Ok(host.get("enabled") == Some(&Value::Boolean(true)))
}
