//! Looking channels up.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::value::list;

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
/// only enabled or disabled ones. All come by id, a host's as people read them: `default` first, then by name.
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
    let Some(host) = host else {
        if event.0.is_some_and(|event| event != 0) {
            return Err(error::generic("listChannels takes an event only together with a host"));
        }
        return store::select("channels").clause_if("channels.enabled = ?", enabled).answer(&call.db).await;
    };
    let mut channels = store::select("host_channels")
        .join("channels ON channels.id = host_channels.channel_id")
        .at_event("host_channels", event.0)
        .clause("host_channels.host_id = ?", [host.into()])
        .clause_if("channels.enabled = ?", enabled)
        .all(&call.db)
        .await?;
    channels.sort_by_key(|channel| (channel.text("name") != "default", channel.text("name").to_string()));
    Ok(list(channels))
}
