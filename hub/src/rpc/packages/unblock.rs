//! `packageListUnblock`.

use toji_hub_macros::rpc;

use super::{Call, Rpc, assert_policy, store};
use crate::error;
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::store::{self as tags, When};

/// Unblocks a package in a tag's list: a block of its own is removed, an inherited one is overridden by an
/// entry that does not block. Owner and arches stay.
///
/// Faults: a tag or package that does not exist, a package that is not in the list or not blocked (1000),
/// what the policy `package_list` forbids (1004).
#[rpc("packageListUnblock(taginfo, pkginfo, force=False)", write)]
pub async fn package_list_unblock(call: &mut Call, tag: NameOrId, package: NameOrId, force: bool) -> Rpc<()> {
    let tag = tags::get(&call.db, &tag, When::Now).await?;
    let package = lookup::get(&call.db, Table::Package, &package).await?;
    assert_policy(call, tag.id, "unblock", &NameOrId::Id(package.id), force).await?;

    let Some(present) = store::find(&call.db, tag.id, package.id, None).await? else {
        let text = format!("There is no entry for package {} in the list of tag {}", package.name, tag.name);
        return Err(error::generic(text));
    };
    if !present.blocked {
        return Err(error::generic(format!("Package {} is not blocked in tag {}", package.name, tag.name)));
    }
    if present.tag_id == tag.id {
        store::remove(call, tag.id, package.id).await?;
        // If nothing lies beneath, or another block, the entry itself has to say that it is unblocked.
        if store::find(&call.db, tag.id, package.id, None).await?.is_some_and(|beneath| !beneath.blocked) {
            return Ok(());
        }
    }
    let Some((owner_id, _)) = present.owner else {
        return Err(error::internal(format!("package {} has no owner in tag {}", package.name, tag.name)));
    };
    store::write(call, tag.id, package.id, owner_id, false, present.extra_arches).await
}
