//! Making and changing users.

use std::collections::BTreeSet;

use toji_hub_macros::rpc;
use toji_proto::states::{UserStatus, UserType};
use toji_proto::{Value, ValueExt};

use crate::db::Update;
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::{Call, FromArg, Struct};

use super::principals;
use super::store::{self, UserRef};

/// Makes a person's account, with no password. Returns its id.
///
/// `status` is 0 (normal, the default) or 1 (blocked). Faults: a name or principal that is in use or breaks the
/// naming rules.
#[rpc("createUser(username, status=None, krb_principal=None)", write, perm = "admin")]
pub async fn create_user(call: &mut Call, username: Value, status: Value, krb_principal: Value) -> Rpc<i32> {
    let name = names::text("Name", username)?;
    names::check_user(&call.hub.options, &name)?;
    let principal = match krb_principal {
        Value::Nil => None,
        other => Some(principals::checked(call, other)?),
    };
    if store::find(call, &UserRef::Text(name.clone())).await?.is_some() {
        return Err(error::generic(format!("user already exists: {name}")));
    }
    let status = match &status {
        Value::Nil => UserStatus::Normal,
        other => other
            .as_i64()
            .and_then(UserStatus::from_code)
            .ok_or_else(|| error::generic(format!("invalid status: {}", other.repr())))?,
    };
    store::create(call, &name, UserType::Normal, status, principal.as_deref()).await
}

/// Renames a user and changes their principals.
///
/// `krb_principal_mappings` is a list of structs with `old` and `new`: only `new` adds a principal, only `old`
/// removes one, both replace it. Faults: a name or principal that is in use or breaks the naming rules, an `old`
/// one that the user does not have.
#[rpc("editUser(userInfo, name=None, krb_principal_mappings=None)", write, perm = "admin")]
pub async fn edit_user(call: &mut Call, user_info: UserRef, name: Value, mappings: Option<Vec<Struct>>) -> Rpc<()> {
    let user = store::get(call, &user_info).await?;
    if name.is_true() {
        let name = names::text("Name", name)?;
        if name != user.name {
            rename(call, user.id, &name).await?;
        }
    }
    let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
    for mut change in mappings.unwrap_or_default() {
        if let Some(old) = change.remove("old").filter(ValueExt::is_true) {
            removed.insert(String::from_arg(old, "old")?);
        }
        if let Some(new) = change.remove("new").filter(ValueExt::is_true) {
            added.insert(principals::checked(call, new)?);
        }
    }
    let present: BTreeSet<_> = store::principals_of(&call.db, user.id).await?.into_iter().collect();
    refuse_any(&added & &removed, "both added and removed")?;
    refuse_any(&added & &present, "the user's already")?;
    refuse_any(&removed - &present, "not the user's")?;
    for principal in removed {
        principals::remove(call, user.id, &principal).await?;
    }
    for principal in added {
        store::add_principal(call, user.id, &principal).await?;
    }
    Ok(())
}

fn refuse_any(principals: BTreeSet<String>, why: &str) -> Rpc<()> {
    if principals.is_empty() {
        return Ok(());
    }
    let listed: Vec<_> = principals.into_iter().collect();
    Err(error::generic(format!("Kerberos principals that are {why}: {}", listed.join(", "))))
}

async fn rename(call: &Call, id: i32, name: &str) -> Rpc<()> {
    names::check_user(&call.hub.options, name)?;
    if let Some(holder) = store::find_by_name(&call.db, name).await? {
        return Err(error::generic(format!("Name {name} already taken by user {}", holder.id)));
    }
    Update::table("users").set("name", name).clause("id = ?", [id.into()]).run(&call.db).await?;
    Ok(())
}

/// Lets a blocked user log in again; sessions that they had work again.
#[rpc("enableUser(username)", write)]
pub async fn enable_user(call: &mut Call, username: UserRef) -> Rpc<()> {
    set_status(call, &username, UserStatus::Normal).await
}

/// Blocks a user: their sessions stop to work, and they cannot log in.
#[rpc("disableUser(username)", write)]
pub async fn disable_user(call: &mut Call, username: UserRef) -> Rpc<()> {
    set_status(call, &username, UserStatus::Blocked).await
}

/// Who asks for somebody unknown learns so even without the permission, as clients expect.
async fn set_status(call: &mut Call, who: &UserRef, status: UserStatus) -> Rpc<()> {
    let user = store::get(call, who).await?;
    call.assert_perm("admin").await?;
    if user.status != Some(status.code()) {
        let update = Update::table("users").set("status", status.code());
        update.clause("id = ?", [user.id.into()]).run(&call.db).await?;
    }
    Ok(())
}
