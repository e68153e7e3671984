//! What can go wrong between worker and hub.

use std::path::{Path, PathBuf};

/// A call, upload or download that did not succeed after all retries.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The hub answered with a fault; `code` is the stock number.
    #[error("{method}: {message} (fault {code})")]
    Fault { method: String, code: i32, message: String },
    /// The call was carried out, but its answer was lost on the way and cannot be had again.
    #[error("{method}: done, but the connection broke before the answer came")]
    AnswerLost { method: String },
    /// The hub could not be reached, or answered with an HTTP error, after every retry.
    #[error("{what}: {reason}")]
    Transport { what: String, reason: String },
    /// The hub's answer is not what the protocol allows, or lacks what the worker needs.
    #[error("{method}: unexpected answer from the hub: {reason}")]
    Answer { method: String, reason: String },
    /// A file at the hub does not exist (HTTP 404).
    #[error("there is no {url} at the hub")]
    NotFound { url: String },
    /// What was transferred is not what was announced.
    #[error("{what}: {reason}")]
    Corrupt { what: String, reason: String },
    /// A local file could not be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

impl HubError {
    /// The stock fault code, if the hub answered with one.
    pub fn code(&self) -> Option<i32> {
        match self {
            HubError::Fault { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub(super) fn answer(method: &str, reason: impl Into<String>) -> Self {
        HubError::Answer { method: method.into(), reason: reason.into() }
    }

    pub(super) fn transport(what: &str, reason: impl Into<String>) -> Self {
        HubError::Transport { what: what.into(), reason: reason.into() }
    }

    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> HubError + '_ {
        move |source| HubError::File { path: path.into(), source }
    }
}
