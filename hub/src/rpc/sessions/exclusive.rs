//! The exclusive session: while a user has one, their other sessions can do nothing.

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Db, Select, Update};
use crate::error::{self, Rpc};
use crate::rpc::{Args, Call, Struct};
use crate::session::Session;

use super::logout::close;

/// Makes the caller's session the only one of its user that works: `exclusiveSession(force=False)`.
///
/// With `force` another exclusive session of the user is closed, without it that is fault 1006. Subsessions
/// cannot be exclusive. Without a session nothing happens.
#[rpc("exclusiveSession(*args, **opts)", write)]
pub async fn exclusive_session(call: &mut Call, args: Vec<Value>, opts: Struct) -> Rpc<()> {
    let force: bool = Args::of("exclusiveSession(force=False)", args, opts)?.take("force")?;
    match call.identity.user() {
        Some(session) => make_exclusive(&call.db, session, force).await,
        None => Ok(()),
    }
}

/// Gives the exclusive lock back. Without it nothing happens.
#[rpc("sharedSession()", write)]
pub async fn shared_session(call: &mut Call) -> Rpc<()> {
    let Some(session) = call.identity.user() else { return Ok(()) };
    let update = Update::table("sessions").set_null("exclusive");
    update.clause("id = ? AND exclusive = TRUE", [session.id.into()]).run(&call.db).await?;
    Ok(())
}

/// Takes the exclusive lock, from its holder if `force`.
pub(super) async fn make_exclusive(db: &Db, session: &Session, force: bool) -> Rpc<()> {
    if session.master.is_some() {
        return Err(error::generic("subsessions cannot become exclusive"));
    }
    if session.exclusive {
        return Err(error::generic("session is already exclusive"));
    }
    // The lock on the user keeps two sessions from taking it at a time.
    let user = Select::from("users").column("id", "id").clause("id = ?", [session.user_id.into()]).lock();
    user.value::<i32>(db).await?;
    let holder: Option<i32> = Select::from("sessions")
        .column("id", "id")
        .clause("user_id = ? AND closed = FALSE AND exclusive = TRUE", [session.user_id.into()])
        .lock()
        .value(db)
        .await?;
    if let Some(holder) = holder {
        if !force {
            return Err(error::auth_lock("Cannot get exclusive session"));
        }
        close(db, "id = ?", [holder.into()]).await?;
    }
    Update::table("sessions").set("exclusive", true).clause("id = ?", [session.id.into()]).run(db).await?;
    Ok(())
}
