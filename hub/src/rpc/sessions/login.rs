//! Opening sessions.

use chrono::Utc;
use rand::Rng;
use rand::distr::Alphanumeric;
use subtle::ConstantTimeEq;
use toji_hub_macros::rpc;
use toji_proto::states::{AuthType, UserStatus};
use toji_proto::{Value, ValueExt, value};

use crate::db::{Insert, RowExt, Select, Update};
use crate::error::{self, Rpc};
use crate::rpc::{Args, Call, Struct};
use crate::session::{Identity, Session, client_ip};

use super::exclusive::make_exclusive;

/// Length of the random part of a session's key, in characters of 62 kinds.
const KEY_LENGTH: usize = 32;

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
        None => &call.peer,
    };
    let host_ip = client_ip(&call.hub.options, address);
    open(call, user_id, host_ip, Some(AuthType::Normal.code()), None).await
}

/// Opens a session for whom a certificate or Kerberos ticket names. This hub takes neither: always fault 1002.
#[rpc("sslLogin(*args, **opts)")]
pub async fn ssl_login(call: &mut Call, _args: Vec<Value>, _opts: Struct) -> Rpc<Value> {
    Err(error::auth(if call.logged_in() { "Already logged in" } else { "could not verify client: no certificate" }))
}

/// Opens a subsession of the caller's session, or of its master. Returns what `login` returns.
#[rpc("subsession()", write)]
pub async fn subsession(call: &mut Call) -> Rpc<Value> {
    let Some(session) = call.identity.user().cloned() else { return Err(error::auth("Not logged in")) };
    let master = session.master.unwrap_or(session.id);
    open(call, session.user_id, session.host_ip, session.auth_type, Some(master)).await
}

async fn open(
    call: &mut Call,
    user_id: i32,
    host_ip: String,
    auth_type: Option<i32>,
    master: Option<i32>,
) -> Rpc<Value> {
    let key = new_key(user_id);
    let now = Utc::now();
    let id = Insert::into("sessions")
        .set("user_id", user_id)
        .set("key", key.clone())
        .set("hostip", host_ip)
        .set("authtype", auth_type)
        .set("master", master)
        .set("start_time", now)
        .set("update_time", now)
        .returning_id(&call.db)
        .await?;
    Ok(session_info(id, key))
}

/// Gives an expired session a new key. Calls are counted from the start again: those with the old key are past.
async fn renewed(call: &mut Call, session: &Session, user_id: i32, exclusive: bool) -> Rpc<Value> {
    if session.user_id != user_id {
        return Err(error::auth(format!("session {} belongs to another user", session.id)));
    }
    let key = new_key(user_id);
    let now = Utc::now();
    Update::table("sessions")
        .set("key", key.clone())
        .set("expired", false)
        .set("update_time", now)
        .set("renew_time", now)
        .set_null("callnum")
        .clause("id = ?", [session.id.into()])
        .run(&call.db)
        .await?;
    if exclusive && !session.exclusive {
        make_exclusive(&call.db, session, false).await?;
    }
    Ok(session_info(session.id, key))
}

fn new_key(user_id: i32) -> String {
    let random = rand::rng().sample_iter(Alphanumeric).take(KEY_LENGTH).map(char::from);
    format!("{user_id}-{}", random.collect::<String>())
}

fn session_info(id: i32, key: String) -> Value {
    value!({ "session-id": id, "session-key": key, "header-auth": true })
}
