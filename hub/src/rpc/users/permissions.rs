//! Permissions: who has which, directly or through a group.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Db, Insert, Select, Update};
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId, permissions_of};

use super::store::{self, UserRef};

/// All permissions that there are: `id`, `name` and `description` of each.
#[rpc("getAllPerms()", read)]
pub async fn get_all_perms(call: &mut Call) -> Rpc<Value> {
    let select = Select::from("permissions").columns(&[("id", "id"), ("name", "name")]);
    select.column("description", "description").order("id").answer(&call.db).await
}

/// The names of the caller's permissions, their own and those of their groups; none without a session.
#[rpc("getPerms()", read)]
pub async fn get_perms(call: &mut Call) -> Rpc<Vec<String>> {
    Ok(call.permissions().await?.to_vec())
}

/// Whether the caller has this very permission, themselves or through a group; `admin` implies no other.
///
/// With `strict` a permission that does not exist is a fault.
#[rpc("hasPerm(perm, strict=False)", read)]
pub async fn has_perm(call: &mut Call, perm: Option<NameOrId>, strict: bool) -> Rpc<bool> {
    if strict {
        let perm = perm.as_ref().ok_or_else(|| error::param("No permission is named"))?;
        let found = lookup::find(&call.db, Table::Permission, perm).await?;
        found.ok_or_else(|| error::generic(format!("No such permission {perm} defined")))?;
    }
    match perm {
        Some(NameOrId::Name(name)) => call.has_perm(&name).await,
        _ => Ok(false),
    }
}

/// The names of a user's permissions; without `with_groups` only those that they have themselves.
#[rpc("getUserPerms(userID=None, with_groups=True)", read)]
pub async fn get_user_perms(call: &mut Call, user: UserRef, with_groups: bool) -> Rpc<Vec<String>> {
    let user = store::get(call, &user).await?;
    if with_groups { permissions_of(&call.db, user.id).await } else { own_permissions(&call.db, user.id).await }
}

/// Where a user's permissions come from: for each the list of groups that give it, with nothing (nil) for the
/// user themselves.
#[rpc("getUserPermsInheritance(userID)", read)]
pub async fn get_user_perms_inheritance(call: &mut Call, user: UserRef) -> Rpc<BTreeMap<String, Vec<Option<String>>>> {
    let user = store::get(call, &user).await?;
    let mut sources: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for permission in own_permissions(&call.db, user.id).await? {
        sources.insert(permission, vec![None]);
    }
    let sql = "SELECT permissions.name, users.name FROM user_groups \
         JOIN user_perms ON user_perms.user_id = user_groups.group_id \
         JOIN permissions ON permissions.id = user_perms.perm_id JOIN users ON users.id = user_groups.group_id \
         WHERE user_groups.active = TRUE AND user_perms.active = TRUE AND user_groups.user_id = ? ORDER BY users.id";
    for row in call.db.query(sql, vec![user.id.into()]).await? {
        let (permission, group): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        sources.entry(permission).or_default().push(Some(group));
    }
    Ok(sources)
}

/// Grants a user or group a permission. With `create` it is made if there is none, and gets the description.
///
/// Faults: a user who has it already, a description without `create`.
#[rpc("grantPermission(userinfo, permission, create=False, description=None)", write, perm = "admin")]
pub async fn grant_permission(
    call: &mut Call,
    user: UserRef,
    permission: Value,
    create: bool,
    description: Value,
) -> Rpc<()> {
    let permission = if create {
        let name = names::text("Name", permission)?;
        names::check_internal(&call.hub.options, &name)?;
        NameOrId::Name(name)
    } else {
        NameOrId::from_arg(permission, "permission")?
    };
    if !create && description != Value::Nil {
        return Err(error::generic("A description goes with create only"));
    }
    let description: Option<String> = Option::from_arg(description, "description")?;
    let told = user.to_string();
    let user = store::get(call, &user).await?;
    let permission = match create {
        true => lookup::get_or_create(&call.db, Table::Permission, &permission).await?,
        false => lookup::get(&call.db, Table::Permission, &permission).await?,
    };
    if let Some(description) = description {
        describe(&call.db, permission.id, description).await?;
    }
    if own_permissions(&call.db, user.id).await?.contains(&permission.name) {
        return Err(error::generic(format!("user {told} already has permission: {}", permission.name)));
    }
    call.open_version(Insert::into("user_perms").set("user_id", user.id).set("perm_id", permission.id)).await
}

/// Takes a permission from a user or group; one that they do not have themselves is a fault.
#[rpc("revokePermission(userinfo, permission)", write, perm = "admin")]
pub async fn revoke_permission(call: &mut Call, user: UserRef, permission: NameOrId) -> Rpc<()> {
    let told = user.to_string();
    let user = store::get(call, &user).await?;
    let permission = lookup::get(&call.db, Table::Permission, &permission).await?;
    let pair = [user.id.into(), permission.id.into()];
    if !own_permissions(&call.db, user.id).await?.contains(&permission.name) {
        return Err(error::generic(format!("user {told} does not have permission: {}", permission.name)));
    }
    call.revoke_versions("user_perms", "user_id = ? AND perm_id = ?", pair).await?;
    Ok(())
}

/// Gives a permission another description.
#[rpc("editPermission(permission, description)", write, perm = "admin")]
pub async fn edit_permission(call: &mut Call, permission: NameOrId, description: String) -> Rpc<()> {
    let permission = lookup::get(&call.db, Table::Permission, &permission).await?;
    describe(&call.db, permission.id, description).await
}

async fn describe(db: &Db, permission: i32, description: String) -> Rpc<()> {
    let update = Update::table("permissions").set("description", description);
    update.clause("id = ?", [permission.into()]).run(db).await?;
    Ok(())
}

/// The permissions that a user has without help of a group, by name.
async fn own_permissions(db: &Db, user_id: i32) -> Rpc<Vec<String>> {
    let sql = "SELECT permissions.name FROM user_perms JOIN permissions ON permissions.id = perm_id \
         WHERE user_perms.active = TRUE AND user_id = ? ORDER BY permissions.name";
    db.values(sql, vec![user_id.into()]).await
}
