//! What sessions there are, and who is logged in.

use toji_hub_macros::rpc;
use toji_proto::value::list;
use toji_proto::{IntoValue, Value, ValueExt};

use crate::db::{Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::users::store::{self, UserRef};
use crate::rpc::{Call, FromArg};

/// The user who is logged in, as `getUser` tells it, with `authtype` and `krb_principal` (the first of the
/// principals); nothing without a session.
#[rpc("getLoggedInUser()", read)]
pub async fn get_logged_in_user(call: &mut Call) -> Rpc<Option<Row>> {
    let Some(session) = call.identity.user() else { return Ok(None) };
    let auth_type = session.auth_type;
    let user = store::get(call, &UserRef::Caller).await?;
    let principals = store::principals_of(&call.db, user.id).await?;
    let mut told = user.told();
    told.insert("authtype".into(), auth_type.into_value());
    told.insert("krb_principal".into(), principals.first().cloned().into_value());
    told.insert("krb_principals".into(), principals.into_value());
    Ok(Some(told))
}

/// The caller's session: `user_id`, `authtype`, `callnum`, `exclusive`, `expired`, `master`, and the times
/// `start`, `update` and `renew`, each as `…_time` (text) and `…_ts` (seconds); with `details` also `id` and
/// `hostip`. Nothing without a session.
///
/// With `user_id` a list of all of that user's sessions that have not expired; only admins may ask for others.
#[rpc("getSessionInfo(details=False, user_id=None)", read)]
pub async fn get_session_info(call: &mut Call, details: bool, user_id: Value) -> Rpc<Value> {
    let Some(session) = call.identity.user().cloned() else { return Ok(Value::Nil) };
    let select = sessions();
    if user_id.is_true() {
        let user = store::get(call, &UserRef::from_arg(user_id, "user_id")?).await?;
        if user.id != session.user_id && !call.has_perm("admin").await? {
            return Err(error::denied("only admins or owners may see all active sessions"));
        }
        let mut found = select.clause("user_id = ?", [user.id.into()]).order("id").all(&call.db).await?;
        // This call's number is kept at its end, but counts already.
        if let Some(own) = found.iter_mut().find(|row| row.opt_int("id") == Some(session.id)) {
            own.insert("callnum".into(), session.call_number.into_value());
        }
        return Ok(list(found.into_iter().map(|row| shown(row, details))));
    }
    let own = select.clause("id = ?", [session.id.into()]).one(&call.db).await?;
    Ok(own.map(|row| shown(row, details)).into_value())
}

fn shown(mut row: Row, details: bool) -> Row {
    if !details {
        row.retain(|column, _| column != "id" && column != "hostip");
    }
    row
}

/// The caller's session as text, for people.
#[rpc("showSession()")]
pub async fn show_session(call: &mut Call) -> Rpc<String> {
    let Some(session) = call.identity.user() else {
        return Ok("session: not logged in (no session header or session args)".into());
    };
    let mut text = format!("session {}: user {} from {}", session.id, session.user_name, session.host_ip);
    if let Some(master) = session.master {
        text.push_str(&format!(", subsession of {master}"));
    }
    if session.exclusive {
        text.push_str(", exclusive");
    }
    Ok(text)
}

/// The sessions that have not expired.
fn sessions() -> Select {
    let mut select = Select::from("sessions").clause("expired = FALSE", []);
    for column in ["id", "hostip", "user_id", "expired", "master", "authtype", "callnum", "exclusive"] {
        select = select.column(column, column);
    }
    for time in ["start", "update", "renew"] {
        let column = format!("{time}_time");
        select = select.column(&column, &column).epoch(&column, &format!("{time}_ts"));
    }
    select
}
