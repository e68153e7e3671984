//! A task's request, by parameter names.

use toji_proto::tasks::parse_task_params;

use super::TaskError;
use crate::value::{Lookup, Members, Value, ValueExt};

/// Arguments by name. Requests come positional, with named ones behind, or all named; which names a
/// kind has stands in [`toji_proto::tasks`].
#[derive(Debug, Clone)]
pub struct Args {
    method: String,
    values: Members,
}

impl Args {
    pub(super) fn read(method: &str, request: &[Value]) -> Result<Args, TaskError> {
        let values = parse_task_params(method, request).map_err(|error| TaskError::parameter(error.to_string()))?;
        Ok(Args { method: method.to_owned(), values })
    }

    /// The argument, unless absent or nil.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|v| !v.is_nil())
    }

    /// The argument; absent and nil are faults that name it.
    pub fn need(&self, name: &str) -> Result<&Value, TaskError> {
        self.get(name).ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub fn str(&self, name: &str) -> Result<&str, TaskError> {
        self.need(name)?.as_str().ok_or_else(|| self.wrong(name, "must be a string"))
    }

    pub fn opt_str(&self, name: &str) -> Result<Option<&str>, TaskError> {
        self.get(name).map(|v| v.as_str().ok_or_else(|| self.wrong(name, "must be a string"))).transpose()
    }

    pub fn int(&self, name: &str) -> Result<i64, TaskError> {
        self.need(name)?.as_i64().ok_or_else(|| self.wrong(name, "must be an integer"))
    }

    pub fn opt_int(&self, name: &str) -> Result<Option<i64>, TaskError> {
        self.get(name).map(|v| v.as_i64().ok_or_else(|| self.wrong(name, "must be an integer"))).transpose()
    }

    pub fn id(&self, name: &str) -> Result<i32, TaskError> {
        self.need(name)?.as_id().ok_or_else(|| self.wrong(name, "must be an id"))
    }

    /// The argument's members; an absent struct is an empty one.
    pub fn opts(&self, name: &str) -> Result<Value, TaskError> {
        match self.get(name) {
            None => Ok(Value::Struct(Members::new())),
            Some(value @ Value::Struct(_)) => Ok(value.clone()),
            Some(_) => Err(self.wrong(name, "must be a struct")),
        }
    }

    /// Whether the argument is true in Python's sense.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(ValueExt::is_true)
    }

    fn wrong(&self, name: &str, why: &str) -> TaskError {
        TaskError::parameter(format!("invalid request for {}: {name} {why}", self.method))
    }
}
