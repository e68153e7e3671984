//! Tasks that tasks make.

use toji_hub_macros::rpc;
use toji_proto::tasks::NAMED;
use toji_proto::{Struct, Value};

use super::{Call, Rpc};
use crate::error;
use crate::rpc::FromArg;
use crate::rpc::tasks::{TaskOpts, make_task, store};

/// Makes a subtask of a task that the host has open, and returns its id: the method, the list of its parameters,
/// the parent, and as named arguments `label`, `channel`, `arch`, `priority`, `assign` and `kwargs` (named
/// parameters, a struct). A label that the parent has used before gives the same task again, whatever the rest.
///
/// Faults: a parent that the host does not have open (1004).
#[rpc("host.subtask(method, arglist, parent, **opts)", write, host)]
pub async fn subtask(call: &mut Call, method: Value, arglist: Value, parent: i32, mut opts: Struct) -> Rpc<i32> {
    let host = call.assert_host().await?;
    store::assert_host(call, parent, host).await?;
    if opts.contains_key("owner") {
        return Err(error::denied("The owner option is not allowed here"));
    }
    opts.insert("parent".into(), Value::Integer(parent));
    if let Some(Value::String(label)) = opts.get("label") {
        let sql = "SELECT id FROM task WHERE parent = ? AND label = ?";
        if let Some(id) = call.db.value::<i32>(sql, vec![parent.into(), label.clone().into()]).await? {
            return Ok(id);
        }
    }
    let mut params: Vec<Value> = Vec::from_arg(arglist, "arglist")?;
    if let Some(named) = opts.remove("kwargs") {
        push_named(&mut params, Struct::from_arg(named, "kwargs")?);
    }
    let method = String::from_arg(method, "method")?;
    let opts = TaskOpts::from_struct(call, opts).await?;
    make_task(call, &method, &params, opts).await
}

/// The same in another order: the parent, the options as a struct, the method; then its parameters as they are,
/// also the named ones.
#[rpc("host.subtask2(_HostExports__parent, _HostExports__taskopts, _HostExports__method, *args, **opts)", write, host)]
pub async fn subtask2(
    call: &mut Call,
    parent: i32,
    taskopts: Struct,
    method: Value,
    mut args: Vec<Value>,
    opts: Struct,
) -> Rpc<i32> {
    push_named(&mut args, opts);
    subtask(call, method, Value::Array(args), parent, taskopts).await
}

/// Adds named parameters as calls carry them.
pub fn push_named(params: &mut Vec<Value>, mut named: Struct) {
    if !named.is_empty() {
        named.insert(NAMED.into(), Value::Boolean(true));
        params.push(Value::Struct(named));
    }
}
