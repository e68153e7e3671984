//! What users want to be told of by mail: notifications of builds, and blocks against them. Each is for one
//! package or all, and one tag or all.

mod blocks;
pub mod recipients;
mod wanted;

use crate::db::{Param, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::users::store::{self as users, User, UserRef};
use crate::rpc::{Call, Method, NameOrId};

pub const METHODS: &[Method] = &[
    blocks::CREATE_NOTIFICATION_BLOCK,
    blocks::DELETE_NOTIFICATION_BLOCK,
    blocks::GET_BUILD_NOTIFICATION_BLOCK,
    blocks::GET_BUILD_NOTIFICATION_BLOCKS,
    wanted::CREATE_NOTIFICATION,
    wanted::DELETE_NOTIFICATION,
    wanted::GET_BUILD_NOTIFICATION,
    wanted::GET_BUILD_NOTIFICATIONS,
    wanted::UPDATE_NOTIFICATION,
];

/// The caller's user id; without a session a general fault.
fn caller(call: &Call) -> Rpc<i32> {
    call.identity.user().map(|session| session.user_id).ok_or_else(|| error::generic("Not logged-in"))
}

/// Refuses callers who act neither for themselves nor as admin.
async fn check_acts_for(call: &Call, user_id: i32, what: &str) -> Rpc<()> {
    if caller(call)? == user_id || call.has_perm("admin").await? {
        return Ok(());
    }
    let name = &call.session()?.user_name;
    Err(error::generic(format!("user {name} cannot change {what} of user {user_id}")))
}

/// The user whom a new entry is for.
async fn recipient(call: &Call, who: &UserRef, what: &str) -> Rpc<User> {
    let own = caller(call)?;
    let user = users::get(call, who).await?;
    if user.id == own || call.has_perm("admin").await? {
        return Ok(user);
    }
    let name = &call.session()?.user_name;
    Err(error::generic(format!("user {name} cannot create {what} for user {}", user.name)))
}

/// The ids of a package and a tag; not given means all.
async fn resolve(call: &Call, package: Option<NameOrId>, tag: Option<NameOrId>) -> Rpc<(Option<i32>, Option<i32>)> {
    let package = match package {
        Some(package) => Some(lookup::get(&call.db, Table::Package, &package).await?.id),
        None => None,
    };
    let tag = match tag {
        Some(tag) => Some(lookup::get(&call.db, Table::Tag, &tag).await?.id),
        None => None,
    };
    Ok((package, tag))
}

/// Adds that a row is for this package and this tag.
fn about(select: Select, package: Option<i32>, tag: Option<i32>) -> Select {
    let is = |select: Select, column: &str, id: Option<i32>| match id {
        Some(id) => select.clause(&format!("{column} = ?"), [Param::from(id)]),
        None => select.clause(&format!("{column} IS NULL"), []),
    };
    is(is(select, "package_id", package), "tag_id", tag)
}

/// Whose entry a row is.
fn owner(row: &Row) -> Rpc<i32> {
    row.int("user_id")
}
