//! Package lists of snapshots.

use std::collections::BTreeMap;

use super::{Call, NameOrId, Rpc};
use crate::rpc::Arches;
use crate::rpc::packages::store::{self, Entry, Wanted};
use crate::rpc::packages::{self, Addition};
use crate::rpc::tags::store::Tag;
use crate::rpc::users::store::UserRef;

/// Gives a new tag all entries that the source has.
pub async fn copy(call: &mut Call, source_id: i32, event: Option<i32>, copy_id: i32) -> Rpc<()> {
    for entry in entries(call, source_id, event).await?.into_values() {
        let owner = match entry.owner {
            Some((id, _)) => id,
            None => call.user_id()?,
        };
        store::write(call, copy_id, entry.package_id, owner, entry.blocked, entry.extra_arches).await?;
        call.forget_event();
    }
    Ok(())
}

/// Blocks what only the copy lists, and adds what only the source lists.
pub async fn align(call: &mut Call, source_id: i32, event: Option<i32>, copy: &Tag) -> Rpc<()> {
    let listed = entries(call, source_id, event).await?;
    let present = entries(call, copy.id, None).await?;
    for (name, entry) in &present {
        if !listed.contains_key(name) {
            add(call, copy, entry, true, true).await?;
        }
    }
    for (name, entry) in &listed {
        if !present.contains_key(name) {
            add(call, copy, entry, entry.blocked, false).await?;
        }
    }
    Ok(())
}

async fn add(call: &mut Call, tag: &Tag, entry: &Entry, block: bool, update: bool) -> Rpc<()> {
    let addition = Addition {
        owner: entry.owner.as_ref().map(|(id, _)| UserRef::Id(*id)),
        block: Some(block),
        extra_arches: entry.extra_arches.clone().map(Arches),
        force: true,
        update,
    };
    packages::add(call, tag, &NameOrId::Id(entry.package_id), addition).await?;
    call.forget_event();
    Ok(())
}

/// The entries that count in a tag, blocks among them, by package.
async fn entries(call: &Call, tag_id: i32, event: Option<i32>) -> Rpc<BTreeMap<String, Entry>> {
    let wanted = Wanted { tag_id: Some(tag_id), event, inherit: true, ..Wanted::default() };
    let entries = store::read(&call.db, &wanted).await?;
    Ok(entries.into_iter().map(|entry| (entry.package.clone(), entry)).collect())
}
