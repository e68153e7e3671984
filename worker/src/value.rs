//! The values of calls and tasks, and what makes reading and writing them short.
//!
//! A task's request comes from a client: every reader here answers `None` instead of panicking when
//! a value has another shape than expected.

pub use toji_proto::{IntoValue, Struct as Members, Value, ValueExt};

/// Looks for a member of a struct and what it holds; a wrong type is as good as none.
pub trait Lookup: ValueExt {
    fn get_str(&self, member: &str) -> Option<&str> {
        self.get(member).and_then(ValueExt::as_str)
    }

    fn get_int(&self, member: &str) -> Option<i64> {
        self.get(member).and_then(ValueExt::as_i64)
    }

    /// An integer that fits an id column.
    fn get_id(&self, member: &str) -> Option<i32> {
        self.get(member).and_then(Lookup::as_id)
    }

    fn as_id(&self) -> Option<i32> {
        self.as_i64().and_then(|id| i32::try_from(id).ok())
    }

    /// Whether the member is there and true in Python's sense.
    fn get_flag(&self, member: &str) -> bool {
        self.get(member).is_some_and(ValueExt::is_true)
    }
}

impl Lookup for Value {}

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
