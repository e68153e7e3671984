//! The groups of a tag: `groupListAdd`, `groupListBlock`, `groupListUnblock`, `groupListRemove`.

use toji_hub_macros::rpc;

use super::options::{Flag, Options};
use super::store::{self, Settings, Wanted};
use super::{Call, Rpc};
use crate::db::{Insert, Select};
use crate::error;
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::{NameOrId, Struct};

/// The database keeps no longer names.
const LONGEST_NAME: usize = 50;

/// Lists a group in a tag, or changes how it is listed. A name that no group has makes a new group.
///
/// Options: `display_name, description, langonly` and the truth values `exported, uservisible, is_default,
/// biarchonly`; those not given are taken from the entry there is, inherited or not. Nothing is written if that
/// is the same already. `block` hides the group.
///
/// Faults: a tag, or a group's id, that does not exist; a group that is blocked, unless `force` (1000).
#[rpc("groupListAdd(taginfo, grpinfo, block=False, force=False, **opts)", write, perm = "tag")]
pub async fn group_list_add(
    call: &mut Call,
    tag: NameOrId,
    group: NameOrId,
    block: bool,
    force: bool,
    opts: Struct,
) -> Rpc<()> {
    add(call, &tag, &group, block, force, opts).await
}

/// Hides a group in a tag; faults as `groupListAdd` does.
#[rpc("groupListBlock(taginfo, grpinfo)", write, perm = "tag")]
pub async fn group_list_block(call: &mut Call, tag: NameOrId, group: NameOrId) -> Rpc<()> {
    add(call, &tag, &group, true, false, Struct::new()).await
}

/// Takes away a tag's own entry that blocks a group.
///
/// Faults: a tag or group that does not exist, a group that the tag itself does not block (1000).
#[rpc("groupListUnblock(taginfo, grpinfo)", write, perm = "tag")]
pub async fn group_list_unblock(call: &mut Call, tag: NameOrId, group: NameOrId) -> Rpc<()> {
    let tag = lookup::get(&call.db, Table::Tag, &tag).await?;
    let group = lookup::get(&call.db, Table::Group, &group).await?;
    if own_entry(call, tag.id, group.id).await? != Some(true) {
        return Err(error::generic(format!("The group {} is not blocked in tag {} itself", group.name, tag.name)));
    }
    revoke(call, tag.id, group.id).await
}

/// Takes away a tag's own entry for a group; the entries for its packages and requirements stay.
///
/// Faults: a tag or group that does not exist; no such entry, unless `force` (1000).
#[rpc("groupListRemove(taginfo, grpinfo, force=False)", write, perm = "tag")]
pub async fn group_list_remove(call: &mut Call, tag: NameOrId, group: NameOrId, force: bool) -> Rpc<()> {
    let tag = tags::get(&call.db, &tag, When::Now).await?;
    let group = lookup::get(&call.db, Table::Group, &group).await?;
    if !force && own_entry(call, tag.id, group.id).await?.is_none() {
        return Err(error::generic(format!("Tag {} itself does not list the group {}", tag.name, group.name)));
    }
    revoke(call, tag.id, group.id).await
}

/// Lists or blocks a group, whoever the caller is; otherwise as `groupListAdd` does.
pub async fn add(call: &mut Call, tag: &NameOrId, group: &NameOrId, block: bool, force: bool, opts: Struct) -> Rpc<()> {
    let tag = tags::get(&call.db, tag, When::Now).await?;
    let group = find_or_create(call, group).await?;
    let groups = store::all(&call.db, tag.id, None, Wanted::GROUPS).await?;
    let present = groups.into_iter().find(|listed| listed.id == group.id).map(|listed| listed.settings);
    if present.as_ref().is_some_and(|present| present.blocked) && !force {
        return Err(is_blocked(&group, &tag));
    }
    let settings = Settings { blocked: block, ..present.clone().unwrap_or_else(|| Settings::of_new(&group.name)) };
    let settings = settings.changed(opts)?;
    if present.as_ref() == Some(&settings) {
        return Ok(());
    }
    write(call, tag.id, group.id, &settings).await
}

/// Opens a version of a tag's own entry for a group, in place of the one there may be.
pub async fn write(call: &mut Call, tag_id: i32, group_id: i32, settings: &Settings) -> Rpc<()> {
    revoke(call, tag_id, group_id).await?;
    let entry = Insert::into("group_config")
        .set("group_id", group_id)
        .set("tag_id", tag_id)
        .set("blocked", settings.blocked)
        .set("exported", settings.exported.0)
        .set("display_name", settings.display_name.as_str())
        .set("is_default", settings.is_default.0)
        .set("uservisible", settings.uservisible.0)
        .set("description", settings.description.clone())
        .set("langonly", settings.langonly.clone())
        .set("biarchonly", settings.biarchonly.0);
    call.open_version(entry).await
}

/// Revokes a tag's own entry for a group, if it has one.
pub async fn revoke(call: &mut Call, tag_id: i32, group_id: i32) -> Rpc<()> {
    call.revoke_versions("group_config", "tag_id = ? AND group_id = ?", [tag_id.into(), group_id.into()]).await?;
    Ok(())
}

async fn find_or_create(call: &Call, group: &NameOrId) -> Rpc<Named> {
    if let NameOrId::Name(name) = group
        && name.chars().count() > LONGEST_NAME
    {
        return Err(error::generic(format!(
            "The group name {name} is too long: at most {LONGEST_NAME} characters are allowed"
        )));
    }
    lookup::get_or_create(&call.db, Table::Group, group).await
}

/// Whether a tag's own entry for a group blocks it, if there is one.
async fn own_entry(call: &Call, tag_id: i32, group_id: i32) -> Rpc<Option<bool>> {
    Select::from("group_config")
        .column("blocked", "blocked")
        .clause("tag_id = ? AND group_id = ?", [tag_id.into(), group_id.into()])
        .at_event("group_config", None)
        .lock()
        .value(&call.db)
        .await
}

fn is_blocked(group: &Named, tag: &Tag) -> error::Error {
    error::generic(format!("The group {} is blocked in tag {}", group.name, tag.name))
}

impl Settings {
    /// Those of a group that is listed for the first time.
    pub fn of_new(name: &str) -> Self {
        Self {
            blocked: false,
            exported: Flag(Some(true)),
            display_name: name.into(),
            is_default: Flag(None),
            uservisible: Flag(Some(true)),
            description: None,
            langonly: None,
            biarchonly: Flag(Some(false)),
        }
    }

    fn changed(mut self, given: Struct) -> Rpc<Self> {
        let mut given = Options::new(given);
        given.put("exported", &mut self.exported)?;
        given.put("display_name", &mut self.display_name)?;
        given.put("is_default", &mut self.is_default)?;
        given.put("uservisible", &mut self.uservisible)?;
        given.put("description", &mut self.description)?;
        given.put("langonly", &mut self.langonly)?;
        given.put("biarchonly", &mut self.biarchonly)?;
        Ok(self)
    }
}
