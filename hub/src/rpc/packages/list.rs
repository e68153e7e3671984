//! `listPackages` and `listPackagesSimple`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::store::{self, Wanted};
use super::{Call, Rpc};
use crate::db::{QueryOpts, Select, like};
use crate::error;
use crate::rpc::lookup::{self, Table};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{AtEvent, NameOrId};

/// Packages. Given neither tag nor user nor package, all that there are, as `listPackagesSimple` does.
///
/// Otherwise the entries of tags' package lists: structs with `package_id, package_name, tag_id, tag_name,
/// extra_arches, blocked` and, with `with_owners`, `owner_id` and `owner_name`; one per package unless
/// `with_dups`. With `inherited` and a tag, also what the tag inherits. `prefix` is of names, upper or lower
/// case.
///
/// Faults: a tag, user or package that does not exist, a user without `with_owners` (1000).
#[rpc(
    "listPackages(tagID=None, userID=None, pkgID=None, prefix=None, inherited=False, with_dups=False, event=None, queryOpts=None, with_owners=True, with_blocked=True)",
    read
)]
pub async fn list_packages(
    call: &mut Call,
    tag: Option<NameOrId>,
    user: Option<UserRef>,
    package: Option<NameOrId>,
    prefix: Option<String>,
    inherit: bool,
    with_dups: bool,
    event: AtEvent,
    query_opts: Option<QueryOpts>,
    with_owners: bool,
    with_blocked: bool,
) -> Rpc<Value> {
    if tag.is_none() && user.is_none() && package.is_none() {
        return list_packages_simple(call, prefix, query_opts).await;
    }
    let mut wanted = Wanted { event: event.0, inherit, with_dups, with_owners, with_blocked, ..Wanted::default() };
    if let Some(tag) = tag {
        wanted.tag_id = Some(lookup::get(&call.db, Table::Tag, &tag).await?.id);
    }
    if let Some(user) = user {
        wanted.owner_id = Some(users::get(call, &user).await?.id);
        if !with_owners {
            return Err(error::generic("userID and with_owners=False cannot be used together"));
        }
    }
    if let Some(package) = package {
        wanted.package_id = Some(lookup::get(&call.db, Table::Package, &package).await?.id);
    }
    let mut entries = store::read(&call.db, &wanted).await?;
    if let Some(prefix) = prefix {
        let prefix = prefix.to_lowercase();
        entries.retain(|entry| entry.package.to_lowercase().starts_with(&prefix));
    }
    query_opts.unwrap_or_default().apply(entries.into_iter().map(store::Entry::row).collect())
}

/// All packages: structs with `package_id` and `package_name`. `prefix` is of names, upper or lower case; in it
/// `_` and `%` are wildcards.
#[rpc("listPackagesSimple(prefix=None, queryOpts=None)", read)]
pub async fn list_packages_simple(
    call: &mut Call,
    prefix: Option<String>,
    query_opts: Option<QueryOpts>,
) -> Rpc<Value> {
    let mut select = Select::from("package").columns(&[("id", "package_id"), ("name", "package_name")]);
    if let Some(prefix) = prefix {
        let (clause, params) = like::prefix("name", &prefix);
        select = select.clause(&clause, params);
    }
    select.order("package_id").opts(query_opts).answer(&call.db).await
}
