//! `packageListAdd`, and what are but ways to call it: block, set owner, set arches.

use toji_hub_macros::rpc;

use super::store::{self, Entry};
use super::{Call, Rpc, assert_policy};
use crate::error;
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Arches, NameOrId};

/// Adds a package to a tag's list, or changes its entry. A name that is no package yet becomes one.
///
/// What is not given stays as it is, inherited or not; a new entry needs an `owner`, or `force`, which makes
/// the caller the owner. With `block` the entry blocks the package. `extra_arches` are separated by spaces.
/// `update` demands that there is an entry, inherited or not. Nothing is written if nothing would change.
///
/// Faults: a tag, package id or owner that does not exist, no owner, an entry that is blocked and shall not
/// be unless `force`, bad arches (1000); what the policy `package_list` forbids (1004).
#[rpc("packageListAdd(taginfo, pkginfo, owner=None, block=None, extra_arches=None, force=False, update=False)", write)]
pub async fn package_list_add(
    call: &mut Call,
    tag: NameOrId,
    package: NameOrId,
    owner: Option<UserRef>,
    block: Option<bool>,
    extra_arches: Option<Arches>,
    force: bool,
    update: bool,
) -> Rpc<()> {
    add_checked(call, &tag, &package, Addition { owner, block, extra_arches, force, update }).await
}

/// Blocks a package in a tag's list, where it must be, inherited or not. Faults as `packageListAdd`.
#[rpc("packageListBlock(taginfo, pkginfo, force=False)", write)]
pub async fn package_list_block(call: &mut Call, tag: NameOrId, package: NameOrId, force: bool) -> Rpc<()> {
    let found = tags::get(&call.db, &tag, When::Now).await?;
    let named = lookup::get(&call.db, Table::Package, &package).await?;
    if store::find(&call.db, found.id, named.id, None).await?.is_none() {
        return Err(error::generic(format!("Package {} is not in the list of tag {}", named.name, found.name)));
    }
    add_checked(call, &tag, &package, Addition { block: Some(true), force, ..Addition::default() }).await
}

/// Makes a user the owner of a package in a tag. Faults as `packageListAdd` with `update`.
#[rpc("packageListSetOwner(taginfo, pkginfo, owner, force=False)", write)]
pub async fn package_list_set_owner(
    call: &mut Call,
    tag: NameOrId,
    package: NameOrId,
    owner: Option<UserRef>,
    force: bool,
) -> Rpc<()> {
    add_checked(call, &tag, &package, Addition { owner, force, update: true, ..Addition::default() }).await
}

/// Sets the arches that a package is built for besides the tag's own. Faults as `packageListAdd` with
/// `update`.
#[rpc("packageListSetArches(taginfo, pkginfo, arches, force=False)", write)]
pub async fn package_list_set_arches(
    call: &mut Call,
    tag: NameOrId,
    package: NameOrId,
    arches: Option<Arches>,
    force: bool,
) -> Rpc<()> {
    add_checked(call, &tag, &package, Addition { extra_arches: arches, force, update: true, ..Addition::default() })
        .await
}

/// What to make of an entry; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Addition {
    pub owner: Option<UserRef>,
    pub block: Option<bool>,
    pub extra_arches: Option<Arches>,
    pub force: bool,
    /// There must be an entry already.
    pub update: bool,
}

async fn add_checked(call: &mut Call, tag: &NameOrId, package: &NameOrId, addition: Addition) -> Rpc<()> {
    let tag = tags::get(&call.db, tag, When::Now).await?;
    if let NameOrId::Id(id) = package
        && lookup::find(&call.db, Table::Package, package).await?.is_none()
    {
        return Err(error::generic(format!("No such package: {id}")));
    }
    let owner_id = owner_id(call, &addition).await?;
    let action = match (addition.update, addition.block) {
        (true, _) => "update",
        (false, Some(true)) => "block",
        (false, _) => "add",
    };
    assert_policy(call, tag.id, action, package, addition.force).await?;
    let package = lookup::get_or_create(&call.db, Table::Package, package).await?;
    write(call, &tag, &package, owner_id, addition).await
}

/// Adds to a tag's list, or changes it, whatever the policy says; else like `packageListAdd`.
pub async fn add(call: &mut Call, tag: &Tag, package: &NameOrId, addition: Addition) -> Rpc<()> {
    let owner_id = owner_id(call, &addition).await?;
    let package = lookup::get_or_create(&call.db, Table::Package, package).await?;
    write(call, tag, &package, owner_id, addition).await
}

async fn owner_id(call: &Call, addition: &Addition) -> Rpc<Option<i32>> {
    match &addition.owner {
        Some(owner) => Ok(Some(users::get(call, owner).await?.id)),
        None => Ok(None),
    }
}

async fn write(call: &mut Call, tag: &Tag, package: &Named, owner_id: Option<i32>, addition: Addition) -> Rpc<()> {
    let Addition { block, extra_arches, force, update, .. } = addition;
    let extra_arches = extra_arches.map(|arches| arches.0);
    let Some(present) = store::find(&call.db, tag.id, package.id, None).await? else {
        if update && !force {
            let text = format!("Tag {} has no entry for package {} to update", tag.name, package.name);
            return Err(error::generic(text));
        }
        let owner_id = owner_or_caller(call, owner_id, force)?;
        return store::write(call, tag.id, package.id, owner_id, block.unwrap_or(false), extra_arches).await;
    };
    let Entry { blocked: was_blocked, extra_arches: previous_arches, owner, .. } = present;
    let previous_owner = owner.map(|(id, _)| id);
    let block = block.unwrap_or(was_blocked);
    let extra_arches = extra_arches.or_else(|| previous_arches.clone());
    let changed = (block, &extra_arches) != (was_blocked, &previous_arches);
    let changed_owner = owner_id.is_some() && owner_id != previous_owner;
    if !changed && !changed_owner && !force {
        return Ok(());
    }
    if was_blocked && !block && !force {
        return Err(error::generic(format!("Package {} is blocked in tag {}", package.name, tag.name)));
    }
    let owner_id = owner_or_caller(call, owner_id.or(previous_owner), force)?;
    if changed {
        store::write(call, tag.id, package.id, owner_id, block, extra_arches).await
    } else if changed_owner {
        store::write_owner(call, tag.id, package.id, owner_id).await
    } else {
        Ok(())
    }
}

fn owner_or_caller(call: &Call, owner_id: Option<i32>, force: bool) -> Rpc<i32> {
    match owner_id {
        Some(id) => Ok(id),
        None if force => call.user_id(),
        None => Err(error::generic("A new entry in a package list needs an owner")),
    }
}
