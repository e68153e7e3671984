//! Reading and making XML-RPC values without ceremony.
//!
//! The hub is trusted more than a client, but a task's request comes from one: every reader here
//! answers `None` instead of panicking when a value has another shape than expected.

use std::collections::BTreeMap;

pub use toji_proto::Value;

/// The members of an XML-RPC struct.
pub type Members = BTreeMap<String, Value>;

/// Looks into a [`Value`]; a wrong type or an absent member is `None`.
pub trait ValueExt {
    fn get(&self, member: &str) -> Option<&Value>;
    fn str(&self) -> Option<&str>;
    fn int(&self) -> Option<i64>;
    fn float(&self) -> Option<f64>;
    fn array(&self) -> Option<&[Value]>;
    fn members(&self) -> Option<&Members>;
    fn is_nil(&self) -> bool;
    /// Python's truth: nil, false, zero and everything empty are false.
    fn truthy(&self) -> bool;

    /// A member that is a string.
    fn get_str(&self, member: &str) -> Option<&str> {
        self.get(member).and_then(|v| v.str())
    }
    /// A member that is an integer.
    fn get_int(&self, member: &str) -> Option<i64> {
        self.get(member).and_then(|v| v.int())
    }
    /// A member that is an integer and fits an id column.
    fn get_id(&self, member: &str) -> Option<i32> {
        self.get_int(member).and_then(|v| i32::try_from(v).ok())
    }
    /// Whether a member is there and true in Python's sense.
    fn get_flag(&self, member: &str) -> bool {
        self.get(member).is_some_and(|v| v.truthy())
    }
}

impl ValueExt for Value {
    fn get(&self, member: &str) -> Option<&Value> {
        self.members()?.get(member)
    }

    fn str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    fn int(&self) -> Option<i64> {
        match self {
            Value::Integer(i) => Some(i64::from(*i)),
            Value::Long(i) => Some(*i),
            Value::Boolean(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Value::Double(f) => Some(*f),
            _ => self.int().map(|i| i as f64),
        }
    }

    fn array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    fn members(&self) -> Option<&Members> {
        match self {
            Value::Struct(members) => Some(members),
            _ => None,
        }
    }

    fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    fn truthy(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Boolean(b) => *b,
            Value::Integer(i) => *i != 0,
            Value::Long(i) => *i != 0,
            Value::Double(f) => *f != 0.0,
            Value::String(s) => !s.is_empty(),
            Value::Base64(b) => !b.is_empty(),
            Value::Array(a) => !a.is_empty(),
            Value::Struct(m) => !m.is_empty(),
            _ => true,
        }
    }
}

/// Makes a [`Value`] of a Rust value, so that calls read `[id.into_value(), "x".into_value()]`.
pub trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}
impl IntoValue for &Value {
    fn into_value(self) -> Value {
        self.clone()
    }
}
impl IntoValue for bool {
    fn into_value(self) -> Value {
        Value::Boolean(self)
    }
}
impl IntoValue for i32 {
    fn into_value(self) -> Value {
        Value::Integer(self)
    }
}
impl IntoValue for i64 {
    fn into_value(self) -> Value {
        i32::try_from(self).map_or(Value::Long(self), Value::Integer)
    }
}
impl IntoValue for u64 {
    /// Sizes beyond `i64::MAX` do not exist; they are cut there.
    fn into_value(self) -> Value {
        i64::try_from(self).unwrap_or(i64::MAX).into_value()
    }
}
impl IntoValue for f64 {
    fn into_value(self) -> Value {
        Value::Double(self)
    }
}
impl IntoValue for &str {
    fn into_value(self) -> Value {
        Value::String(self.to_owned())
    }
}
impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::String(self)
    }
}
impl IntoValue for &String {
    fn into_value(self) -> Value {
        Value::String(self.clone())
    }
}
impl IntoValue for Members {
    fn into_value(self) -> Value {
        Value::Struct(self)
    }
}
impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        Value::Array(self.into_iter().map(IntoValue::into_value).collect())
    }
}
impl<T: IntoValue + Clone> IntoValue for &[T] {
    fn into_value(self) -> Value {
        Value::Array(self.iter().cloned().map(IntoValue::into_value).collect())
    }
}
impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Nil, IntoValue::into_value)
    }
}

/// The arguments of a call: `args![task_id, "text", nil_or_value]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::value::IntoValue::into_value($value)),*]
    };
}

/// The members of a struct: `members! { "name" => "x", "id" => 3 }`.
#[macro_export]
macro_rules! members {
    ($($name:expr => $value:expr),* $(,)?) => {
        $crate::value::Members::from([
            $((String::from($name), $crate::value::IntoValue::into_value($value))),*
        ])
    };
}
