//! From wire arguments to Rust parameters.
//!
//! A call's arguments are bound to its signature first (too many, too few, unknown names: fault 1019),
//! then each is converted by `FromArg` (a wrong type: fault 1019 naming the argument).

pub use toji_proto::Struct;
use toji_proto::{Value, ValueExt, arch};

use crate::db::QueryOpts;
use crate::error::{self, Error, Rpc};

use super::signature::{Parameter, Signature};

/// The bound arguments of one call, taken one by one in the order of the signature.
pub struct Args {
    values: std::collections::vec_deque::IntoIter<Value>,
}

impl Args {
    /// Binds positional and named arguments to the parameters.
    pub fn bind(signature: &Signature, mut params: Vec<Value>) -> Rpc<Self> {
        let named = take_named(&mut params);
        Self::bind_named(signature, params, named)
    }

    /// For methods that clients know as `name(*args, **opts)`: binds these to what they really take.
    pub fn of(signature: &str, params: Vec<Value>, named: Struct) -> Rpc<Self> {
        Self::bind_named(&Signature::parse(signature), params, named)
    }

    fn bind_named(signature: &Signature, params: Vec<Value>, mut named: Struct) -> Rpc<Self> {
        let method = &signature.name;
        let mut given = params.into_iter();
        let mut values = std::collections::VecDeque::with_capacity(signature.parameters.len());
        for parameter in &signature.parameters {
            values.push_back(match parameter {
                Parameter::Plain { name, default } => match (given.next(), named.remove(name.as_str())) {
                    (Some(_), Some(_)) => {
                        return Err(error::param(format!("{method}: argument {name} is given twice")));
                    }
                    (Some(value), None) | (None, Some(value)) => value,
                    (None, None) => match default {
                        Some(value) => value.clone(),
                        None => return Err(error::param(format!("{method}: argument {name} is missing"))),
                    },
                },
                Parameter::Rest { .. } => Value::Array(given.by_ref().collect()),
                Parameter::Named { .. } => Value::Struct(std::mem::take(&mut named)),
            });
        }
        if given.next().is_some() {
            return Err(error::param(format!("{method}: too many arguments")));
        }
        if let Some(name) = named.keys().next() {
            return Err(error::param(format!("{method}: unknown argument {name}")));
        }
        Ok(Self { values: values.into_iter() })
    }

    /// The next argument, as the parameter's type.
    pub fn take<T: FromArg>(&mut self, name: &str) -> Rpc<T> {
        T::from_arg(self.values.next().unwrap_or(Value::Nil), name)
    }
}

/// Named arguments travel as a struct in the last place with a true `__starstar`.
fn take_named(params: &mut Vec<Value>) -> Struct {
    let marked =
        matches!(params.last(), Some(Value::Struct(last)) if last.get("__starstar").is_some_and(ValueExt::is_true));
    if !marked {
        return Struct::new();
    }
    let Some(Value::Struct(mut named)) = params.pop() else { return Struct::new() };
    named.remove("__starstar");
    named
}

/// The conversion of one argument.
pub trait FromArg: Sized {
    /// `name` is for the message.
    fn from_arg(value: Value, name: &str) -> Rpc<Self>;
}

fn wrong(name: &str, value: &Value, expected: &str) -> Error {
    error::param(format!("Invalid type for {name}: expected {expected}, got {}", value.repr()))
}

impl FromArg for Value {
    fn from_arg(value: Value, _: &str) -> Rpc<Self> {
        Ok(value)
    }
}

impl<T: FromArg> FromArg for Option<T> {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        if value == Value::Nil { Ok(None) } else { T::from_arg(value, name).map(Some) }
    }
}

impl FromArg for bool {
    fn from_arg(value: Value, _: &str) -> Rpc<Self> {
        Ok(value.is_true())
    }
}

impl FromArg for i64 {
    /// Numbers, truth values and text that is a number, as Python's `int()` takes them.
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match &value {
            Value::Integer(n) => Ok((*n).into()),
            Value::Long(n) => Ok(*n),
            Value::Boolean(b) => Ok((*b).into()),
            Value::Double(x) if x.is_finite() && x.abs() < 9e18 => Ok(*x as i64),
            Value::String(s) => s.trim().parse().map_err(|_| wrong(name, &value, "an integer")),
            _ => Err(wrong(name, &value, "an integer")),
        }
    }
}

impl FromArg for i32 {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        let n = i64::from_arg(value, name)?;
        n.try_into().map_err(|_| error::param(format!("{name} is out of range: {n}")))
    }
}

impl FromArg for f64 {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match &value {
            Value::Double(x) => Ok(*x),
            Value::String(s) => s.trim().parse().map_err(|_| wrong(name, &value, "a number")),
            Value::Integer(_) | Value::Long(_) | Value::Boolean(_) => Ok(i64::from_arg(value, name)? as f64),
            _ => Err(wrong(name, &value, "a number")),
        }
    }
}

impl FromArg for String {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match value {
            Value::String(s) => Ok(s),
            other => Err(wrong(name, &other, "a string")),
        }
    }
}

impl<T: FromArg> FromArg for Vec<T> {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match value {
            Value::Array(items) => items.into_iter().map(|item| T::from_arg(item, name)).collect(),
            other => Err(wrong(name, &other, "a list")),
        }
    }
}

impl FromArg for Struct {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match value {
            Value::Struct(s) => Ok(s),
            other => Err(wrong(name, &other, "a struct")),
        }
    }
}

/// How clients name an entry: by id, by name, or by a struct that holds either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameOrId {
    Id(i32),
    Name(String),
}

impl FromArg for NameOrId {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match &value {
            Value::Integer(id) => Ok(Self::Id(*id)),
            Value::Long(id) => Err(error::param(format!("{name} is out of range: {id}"))),
            Value::String(s) => Ok(Self::Name(s.clone())),
            Value::Struct(s) => match (s.get("id"), s.get("name")) {
                (Some(id), _) => i32::from_arg(id.clone(), name).map(Self::Id),
                (None, Some(Value::String(s))) => Ok(Self::Name(s.clone())),
                _ => Err(wrong(name, &value, "an id, a name or a struct with either")),
            },
            _ => Err(wrong(name, &value, "an id or a name")),
        }
    }
}

impl std::fmt::Display for NameOrId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A point in history: an event's id, or nil for now. Anything else is a general fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtEvent(pub Option<i32>);

impl FromArg for AtEvent {
    fn from_arg(value: Value, _: &str) -> Rpc<Self> {
        match value {
            Value::Nil => Ok(Self(None)),
            Value::Integer(event) => Ok(Self(Some(event))),
            other => Err(error::generic(format!("Invalid event: {}", other.repr()))),
        }
    }
}

/// Architectures as tags and package lists keep them: separated by spaces. Clients may also send a list; what
/// is no name of an architecture is a general fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arches(pub String);

impl FromArg for Arches {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        let given = match value {
            Value::Array(items) => {
                items.into_iter().map(|item| String::from_arg(item, name)).collect::<Rpc<Vec<_>>>()?.join(" ")
            }
            other => String::from_arg(other, name)?,
        };
        let arches = arch::parse_stored(&given).map_err(|e| error::generic(e.to_string()))?;
        Ok(Self(arches.join(" ")))
    }
}

impl FromArg for QueryOpts {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        let mut opts = Struct::from_arg(value, name)?;
        let mut take = |key: &str| opts.remove(key).filter(|v| *v != Value::Nil);
        let number = |key: &str, v: Option<Value>| v.map(|v| i64::from_arg(v, key)).transpose();
        let text = |key: &str, v: Option<Value>| v.map(|v| String::from_arg(v, key)).transpose();
        Ok(Self {
            count_only: take("countOnly").is_some_and(|v| v.is_true()),
            as_list: take("asList").is_some_and(|v| v.is_true()),
            offset: number("offset", take("offset"))?,
            limit: number("limit", take("limit"))?,
            order: text("order", take("order"))?,
            // Grouping is for those queries that offer it; they take it from `group` themselves.
            group: None,
        })
    }
}
