//! Which hosts are in which channels.

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Insert, RowExt};
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::hosts::store as hosts;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId};

use super::store;

/// Puts a host into a channel. With `create` the channel is made if there is none; a disabled one takes hosts
/// only with `force`. A host that is in it already is a fault.
#[rpc("addHostToChannel(hostname, channel_name, create=False, force=False)", write, perm = "host")]
pub async fn add_host_to_channel(
    call: &mut Call,
    host: NameOrId,
    channel: Value,
    create: bool,
    force: bool,
) -> Rpc<()> {
    let host_id = hosts::get(&call.db, &host).await?.int("id")?;
    let channel = if create {
        let name = names::text("Name", channel)?;
        names::check_internal(&call.hub.options, &name)?;
        let name = NameOrId::Name(name);
        lookup::get_or_create(&call.db, Table::Channel, &name).await?;
        name
    } else {
        NameOrId::from_arg(channel, "channel_name")?
    };
    let found = store::find(&call.db, &channel).await?;
    let found = found.ok_or_else(|| error::generic(format!("channel does not exist: {channel}")))?;
    if !force && !found.is("enabled") {
        return Err(error::generic(format!("channel {channel} is disabled")));
    }
    let channel_id = found.int("id")?;
    if is_in(call, host_id, channel_id).await? {
        return Err(error::generic(format!("host {host} is already subscribed to the {channel} channel")));
    }
    call.open_version(Insert::into("host_channels").set("host_id", host_id).set("channel_id", channel_id)).await?;
    call.wake_scheduler();
    Ok(())
}

/// Takes a host out of a channel; one that is not in it is a fault.
#[rpc("removeHostFromChannel(hostname, channel_name)", write, perm = "host")]
pub async fn remove_host_from_channel(call: &mut Call, host: NameOrId, channel: NameOrId) -> Rpc<()> {
    let host_id = hosts::get(&call.db, &host).await?.int("id")?;
    let found = store::find(&call.db, &channel).await?;
    let found = found.ok_or_else(|| error::generic(format!("channel does not exist: {channel}")))?;
    let channel_id = found.int("id")?;
    if !is_in(call, host_id, channel_id).await? {
        return Err(error::generic(format!("host {host} is not subscribed to the {channel} channel")));
    }
    let pair = [host_id.into(), channel_id.into()];
    call.revoke_versions("host_channels", "host_id = ? AND channel_id = ?", pair).await?;
    Ok(())
}

async fn is_in(call: &Call, host: i32, channel: i32) -> Rpc<bool> {
    let sql = "SELECT 1 FROM host_channels WHERE active = TRUE AND host_id = ? AND channel_id = ?";
    call.db.exists(sql, vec![host.into(), channel.into()]).await
}
