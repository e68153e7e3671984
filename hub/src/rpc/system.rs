//! What the hub says of itself, and what it echoes.

use toji_hub_macros::rpc;
use toji_proto::json::from_json;
use toji_proto::{FaultCode, Value, ValueExt};

use super::{Call, Method, Parameter, Rpc, Signature, Struct};
use crate::error;

pub const METHODS: &[Method] = &[
    ECHO,
    ERROR,
    FAULT,
    GET_API_VERSION,
    GET_KOJI_VERSION,
    HELLO,
    LIST_API,
    LIST_METHODS,
    MAVEN_ENABLED,
    METHOD_HELP,
    METHOD_SIGNATURE,
    SHOW_OPTS,
    WIN_ENABLED,
];

/// The version of the stock hub whose behaviour we offer; clients choose code paths by it.
pub const KOJI_VERSION: &str = "1.36.1";

/// Returns the arguments.
#[rpc("echo(*args)")]
pub async fn echo(_: &mut Call, args: Vec<Value>) -> Rpc<Vec<Value>> {
    Ok(args)
}

/// Always fails with the general fault, for testing clients.
#[rpc("error()")]
pub async fn error(_: &mut Call) -> Rpc<Value> {
    Err(error::generic("test error"))
}

/// Always fails with a fault of no class, for testing clients.
#[rpc("fault()")]
pub async fn fault(_: &mut Call) -> Rpc<Value> {
    Err(error::Error::Fault { code: FaultCode::Internal, text: "test fault".into() })
}

/// The version of the API: 1.
#[rpc("getAPIVersion()")]
pub async fn get_api_version(_: &mut Call) -> Rpc<i32> {
    Ok(1)
}

/// The version of the stock hub whose behaviour is offered, as text.
#[rpc("getKojiVersion()")]
pub async fn get_koji_version(_: &mut Call) -> Rpc<&'static str> {
    Ok(KOJI_VERSION)
}

/// Returns a greeting, whatever the arguments.
#[rpc("hello(*args)")]
pub async fn hello(_: &mut Call, _args: Vec<Value>) -> Rpc<&'static str> {
    Ok("Hello World")
}

/// Whether Maven builds are on.
#[rpc("mavenEnabled()")]
pub async fn maven_enabled(call: &mut Call) -> Rpc<bool> {
    Ok(call.hub.options.enable_maven)
}

/// Whether Windows builds are on.
#[rpc("winEnabled()")]
pub async fn win_enabled(call: &mut Call) -> Rpc<bool> {
    Ok(call.hub.options.enable_win)
}

/// The hub's options: a struct by name, or with `as_string` one line each.
#[rpc("showOpts(as_string=True)", read, perm = "admin")]
pub async fn show_opts(call: &mut Call, as_string: bool) -> Rpc<Value> {
    let options = call.hub.options.as_value_map().into_iter().map(|(name, value)| (name.to_string(), from_json(value)));
    if !as_string {
        return Ok(Value::Struct(options.collect()));
    }
    Ok(Value::String(options.map(|(name, value)| format!("{name}: {}\n", value.repr())).collect()))
}

/// Every method: a list of structs with `name`, `doc`, `argdesc` (the signature as text), `args` (names, or
/// pairs of name and default) and `argspec` (as Python's `getfullargspec` has it).
#[rpc("_listapi()")]
pub async fn list_api(call: &mut Call) -> Rpc<Vec<Value>> {
    let entries = call.hub.registry.listed().map(|entry| {
        Value::Struct(Struct::from([
            ("name".into(), Value::String(entry.signature.name.clone())),
            ("doc".into(), Value::String(entry.method.doc.into())),
            ("argdesc".into(), Value::String(format!("({})", entry.signature.text))),
            ("args".into(), Value::Array(entry.signature.parameters.iter().map(listed).collect())),
            ("argspec".into(), argspec(&entry.signature)),
        ]))
    });
    Ok(entries.collect())
}

fn listed(parameter: &Parameter) -> Value {
    let name = Value::String(parameter.name().into());
    match parameter {
        Parameter::Plain { default: Some(value), .. } => Value::Array(vec![name, value.clone()]),
        _ => name,
    }
}

fn argspec(signature: &Signature) -> Value {
    let (mut names, mut defaults) = (vec![], vec![]);
    let (mut rest, mut named) = (Value::Nil, Value::Nil);
    for parameter in &signature.parameters {
        let name = Value::String(parameter.name().into());
        match parameter {
            Parameter::Plain { default, .. } => {
                names.push(name);
                defaults.extend(default.clone());
            }
            Parameter::Rest { .. } => rest = name,
            Parameter::Named { .. } => named = name,
        }
    }
    let defaults = if defaults.is_empty() { Value::Nil } else { Value::Array(defaults) };
    let keyword_only = [Value::Array(vec![]), Value::Nil, Value::Struct(Struct::new())];
    Value::Array([Value::Array(names), rest, named, defaults].into_iter().chain(keyword_only).collect())
}

/// The names of all methods.
#[rpc("system.listMethods()")]
pub async fn list_methods(call: &mut Call) -> Rpc<Vec<String>> {
    Ok(call.hub.registry.listed().map(|entry| entry.signature.name.clone()).collect())
}

/// A method's signature and documentation; nothing for an unknown one.
#[rpc("system.methodHelp(method)")]
pub async fn method_help(call: &mut Call, method: String) -> Rpc<String> {
    Ok(match call.hub.registry.get(&method) {
        Some(entry) => format!("{}\ndescription: {}", entry.method.signature, entry.method.doc),
        None => String::new(),
    })
}

/// Types are not declared, so there are none to tell.
#[rpc("system.methodSignature(method)")]
pub async fn method_signature(_: &mut Call, _method: Value) -> Rpc<&'static str> {
    Ok("signatures not supported")
}
