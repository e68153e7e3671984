//! Logging in with a password, and subsessions.

use subtle::ConstantTimeEq;
use toji_hub_macros::rpc;
use toji_proto::states::{AuthType, UserStatus};
use toji_proto::{Value, ValueExt};

use crate::db::{RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::{Args, Call, Struct};
use crate::session::{Identity, client_ip};

use super::open::{open, renewed};

/// Opens a session with a name and password: `login(user, password, opts=None, renew=False, exclusive=False)`.
///
/// Returns `session-id`, `session-key` and `header-auth`. `opts` may have `hostip`, the address that the
/// session is to be bound to instead of the caller's. With `renew` an expired session keeps its id and gets
/// another key; `exclusive` then takes the exclusive lock as well, and means nothing without `renew`.
/// Faults: wrong name or password, a blocked user, a session that is logged in (1002).
#[rpc("login(*args, **opts)", write)]
pub async fn login(call: &mut Call, args: Vec<Value>, opts: Struct) -> Rpc<Value> {
    let mut args = Args::of("login(user, password, opts=None, renew=False, exclusive=False)", args, opts)?;
    let (user, password): (Value, Value) = (args.take("user")?, args.take("password")?);
    let opts: Option<Struct> = args.take("opts")?;
    let (renew, exclusive): (bool, bool) = (args.take("renew")?, args.take("exclusive")?);
    let refused = || error::auth("invalid username or password");
    let (Value::String(user), Value::String(password)) = (user, password) else { return Err(refused()) };
    if password.is_empty() {
        return Err(refused());
    }
    if call.logged_in() {
        return Err(error::auth("Already logged in"));
    }
    let select = Select::from("users").columns(&[("id", "id"), ("password", "password"), ("status", "status")]);
    let row = select.clause("name = ?", [user.clone().into()]).one(&call.db).await?.unwrap_or_default();
    let stored = row.opt_text("password").unwrap_or("");
    if !bool::from(stored.as_bytes().ct_eq(password.as_bytes())) {
        return Err(refused());
    }
    if row.opt_int("status") != Some(UserStatus::Normal.code()) {
        return Err(error::auth(format!("logins by {user} are not allowed")));
    }
    let user_id = row.int("id")?;
    if let (true, Identity::Expired(session)) = (renew, &call.identity) {
        let session = session.clone();
        return renewed(call, &session, user_id, exclusive).await;
    }
    let address = match opts.as_ref().and_then(|o| o.get("hostip")).and_then(Value::as_str) {
        Some(address) => address,
        None => &call.peer.address,
    };
    let host_ip = client_ip(&call.hub.options, address);
    open(call, user_id, host_ip, Some(AuthType::Normal.code()), None).await
}

/// Opens a subsession of the caller's session, or of its master. Returns what `login` returns.
#[rpc("subsession()", write)]
pub async fn subsession(call: &mut Call) -> Rpc<Value> {
    let Some(session) = call.identity.user().cloned() else { return Err(error::auth("Not logged in")) };
    let master = session.master.unwrap_or(session.id);
    open(call, session.user_id, session.host_ip, session.auth_type, Some(master)).await
}
