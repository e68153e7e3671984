//! From a parsed request to its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use toji_proto::{FaultCode, Value, ValueExt};
use tracing::{debug, warn};

use super::{Access, Args, Call, Guard, Rpc};
use crate::Hub;
use crate::db::Db;
use crate::error::{self, Error};
use crate::session::{self, Credentials, Identity, Peer};

/// How deep methods that call others may nest.
const MAX_NESTING: usize = 8;

/// Methods whose first argument names the method that they call.
const CALL_ANOTHER: &[&str] = &["count", "countAndFilterResults", "filterResults"];

/// A request as the transport hands it over.
pub struct Request {
    pub method: String,
    pub params: Vec<Value>,
    pub credentials: Option<Credentials>,
    pub peer: Peer,
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
            if let (FaultCode::AuthExpired, Some(given)) = (e.fault_code(), credentials) {
                hub.expire_session(given.id).await?;
            }
            return Err(e);
        }
    };
    let touch = identity.user().filter(|s| session::needs_touch(s)).map(|s| s.id);
    let mut call = Call::new(hub.clone(), db, identity, method.clone(), peer);
    let result = match check_lockout(&call, &method).await {
        Ok(()) => run(&mut call, &method, params).await,
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

/// Runs something of the hub's own in one transaction that may write. Nobody is the caller.
pub async fn run_own<T>(
    hub: &Arc<Hub>,
    name: &str,
    work: impl for<'a> FnOnce(&'a mut Call) -> BoxFuture<'a, Rpc<T>>,
) -> Rpc<T> {
    let db = Db::new(&hub.database, true);
    let mut call = Call::new(hub.clone(), db, Identity::Anonymous, name.into(), Peer::default());
    let result = work(&mut call).await;
    let finished = call.finish(name, result.is_ok()).await;
    let value = result?;
    finished?;
    Ok(value)
}

/// What the request needs of the database: a call that contains others, as much as the most demanding of them.
fn access_of(hub: &Hub, method: &str, params: &[Value]) -> Rpc<Access> {
    if !hub.registry.knows(method) {
        return Err(error::generic(format!("Invalid method: {method}")));
    }
    let own = hub.registry.get(method).map_or(Access::Read, |entry| entry.method.access);
    Ok(if writes(hub, method, params, 0) { Access::Write } else { own })
}

/// Whether a call, or one that it contains, is declared to write.
fn writes(hub: &Hub, method: &str, params: &[Value], depth: usize) -> bool {
    if depth > MAX_NESTING {
        return false;
    }
    if is_multicall(method) {
        let items = params.first().and_then(Value::as_array).unwrap_or_default();
        return items.iter().any(|item| {
            let method = item.get("methodName").and_then(Value::as_str);
            let params = item.get("params").and_then(Value::as_array);
            method.is_some_and(|method| writes(hub, method, params.unwrap_or_default(), depth + 1))
        });
    }
    if CALL_ANOTHER.contains(&method) {
        let Some(first) = params.first() else { return false };
        let named = first.as_str().or_else(|| first.get("methodName").and_then(Value::as_str));
        return named.is_some_and(|inner| writes(hub, inner, &params[1..], depth + 1));
    }
    hub.registry.get(method).is_some_and(|entry| entry.method.access == Access::Write)
}

pub(super) fn is_multicall(method: &str) -> bool {
    matches!(method, "multiCall" | "system.multicall")
}

/// While the hub is locked only admins get in.
async fn check_lockout(call: &Call, method: &str) -> Rpc<()> {
    let open = !call.hub.options.lock_out || matches!(method, "login" | "sslLogin" | "logout");
    if open || call.has_perm("admin").await? { Ok(()) } else { Err(error::offline("Server disabled for maintenance")) }
}

/// Runs one method, or a multiCall's items.
pub(super) async fn run(call: &mut Call, method: &str, params: Vec<Value>) -> Rpc<Value> {
    if call.depth > MAX_NESTING {
        return Err(error::param(format!("more than {MAX_NESTING} calls inside each other")));
    }
    call.depth += 1;
    let result = match is_multicall(method) {
        true => multicall(call, params).await,
        false => run_one(call, method, params).await,
    };
    call.depth -= 1;
    result
}

async fn run_one(call: &mut Call, method: &str, params: Vec<Value>) -> Rpc<Value> {
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
async fn multicall(call: &mut Call, params: Vec<Value>) -> Rpc<Value> {
    let [Value::Array(items)] =
        <[Value; 1]>::try_from(params).map_err(|_| error::param("multiCall takes one argument: the list of calls"))?
    else {
        return Err(error::param("multiCall takes a list of calls"));
    };
    let savepoint = format!("multicall_{}", call.depth);
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        let mark = call.mark();
        let writes = call.db.writes();
        if writes {
            call.db.savepoint(&savepoint).await?;
        }
        let result = match named_call(item) {
            Ok((method, params)) => Box::pin(run(call, &method, params)).await,
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
