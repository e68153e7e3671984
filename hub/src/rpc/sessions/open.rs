//! New sessions and new keys.

use chrono::Utc;
use rand::Rng;
use rand::distr::Alphanumeric;
use toji_proto::{Value, value};

use crate::db::{Insert, RowExt, Update};
use crate::error::{self, Rpc};
use crate::rpc::Call;
use crate::session::Session;

use super::exclusive::make_exclusive;

/// Length of the random part of a session's key, in characters of 62 kinds.
const KEY_LENGTH: usize = 32;

/// Opens a session. Returns what `login` returns.
pub(super) async fn open(
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
pub(super) async fn renewed(call: &mut Call, session: &Session, user_id: i32, exclusive: bool) -> Rpc<Value> {
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
    if !session.row.is("expired") {
        // It was found too old just now: its subsessions are, too.
        let update = Update::table("sessions").set("expired", true);
        update.clause("master = ?", [session.id.into()]).run(&call.db).await?;
    }
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
