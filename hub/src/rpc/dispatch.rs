//! From a parsed request to its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use toji_proto::Value;
use tracing::{debug, warn};

use super::{Access, Args, Call, Guard, Rpc};
use crate::Hub;
use crate::db::Db;
use crate::error::{self, Error};
use crate::session::{self, Credentials, Identity};

/// How deep multiCalls may nest.
const MAX_NESTING: usize = 8;

/// A request as the transport hands it over.
pub struct Request {
    pub method: String,
    pub params: Vec<Value>,
    pub credentials: Option<Credentials>,
    /// The address that it came from.
    pub peer: String,
}

/// Runs a request in one transaction.
pub async fn answer(hub: &Arc<Hub>, request: Request) -> Rpc<Value> {
    let Request { method, params, credentials, peer } = request;
    debug!(%method, "call");
    let access = access_of(hub, &method, &params)?;
    let db = Db::new(&hub.database, access == Access::Write);
    let identity = Identity::load(&db, &hub.options, credentials.as_ref(), &peer, &method).await;
    let identity = match identity {
        Ok(identity) => identity,
        Err(e) => {
            db.rollback().await?;
            return Err(e);
        }
    };
    let touch = identity.user().filter(|s| session::needs_touch(s)).map(|s| s.id);
    let mut call = Call::new(hub.clone(), db, identity, method.clone(), peer);
    let result = match check_lockout(&call, &method).await {
        Ok(()) => run(&mut call, &method, params, 0).await,
        Err(e) => Err(e),
    };
    let finished = call.finish(&method, result.is_ok()).await;
    if let Some(id) = touch {
        hub.touch_session(id).await;
    }
    if let Err(e @ (Error::Database(_) | Error::Internal(_) | Error::Io { .. })) = &result {
        warn!(%method, error = %e, "call failed");
    }
    let value = result?;
    finished?;
    Ok(value)
}

/// What the request needs of the database: a multiCall as much as the most demanding of its items.
fn access_of(hub: &Hub, method: &str, params: &[Value]) -> Rpc<Access> {
    if !is_multicall(method) {
        let entry = hub.registry.get(method).ok_or_else(|| error::generic(format!("Invalid method: {method}")))?;
        return Ok(entry.method.access);
    }
    fn writes(hub: &Hub, value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| writes(hub, item)),
            Value::Struct(item) => match item.get("methodName") {
                Some(Value::String(name)) if is_multicall(name) => {
                    item.get("params").is_some_and(|params| writes(hub, params))
                }
                Some(Value::String(name)) => hub.registry.get(name).is_some_and(|e| e.method.access == Access::Write),
                _ => false,
            },
            _ => false,
        }
    }
    Ok(if params.iter().any(|p| writes(hub, p)) { Access::Write } else { Access::Read })
}

fn is_multicall(method: &str) -> bool {
    matches!(method, "multiCall" | "system.multicall")
}

/// While the hub is locked only admins get in.
async fn check_lockout(call: &Call, method: &str) -> Rpc<()> {
    let open = !call.hub.options.lock_out || matches!(method, "login" | "sslLogin" | "logout");
    if open || call.has_perm("admin").await? { Ok(()) } else { Err(error::offline("Server disabled for maintenance")) }
}

/// Runs one method, or a multiCall's items.
pub(super) async fn run(call: &mut Call, method: &str, params: Vec<Value>, depth: usize) -> Rpc<Value> {
    if is_multicall(method) {
        return multicall(call, params, depth).await;
    }
    let hub = call.hub.clone();
    let entry = hub.registry.get(method).ok_or_else(|| error::generic(format!("Invalid method: {method}")))?;
    call.method = method.to_string();
    let args = Args::bind(&entry.signature, params)?;
    match entry.method.guard {
        Guard::Anybody => {}
        Guard::Login => {
            call.session()?;
        }
        Guard::Perm(name) => call.assert_perm(name).await?,
        Guard::Host => {
            call.assert_host().await?;
        }
    }
    (entry.method.handler)(call, args).await
}

/// Runs each item in a savepoint. A failing item becomes a struct with `faultCode` and `faultString` in the
/// list of results; the others stand.
async fn multicall(call: &mut Call, params: Vec<Value>, depth: usize) -> Rpc<Value> {
    if depth >= MAX_NESTING {
        return Err(error::param(format!("more than {MAX_NESTING} multiCalls inside each other")));
    }
    let [Value::Array(items)] =
        <[Value; 1]>::try_from(params).map_err(|_| error::param("multiCall takes one argument: the list of calls"))?
    else {
        return Err(error::param("multiCall takes a list of calls"));
    };
    let savepoint = format!("multicall_{depth}");
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        let mark = call.mark();
        let writes = call.db.writes();
        if writes {
            call.db.savepoint(&savepoint).await?;
        }
        let result = match named_call(item) {
            Ok((method, params)) => Box::pin(run(call, &method, params, depth + 1)).await,
            Err(e) => Err(e),
        };
        match result {
            Ok(value) => {
                if writes {
                    call.db.release(&savepoint).await?;
                }
                results.push(Value::Array(vec![value]));
            }
            Err(e) => {
                call.undo_since(mark);
                if writes {
                    call.db.rollback_to(&savepoint).await?;
                }
                results.push(fault_struct(&e));
            }
        }
        call.forget_event();
    }
    Ok(Value::Array(results))
}

fn named_call(item: Value) -> Rpc<(String, Vec<Value>)> {
    let Value::Struct(mut item) = item else {
        return Err(error::param("an item of a multiCall is a struct with methodName and params"));
    };
    match (item.remove("methodName"), item.remove("params")) {
        (Some(Value::String(method)), Some(Value::Array(params))) => Ok((method, params)),
        (Some(Value::String(method)), _) => Err(error::param(format!("{method}: params must be a list"))),
        _ => Err(error::param("an item of a multiCall has no methodName")),
    }
}

fn fault_struct(e: &Error) -> Value {
    // Clients know a `traceback` here; ours says no more than the fault itself.
    let text = e.public_text();
    Value::Struct(BTreeMap::from([
        ("faultCode".into(), Value::Integer(e.code())),
        ("faultString".into(), Value::String(text.clone())),
        ("traceback".into(), Value::Array(vec![Value::String(text)])),
    ]))
}
