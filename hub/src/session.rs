//! Who is calling.
//!
//! A session is a row of `sessions`, found by the id and key that come with each request. It may carry a
//! call number: the number of the last call that wrote is kept in the row, so that a call whose answer got
//! lost can be sent again without being done twice. The number is stored in the transaction of the call
//! itself (`keep_call_number`): it is there exactly if the call's effect is.

use std::collections::HashMap;

use axum::http::HeaderMap;
use chrono::{DateTime, Duration, Utc};
use toji_proto::Value;

use crate::db::{Db, Row, RowExt, Select, Update};
use crate::error::{self, Error, Rpc};
use crate::options::Options;

/// Calls that may be repeated although they wrote: their effect is the same the second time.
const REPEATABLE: &[&str] = &[
    "host.taskWait",
    "host.taskUnwait",
    "host.taskSetWait",
    "host.updateHost",
    "host.setBuildRootState",
    "repoExpire",
    "repoDelete",
    "repoProblem",
];

/// Calls that a session locked out by another's exclusive one may still make.
const ALLOWED_WHEN_LOCKED: &[&str] = &["exclusiveSession", "login", "logout"];

/// How long the time of a session's last use may lag behind.
const TOUCH_INTERVAL: Duration = Duration::seconds(30);

/// What a request says of its session.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub id: i32,
    pub key: String,
    pub call_number: Option<i32>,
}

impl Credentials {
    /// Reads the session headers, or else the URL parameters of older clients.
    pub fn from_request(headers: &HeaderMap, query: Option<&str>, options: &Options) -> Rpc<Option<Self>> {
        let header = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("").to_string());
        if let Some(id) = header("koji-session-id") {
            let key = header("koji-session-key").ok_or_else(|| error::auth("no session key with the session id"))?;
            // The second name is what clients before 1.31 were told.
            let number = header("koji-session-callnum").or_else(|| header("koji-callnum"));
            return Ok(Some(Self::parse(&id, key, number)?));
        }
        let query = query.unwrap_or("");
        if options.disable_url_sessions || query.is_empty() {
            return Ok(None);
        }
        let mut fields: HashMap<String, String> = HashMap::new();
        for pair in query.split('&') {
            let (name, value) =
                pair.split_once('=').ok_or_else(|| error::auth(format!("bad query field: {pair:?}")))?;
            let decoded = percent_encoding::percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into();
            fields.entry(name.to_string()).or_insert(decoded);
        }
        let mut field = |name: &str| {
            fields.remove(name).ok_or_else(|| error::auth(format!("{name} not specified in session args")))
        };
        let (id, key) = (field("session-id")?, field("session-key")?);
        let number = field("callnum").ok();
        Ok(Some(Self::parse(&id, key, number)?))
    }

    fn parse(id: &str, key: String, number: Option<String>) -> Rpc<Self> {
        let id = id.trim().parse().map_err(|_| error::auth(format!("Invalid session id: {id:?}")))?;
        let call_number = match number {
            Some(n) => Some(n.trim().parse().map_err(|_| error::auth(format!("Invalid callnum: {n:?}")))?),
            None => None,
        };
        Ok(Self { id, key, call_number })
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The client's address.
    pub address: String,
    /// The user whom a trusted proxy has verified.
    pub verified_user: Option<String>,
}

/// A session that was found and may call.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: i32,
    pub key: String,
    pub user_id: i32,
    pub user_name: String,
    pub user_type: i32,
    pub auth_type: Option<i32>,
    pub host_ip: String,
    /// The session that this one is a subsession of.
    pub master: Option<i32>,
    /// Whether this session, or its master, holds the user's exclusive lock.
    pub exclusive: bool,
    /// The number of this call.
    pub call_number: Option<i32>,
    /// The whole row, for `showSession` and the like.
    pub row: Row,
}

/// What became of a request's credentials.
#[derive(Clone, Debug)]
pub enum Identity {
    Anonymous,
    /// The session has expired; only a login with `renew` may use it.
    Expired(Session),
    User(Session),
}

impl Identity {
    /// Finds the session and checks that it may make this call.
    pub async fn load(
        db: &Db,
        options: &Options,
        credentials: Option<&Credentials>,
        peer: &Peer,
        method: &str,
    ) -> Rpc<Self> {
        let Some(given) = credentials else { return Ok(Self::Anonymous) };
        let host_ip = client_ip(options, &peer.address);
        let row = Select::from("sessions")
            .join("users ON users.id = sessions.user_id")
            .columns(&[
                ("sessions.authtype", "authtype"),
                ("sessions.callnum", "callnum"),
                ("sessions.exclusive", "exclusive"),
                ("sessions.expired", "expired"),
                ("sessions.master", "master"),
                ("sessions.start_time", "start_time"),
                ("sessions.update_time", "update_time"),
                ("sessions.renew_time", "renew_time"),
                ("sessions.user_id", "user_id"),
                ("users.name", "user_name"),
                ("users.status", "user_status"),
                ("users.usertype", "user_type"),
            ])
            .column(HOLDER, "holder")
            .epoch("sessions.start_time", "start_ts")
            .epoch("sessions.update_time", "update_ts")
            .epoch("sessions.renew_time", "renew_ts")
            .clause("sessions.id = ? AND sessions.key = ?", [given.id.into(), given.key.clone().into()])
            .clause("sessions.hostip = ? AND sessions.closed = FALSE", [host_ip.clone().into()])
            .one(db)
            .await?;
        let Some(row) = row else {
            return Err(error::auth("Invalid session or bad credentials"));
        };
        let expired = row.is("expired") || past_renewal(options, &row);
        if expired && !matches!(method, "login" | "sslLogin") {
            return Err(error::auth_expired(format!("session \"{}\" has expired", given.id)));
        }
        check_call_number(given, row.opt_int("callnum"), method)?;
        let master = row.opt_int("master");
        let holder = row.opt_int("holder");
        let session = Session {
            id: given.id,
            key: given.key.clone(),
            user_id: row.int("user_id")?,
            user_name: row.text("user_name").into(),
            user_type: row.int("user_type")?,
            auth_type: row.opt_int("authtype"),
            host_ip,
            master,
            exclusive: row.is("exclusive") || (holder.is_some() && holder == master),
            call_number: given.call_number,
            row,
        };
        if expired {
            return Ok(Self::Expired(session));
        }
        if session.row.opt_int("user_status") != Some(0) {
            return Err(error::auth(format!("logins by {} are not allowed", session.user_name)));
        }
        if holder.is_some() && !session.exclusive && !ALLOWED_WHEN_LOCKED.contains(&method) {
            return Err(error::auth_lock("User locked by another session"));
        }
        Ok(Self::User(session))
    }

    pub fn user(&self) -> Option<&Session> {
        match self {
            Self::User(session) => Some(session),
            _ => None,
        }
    }
}

/// The user's exclusive session, if there is one.
const HOLDER: &str = "(SELECT min(holding.id) FROM sessions holding WHERE holding.user_id = sessions.user_id \
     AND holding.exclusive = TRUE AND holding.closed = FALSE)";

/// The address that a session is bound to; `-` where the hub does not look at it.
pub fn client_ip(options: &Options, address: &str) -> String {
    if options.check_client_ip { address.into() } else { "-".into() }
}

fn past_renewal(options: &Options, row: &Row) -> bool {
    let minutes = options.session_renewal_timeout;
    let since = match (row.get("renew_ts"), row.get("start_ts")) {
        (Some(Value::Double(t)), _) | (_, Some(Value::Double(t))) => *t,
        _ => return false,
    };
    minutes != 0 && Utc::now().timestamp() as f64 > since + minutes as f64 * 60.0
}

fn check_call_number(given: &Credentials, last: Option<i32>, method: &str) -> Rpc<()> {
    let (Some(number), Some(last)) = (given.call_number, last) else { return Ok(()) };
    if last > number {
        return Err(error::sequence(format!("{last} > {number} (session {})", given.id)));
    }
    if last == number && !REPEATABLE.contains(&method) {
        return Err(already_done(given.id, number, method));
    }
    Ok(())
}

fn already_done(session: i32, number: i32, method: &str) -> Error {
    error::retry(format!("unable to retry call {number} (method {method}) for session {session}"))
}

/// Keeps the number of a call that wrote, in the call's own transaction.
///
/// Fails if the same or a later number got there first: then this call must not count.
pub async fn keep_call_number(db: &Db, session: &Session, method: &str) -> Rpc<()> {
    let Some(number) = session.call_number else { return Ok(()) };
    let free = if REPEATABLE.contains(&method) { "callnum <= ?" } else { "callnum < ?" };
    let kept = Update::table("sessions")
        .set("callnum", number)
        .set("update_time", Utc::now())
        .clause("id = ?", [session.id.into()])
        .clause(&format!("callnum IS NULL OR {free}"), [number.into()])
        .run(db)
        .await?;
    if kept == 0 { Err(already_done(session.id, number, method)) } else { Ok(()) }
}

/// Whether the time of last use is old enough to be written again.
pub fn needs_touch(session: &Session) -> bool {
    let Some(Value::Double(last)) = session.row.get("update_ts") else { return true };
    let last = DateTime::from_timestamp(*last as i64, 0).unwrap_or_default();
    Utc::now() - last > TOUCH_INTERVAL
}
