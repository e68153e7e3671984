//! Making and reading XML-RPC values in few words.
//!
//! ```
//! use toji_proto::{Value, ValueExt, value};
//!
//! let tag = value!({ "id": 7, "name": "f40", "perm": None::<String>, "arches": value!(["x86_64"]) });
//! assert_eq!(tag.get("id").and_then(Value::as_i64), Some(7));
//! assert_eq!(tag.repr().to_string(), "{'arches': ['x86_64'], 'id': 7, 'name': 'f40', 'perm': None}");
//! ```

use std::collections::BTreeMap;

use crate::repr::Repr;
use crate::xmlrpc::{DateTime, Value};

/// The members of a struct, by name.
pub type Struct = BTreeMap<String, Value>;

/// An integer in the variant that its size asks for.
pub fn int(n: i64) -> Value {
    i32::try_from(n).map_or(Value::Long(n), Value::Integer)
}

/// Questions to a value. None of them converts: the integer 1 is no string and no boolean.
pub trait ValueExt {
    fn is_nil(&self) -> bool;
    /// Python's truth: nil, false, zero and whatever is empty are false.
    fn is_true(&self) -> bool;
    fn as_bool(&self) -> Option<bool>;
    fn as_i64(&self) -> Option<i64>;
    /// A double, or an integer as one.
    fn as_f64(&self) -> Option<f64>;
    fn as_str(&self) -> Option<&str>;
    fn as_bytes(&self) -> Option<&[u8]>;
    fn as_datetime(&self) -> Option<DateTime>;
    fn as_array(&self) -> Option<&[Value]>;
    fn as_struct(&self) -> Option<&Struct>;
    /// A member, if this is a struct that has it.
    fn get(&self, name: &str) -> Option<&Value>;
    /// The type, by the name that Python gives it: `int`, `str`, `NoneType`, …
    fn type_name(&self) -> &'static str;
    /// Displays as Python writes it: `{'a': [1, None, 'x']}`.
    fn repr(&self) -> Repr<'_>;
}

impl ValueExt for Value {
    fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    fn is_true(&self) -> bool {
        match self {
            Value::Integer(n) => *n != 0,
            Value::Long(n) => *n != 0,
            Value::Boolean(b) => *b,
            Value::Double(x) => *x != 0.0,
            Value::String(s) => !s.is_empty(),
            Value::Base64(b) => !b.is_empty(),
            Value::Array(a) => !a.is_empty(),
            Value::Struct(s) => !s.is_empty(),
            Value::DateTime(_) => true,
            _ => false,
        }
    }

    fn as_bool(&self) -> Option<bool> {
        if let Value::Boolean(b) = self { Some(*b) } else { None }
    }

    fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Integer(n) => Some(i64::from(*n)),
            Value::Long(n) => Some(*n),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Double(x) => Some(*x),
            other => other.as_i64().map(|n| n as f64),
        }
    }

    fn as_str(&self) -> Option<&str> {
        if let Value::String(s) = self { Some(s) } else { None }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        if let Value::Base64(b) = self { Some(b) } else { None }
    }

    fn as_datetime(&self) -> Option<DateTime> {
        if let Value::DateTime(t) = self { Some(*t) } else { None }
    }

    fn as_array(&self) -> Option<&[Value]> {
        if let Value::Array(a) = self { Some(a) } else { None }
    }

    fn as_struct(&self) -> Option<&Struct> {
        if let Value::Struct(s) = self { Some(s) } else { None }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.as_struct()?.get(name)
    }

    fn type_name(&self) -> &'static str {
        match self {
            Value::Integer(_) | Value::Long(_) => "int",
            Value::Boolean(_) => "bool",
            Value::Double(_) => "float",
            Value::String(_) => "str",
            Value::Base64(_) => "bytes",
            Value::DateTime(_) => "DateTime",
            Value::Array(_) => "list",
            Value::Struct(_) => "dict",
            _ => "NoneType",
        }
    }

    fn repr(&self) -> Repr<'_> {
        Repr(self)
    }
}

/// What can be sent.
pub trait IntoValue {
    fn into_value(self) -> Value;
}

macro_rules! into_value {
    ($($from:ty: |$x:ident| $value:expr),* $(,)?) => {
        $(impl IntoValue for $from {
            fn into_value(self) -> Value {
                let $x = self;
                $value
            }
        })*
    };
}

into_value! {
    Value: |x| x,
    bool: |x| Value::Boolean(x),
    i16: |x| Value::Integer(i32::from(x)),
    i32: |x| Value::Integer(x),
    u32: |x| int(i64::from(x)),
    i64: |x| int(x),
    // Sizes; none is beyond what a long can say.
    u64: |x| int(i64::try_from(x).unwrap_or(i64::MAX)),
    // No collection is longer than i64 counts.
    usize: |x| int(i64::try_from(x).unwrap_or(i64::MAX)),
    f64: |x| Value::Double(x),
    &str: |x| Value::String(x.to_owned()),
    &String: |x| Value::String(x.clone()),
    String: |x| Value::String(x),
    DateTime: |x| Value::DateTime(x),
    &Value: |x| x.clone(),
    Record: |x| Value::Struct(x.0),
    Vec<u8>: |x| Value::Base64(x),
}

/// Nothing to say is nil.
impl IntoValue for () {
    fn into_value(self) -> Value {
        Value::Nil
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Nil, T::into_value)
    }
}

/// A list of bytes is base64 instead, which is why a single byte is no value.
impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        list(self)
    }
}

impl<T: IntoValue> IntoValue for BTreeMap<String, T> {
    fn into_value(self) -> Value {
        Value::Struct(self.into_iter().map(|(name, x)| (name, x.into_value())).collect())
    }
}

impl<A: IntoValue, B: IntoValue> IntoValue for (A, B) {
    fn into_value(self) -> Value {
        Value::Array(vec![self.0.into_value(), self.1.into_value()])
    }
}

/// A list of anything that can be sent.
pub fn list<T: IntoValue>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Array(items.into_iter().map(T::into_value).collect())
}

/// A struct in the making, where names or presence are decided at run time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record(pub Struct);

impl Record {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a member; an earlier one of the same name is replaced.
    pub fn set(mut self, name: impl Into<String>, value: impl IntoValue) -> Self {
        self.put(name, value);
        self
    }

    /// Sets a member only if there is a value.
    pub fn set_some(self, name: impl Into<String>, value: Option<impl IntoValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    pub fn put(&mut self, name: impl Into<String>, value: impl IntoValue) {
        self.0.insert(name.into(), value.into_value());
    }
}

/// A value: `value!({ "id": 1, "name": name })`, `value!([1, "x"])`, `value!(anything)`. Members and
/// items are expressions; what lies deeper is a `value!` of its own.
#[macro_export]
macro_rules! value {
    ({ $($name:literal : $value:expr),* $(,)? }) => {
        $crate::Value::Struct($crate::Struct::from([
            $((::std::string::String::from($name), $crate::IntoValue::into_value($value))),*
        ]))
    };
    ([ $($item:expr),* $(,)? ]) => {
        $crate::Value::Array(::std::vec![$($crate::IntoValue::into_value($item)),*])
    };
    ($value:expr) => { $crate::IntoValue::into_value($value) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_is_pythons() {
        for (value, truth) in [
            (Value::Nil, false),
            (value!(0), false),
            (value!(1_i64 << 40), true),
            (value!(0.0), false),
            (value!(f64::NAN), true),
            (value!(""), false),
            (value!("0"), true),
            (value!([]), false),
            (value!([Value::Nil]), true),
            (value!({}), false),
            (value!({ "a": false }), true),
        ] {
            assert_eq!(value.is_true(), truth, "{value:?}");
        }
    }

    #[test]
    fn equal_numbers_are_equal_values() {
        assert_eq!(value!(5_i64), value!(5));
        assert_eq!(value!(1_i64 << 31), Value::Long(1 << 31));
        assert_eq!(value!(5).as_i64(), Value::Long(5).as_i64());
        assert_eq!(value!(true).as_i64(), None);
    }

    #[test]
    fn records_are_built_step_by_step() {
        let record = Record::new().set("a", 1).set_some("b", None::<i32>).set("a", vec!["x"]);
        assert_eq!(record.into_value(), value!({ "a": value!(["x"]) }));
        assert_eq!(value!(vec![("a", 1)]), value!([value!(["a", 1])]));
        assert_eq!(value!(b"a".to_vec()), Value::Base64(b"a".to_vec()));
    }
}
