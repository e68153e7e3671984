//! The hub as the worker sees it: sessions over XML-RPC, uploads and downloads over HTTP.
//!
//! A [`Session`] makes one call at a time, because the hub orders the calls of a session by their
//! call number. A call keeps its number when it is tried again, so a retry can never do a thing
//! twice: if the first try arrived, the hub says so (fault 1009). Each running task has a
//! subsession of its own and waits for nobody.

mod error;

pub use error::HubError;

use std::path::Path;

use crate::value::{Members, Value};

/// One login at the hub. Clones share it.
#[derive(Clone)]
pub struct Session {}

/// What a downloaded file must be.
#[derive(Debug, Default, Clone)]
pub struct Expected {
    /// Bytes, if known.
    pub size: Option<u64>,
    /// Hexadecimal MD5 or SHA-256 (told apart by length), if known.
    pub digest: Option<String>,
}

impl Session {
    /// Makes one call, with retries.
    pub async fn call(&self, method: &str, args: Vec<Value>) -> Result<Value, HubError> {
        let _ = args;
        Err(HubError::Transport { what: method.to_owned(), reason: "not connected".into() })
    }

    /// Makes one call with named arguments behind the positional ones.
    pub async fn call_named(&self, method: &str, mut args: Vec<Value>, mut named: Members) -> Result<Value, HubError> {
        named.insert("__starstar".into(), Value::Boolean(true));
        args.push(Value::Struct(named));
        self.call(method, args).await
    }

    /// Downloads `path` (below the hub's file tree, for instance `work/tasks/…`) or an absolute
    /// URL to `dest`. Interrupted transfers go on where they ended.
    pub async fn download(&self, path: &str, dest: &Path, expected: &Expected) -> Result<(), HubError> {
        let _ = (dest, expected);
        Err(HubError::Transport { what: path.to_owned(), reason: "not connected".into() })
    }
}
