//! Looking channels up.

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Row, RowExt};
use crate::error::{self, Rpc};
use crate::rpc::hosts::store as hosts;
use crate::rpc::{AtEvent, Call, NameOrId};

use super::store;

/// A channel: `id`, `name`, `description`, `enabled`, `comment`. Nothing if there is none; with `strict` fault
/// 1000.
#[rpc("getChannel(channelInfo, strict=False)", read)]
pub async fn get_channel(call: &mut Call, channel: NameOrId, strict: bool) -> Rpc<Option<Row>> {
    if strict { store::get(&call.db, &channel).await.map(Some) } else { store::find(&call.db, &channel).await }
}

/// Channels as `getChannel` tells them: all, or those of a host (with `event` those of then); all of them, or
/// only enabled or disabled ones.
#[rpc("listChannels(hostID=None, event=None, enabled=None)", read)]
pub async fn list_channels(
    call: &mut Call,
    host: Option<NameOrId>,
    event: AtEvent,
    enabled: Option<bool>,
) -> Rpc<Value> {
    let host = match host.filter(|host| *host != NameOrId::Id(0) && *host != NameOrId::Name(String::new())) {
        Some(NameOrId::Id(id)) => Some(id),
        Some(named) => Some(hosts::get(&call.db, &named).await?.int("id")?),
        None => None,
    };
    let select = match (host, event) {
        (Some(host), event) => store::select("host_channels")
            .join("channels ON channels.id = host_channels.channel_id")
            .at_event("host_channels", event.0)
            .clause("host_channels.host_id = ?", [host.into()]),
        (None, AtEvent(Some(event))) if event != 0 => {
            return Err(error::generic("listChannels takes an event only together with a host"));
        }
        (None, _) => store::select("channels"),
    };
    select.clause_if("channels.enabled = ?", enabled).answer(&call.db).await
}
