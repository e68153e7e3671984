//! The settings that clients give with an entry.

use toji_proto::{Value, ValueExt};

use crate::error;
use crate::rpc::{FromArg, Rpc, Struct};

/// The database keeps no more of a kind.
const LONGEST_TYPE: usize = 25;

/// What a client set, by name; names that nobody asks for are ignored.
pub struct Options(Struct);

impl Options {
    pub fn new(given: Struct) -> Self {
        Self(given)
    }

    /// Replaces `setting` if the client gave it.
    pub fn put<T: FromArg>(&mut self, name: &str, setting: &mut T) -> Rpc<()> {
        if let Some(value) = self.0.remove(name) {
            *setting = T::from_arg(value, name)?;
        }
        Ok(())
    }
}

/// A truth value or nil: nothing else is taken for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub Option<bool>);

impl FromArg for Flag {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        match value {
            Value::Nil => Ok(Self(None)),
            Value::Boolean(set) => Ok(Self(Some(set))),
            other => {
                Err(error::param(format!("Invalid type for {name}: expected true or false, got {}", other.repr())))
            }
        }
    }
}

/// Refuses a kind of entry that is too long to be kept.
pub fn check_type(kind: &str) -> Rpc<()> {
    if kind.chars().count() > LONGEST_TYPE {
        return Err(error::param(format!(
            "The type {kind} is too long: at most {LONGEST_TYPE} characters are allowed"
        )));
    }
    Ok(())
}
