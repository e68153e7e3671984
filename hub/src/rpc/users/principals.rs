//! Kerberos principals: other names by which a user is known.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::{Call, FromArg};

use super::store::{self, UserRef};

/// Gives a user another principal. Returns the user's id. Faults: one that somebody has, one that breaks the
/// naming rules, a realm that is not allowed (1002).
#[rpc("addUserKrbPrincipal(user, krb_principal)", write, perm = "admin")]
pub async fn add_user_krb_principal(call: &mut Call, user: UserRef, krb_principal: Value) -> Rpc<i32> {
    let user = store::get(call, &user).await?;
    let principal = checked(call, krb_principal)?;
    store::add_principal(call, user.id, &principal).await?;
    Ok(user.id)
}

/// Takes a principal from a user. Returns the user's id. Faults: one that the user does not have (1002).
#[rpc("removeUserKrbPrincipal(user, krb_principal)", write, perm = "admin")]
pub async fn remove_user_krb_principal(call: &mut Call, user: UserRef, krb_principal: Value) -> Rpc<i32> {
    let user = store::get(call, &user).await?;
    if !krb_principal.is_true() {
        return Err(error::generic("krb_principal must be specified"));
    }
    let principal = String::from_arg(krb_principal, "krb_principal")?;
    if !remove(call, user.id, &principal).await? {
        return Err(error::auth(format!("user {} does not have the Kerberos principal {principal}", user.name)));
    }
    Ok(user.id)
}

/// Whether the user had it.
pub(super) async fn remove(call: &Call, user_id: i32, principal: &str) -> Rpc<bool> {
    let sql = "DELETE FROM user_krb_principals WHERE user_id = ? AND krb_principal = ?";
    Ok(call.db.execute(sql, vec![user_id.into(), principal.into()]).await? > 0)
}

/// The text of a principal that keeps the naming rules.
pub(super) fn checked(call: &Call, value: Value) -> Rpc<String> {
    let principal = names::text("Kerberos principal", value)?;
    names::check_principal(&call.hub.options, &principal)?;
    Ok(principal)
}
