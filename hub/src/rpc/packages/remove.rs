//! `packageListRemove`.

use toji_hub_macros::rpc;

use super::{Call, Rpc, assert_policy, store};
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::store::{self as tags, When};

/// Removes a package's own entry from a tag's list, so that what it inherits counts again. Without an entry
/// nothing happens.
///
/// Faults: a tag or package that does not exist (1000), what the policy `package_list` forbids (1004).
#[rpc("packageListRemove(taginfo, pkginfo, force=False)", write)]
pub async fn package_list_remove(call: &mut Call, tag: NameOrId, package: NameOrId, force: bool) -> Rpc<()> {
    let tag = tags::get(&call.db, &tag, When::Now).await?;
    let package = lookup::get(&call.db, Table::Package, &package).await?;
    assert_policy(call, tag.id, "remove", &NameOrId::Id(package.id), force).await?;
    store::remove(call, tag.id, package.id).await
}
