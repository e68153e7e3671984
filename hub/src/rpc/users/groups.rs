//! Groups of users. A group is a user whom others are members of; it holds permissions for them.

use toji_hub_macros::rpc;
use toji_proto::states::{UserStatus, UserType};
use toji_proto::{Value, value};

use crate::db::{Insert, Select};
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::{Call, groups_of};

use super::store::{self, User, UserRef};

/// Makes a group. Returns its id. Faults: a name that a user, group or principal has, or that breaks the naming
/// rules.
#[rpc("newGroup(name)", write, perm = "admin")]
pub async fn new_group(call: &mut Call, name: Value) -> Rpc<i32> {
    let name = names::text("Name", name)?;
    names::check_internal(&call.hub.options, &name)?;
    if store::find(call, &UserRef::Text(name.clone())).await?.is_some() {
        return Err(error::generic(format!("user/group already exists: {name}")));
    }
    store::create(call, &name, UserType::Group, UserStatus::Normal, None).await
}

/// Adds a user to a group. One who is a member already is a fault only if `strict`. Groups have no groups for
/// members.
#[rpc("addGroupMember(group, user, strict=True)", write, perm = "admin")]
pub async fn add_group_member(call: &mut Call, group: UserRef, user: UserRef, strict: bool) -> Rpc<()> {
    let group = find_group(call, &group).await?.ok_or_else(|| error::generic(format!("Not a group: {group}")))?;
    let user = store::find(call, &user).await?.ok_or_else(|| error::generic(format!("Not a user: {user}")))?;
    if user.is_group() {
        return Err(error::generic("Groups cannot be members of other groups"));
    }
    if is_member(call, &group, &user).await? {
        let told = error::generic(format!("User {} is already in group {}", user.name, group.name));
        return if strict { Err(told) } else { Ok(()) };
    }
    call.open_version(Insert::into("user_groups").set("user_id", user.id).set("group_id", group.id)).await
}

/// Removes a user from a group; one who is no member is a fault.
#[rpc("dropGroupMember(group, user)", write, perm = "admin")]
pub async fn drop_group_member(call: &mut Call, group: UserRef, user: UserRef) -> Rpc<()> {
    let user = store::get(call, &user).await?;
    let group = find_group(call, &group).await?.ok_or_else(|| error::generic(format!("Not a group: {group}")))?;
    if !is_member(call, &group, &user).await? {
        return Err(error::generic(format!("User {} is not in group {}", user.name, group.name)));
    }
    let pair = [user.id.into(), group.id.into()];
    call.revoke_versions("user_groups", "user_id = ? AND group_id = ?", pair).await?;
    Ok(())
}

/// The members of a group: `id`, `name`, `usertype` and `krb_principals` of each.
#[rpc("getGroupMembers(group)", read)]
pub async fn get_group_members(call: &mut Call, group: UserRef) -> Rpc<Value> {
    let group = find_group(call, &group).await?.ok_or_else(|| error::generic(format!("No such group: {group}")))?;
    let select = Select::from("user_groups")
        .join("users ON users.id = user_groups.user_id")
        .columns(&[("users.id", "id"), ("users.name", "name"), ("users.usertype", "usertype")])
        .at_event("user_groups", None)
        .clause("user_groups.group_id = ?", [group.id.into()])
        .order("id");
    store::with_principals(select, &call.db).answer(&call.db).await
}

/// The groups that a user is a member of: `id` and `name` of each.
#[rpc("getUserGroups(user)", read)]
pub async fn get_user_groups(call: &mut Call, user: UserRef) -> Rpc<Vec<Value>> {
    let user = store::get(call, &user).await?;
    let groups = groups_of(&call.db, user.id).await?;
    Ok(groups.into_iter().map(|(id, name)| value!({ "id": id, "name": name })).collect())
}

async fn find_group(call: &Call, who: &UserRef) -> Rpc<Option<User>> {
    Ok(store::find(call, who).await?.filter(User::is_group))
}

async fn is_member(call: &Call, group: &User, user: &User) -> Rpc<bool> {
    let sql = "SELECT 1 FROM user_groups WHERE active = TRUE AND user_id = ? AND group_id = ?";
    call.db.exists(sql, vec![user.id.into(), group.id.into()]).await
}
