//! Making and changing channels.

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Insert, RowExt, Update};
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::{Call, FromArg, NameOrId, Struct};

use super::store;

/// Makes a channel, enabled. Returns its id. Faults: a name that is in use or breaks the naming rules.
#[rpc("addChannel(channel_name, description=None)", write, perm = "admin")]
pub async fn add_channel(call: &mut Call, name: Value, description: Option<String>) -> Rpc<i32> {
    let name = names::text("Name", name)?;
    check_new_name(call, &name).await?;
    Insert::into("channels").set("name", name).set("description", description).returning_id(&call.db).await
}

/// Changes `name`, `description` and `comment` of a channel, those that are given. Returns whether anything
/// changed.
#[rpc("editChannel(channelInfo, **kw)", write, perm = "admin")]
pub async fn edit_channel(call: &mut Call, channel: NameOrId, mut kw: Struct) -> Rpc<bool> {
    let present = store::get(&call.db, &channel).await?;
    let mut update = Update::table("channels").clause("id = ?", [present.int("id")?.into()]);
    let mut changed = false;
    for field in ["name", "description", "comment"] {
        let Some(value) = kw.remove(field).filter(|value| Some(value) != present.get(field)) else { continue };
        let text = String::from_arg(value, field)?;
        if field == "name" {
            check_new_name(call, &text).await?;
        }
        update = update.set(field, text);
        changed = true;
    }
    update.run(&call.db).await?;
    Ok(changed)
}

/// Gives a channel another name.
#[rpc("renameChannel(old, new)", write, perm = "admin")]
pub async fn rename_channel(call: &mut Call, old: NameOrId, new: Value) -> Rpc<()> {
    edit_channel(call, old, Struct::from([("name".into(), new)])).await?;
    Ok(())
}

async fn check_new_name(call: &Call, name: &str) -> Rpc<()> {
    names::check_internal(&call.hub.options, name)?;
    match store::find(&call.db, &NameOrId::Name(name.into())).await? {
        Some(other) => Err(error::generic(format!("channel {name} already exists (id {})", other.int("id")?))),
        None => Ok(()),
    }
}

/// Lets tasks of a channel run again. Its comment changes if one is given.
#[rpc("enableChannel(channelname, comment=None)", write, perm = "host")]
pub async fn enable_channel(call: &mut Call, channel: NameOrId, comment: Option<String>) -> Rpc<()> {
    set_enabled(call, &channel, true, comment).await
}

/// Keeps new tasks out of a channel. Its comment changes if one is given.
#[rpc("disableChannel(channelname, comment=None)", write, perm = "host")]
pub async fn disable_channel(call: &mut Call, channel: NameOrId, comment: Option<String>) -> Rpc<()> {
    set_enabled(call, &channel, false, comment).await
}

async fn set_enabled(call: &mut Call, channel: &NameOrId, enabled: bool, comment: Option<String>) -> Rpc<()> {
    let id = store::get(&call.db, channel).await?.int("id")?;
    let update = Update::table("channels").set("enabled", enabled).clause("id = ?", [id.into()]);
    let update = if let Some(comment) = comment { update.set("comment", comment) } else { update };
    update.run(&call.db).await?;
    call.wake_scheduler();
    Ok(())
}
