//! A task's request, bound to parameter names.

use std::collections::BTreeMap;

use super::TaskError;
use crate::value::{Value, ValueExt};

/// Arguments by name. Requests come in three forms, all accepted: positional; positional with a
/// last struct that has `__starstar`; one struct that has `__method__`.
#[derive(Debug, Clone)]
pub struct Args {
    method: String,
    values: BTreeMap<String, Value>,
}

impl Args {
    pub(super) fn bind(method: &str, request: &[Value], names: &[&str]) -> Result<Args, TaskError> {
        let wrong = |why: String| TaskError::parameter(format!("Invalid parameters for the {method} task: {why}"));
        let mut values = BTreeMap::new();
        let (positional, named) = match request {
            [Value::Struct(only)] if only.contains_key("__method__") => (&request[..0], Some(only)),
            [front @ .., Value::Struct(last)] if last.get("__starstar").is_some_and(|v| v.truthy()) => {
                (front, Some(last))
            }
            _ => (request, None),
        };
        if positional.len() > names.len() {
            return Err(wrong(format!("{} given, at most {} known", positional.len(), names.len())));
        }
        for (name, value) in names.iter().zip(positional) {
            values.insert((*name).to_owned(), value.clone());
        }
        for (name, value) in named.into_iter().flatten() {
            if name == "__method__" || name == "__starstar" {
                continue;
            }
            if !names.contains(&name.as_str()) {
                return Err(wrong(format!("{name} is not one of {}", names.join(", "))));
            }
            if values.insert(name.clone(), value.clone()).is_some() {
                return Err(wrong(format!("{name} is given twice")));
            }
        }
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
        self.need(name)?.str().ok_or_else(|| self.wrong(name, "must be a string"))
    }

    pub fn opt_str(&self, name: &str) -> Result<Option<&str>, TaskError> {
        self.get(name).map(|v| v.str().ok_or_else(|| self.wrong(name, "must be a string"))).transpose()
    }

    pub fn int(&self, name: &str) -> Result<i64, TaskError> {
        self.need(name)?.int().ok_or_else(|| self.wrong(name, "must be an integer"))
    }

    pub fn opt_int(&self, name: &str) -> Result<Option<i64>, TaskError> {
        self.get(name).map(|v| v.int().ok_or_else(|| self.wrong(name, "must be an integer"))).transpose()
    }

    pub fn id(&self, name: &str) -> Result<i32, TaskError> {
        i32::try_from(self.int(name)?).map_err(|_| self.wrong(name, "is no id"))
    }

    /// The argument's members; an absent struct is an empty one.
    pub fn opts(&self, name: &str) -> Result<Value, TaskError> {
        match self.get(name) {
            None => Ok(Value::Struct(BTreeMap::new())),
            Some(value @ Value::Struct(_)) => Ok(value.clone()),
            Some(_) => Err(self.wrong(name, "must be a struct")),
        }
    }

    /// Whether the argument is true in Python's sense.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v.truthy())
    }

    fn wrong(&self, name: &str, why: &str) -> TaskError {
        TaskError::parameter(format!("Invalid parameters for the {} task: {name} {why}", self.method))
    }
}
