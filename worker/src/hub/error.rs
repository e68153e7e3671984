//! What can go wrong between worker and hub.

use toji_proto as _;

/// A call, upload or download that did not succeed after all retries.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The hub answered with a fault; `code` is the stock number.
    #[error("{method}: {message} (fault {code})")]
    Fault { method: String, code: i32, message: String },
    /// The hub could not be reached, or answered with an HTTP error, after every retry.
    #[error("{what}: {reason}")]
    Transport { what: String, reason: String },
    /// The hub's answer is not what the protocol allows, or lacks what the worker needs.
    #[error("{method}: unexpected answer from the hub: {reason}")]
    Answer { method: String, reason: String },
    /// A local file could not be read or written.
    #[error("{path}: {source}")]
    File { path: std::path::PathBuf, source: std::io::Error },
}

impl HubError {
    /// The stock fault code, if the hub answered with one.
    pub fn code(&self) -> Option<i32> {
        match self {
            HubError::Fault { code, .. } => Some(*code),
            _ => None,
        }
    }
}
