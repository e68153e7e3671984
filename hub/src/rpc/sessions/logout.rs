//! Closing sessions.

use toji_hub_macros::rpc;

use crate::db::{Db, Param, Update};
use crate::error::{self, Rpc};
use crate::rpc::Call;

/// Closes the caller's session, or another one of theirs, with its subsessions. Admins may close any, and one
/// that does not exist as well.
#[rpc("logout(session_id=None)", write)]
pub async fn logout(call: &mut Call, session_id: Option<i32>) -> Rpc<()> {
    let Some(session) = call.identity.user() else { return Err(error::auth("Not logged in")) };
    let (own, user_id) = (session.id, session.user_id);
    let id = session_id.filter(|id| *id != 0).unwrap_or(own);
    if id != own && !call.has_perm("admin").await? {
        let owned = "SELECT 1 FROM sessions WHERE id = ? AND user_id = ?";
        if !call.db.exists(owned, vec![id.into(), user_id.into()]).await? {
            return Err(error::generic(format!("session {id} is not yours to log out")));
        }
    }
    close(&call.db, "id = ? OR master = ?", [id.into(), id.into()]).await
}

/// Closes a subsession of the caller's session. One of another session is left alone, silently.
#[rpc("logoutChild(session_id)", write)]
pub async fn logout_child(call: &mut Call, session_id: i32) -> Rpc<()> {
    let Some(session) = call.identity.user() else { return Err(error::auth("Not logged in")) };
    close(&call.db, "id = ? AND master = ?", [session_id.into(), session.id.into()]).await
}

/// Closes the sessions that match, for good.
pub(super) async fn close(db: &Db, clause: &str, params: impl Into<Vec<Param>>) -> Rpc<()> {
    let update = Update::table("sessions").set("expired", true).set("closed", true).set_null("exclusive");
    update.clause(clause, params).run(db).await?;
    Ok(())
}
