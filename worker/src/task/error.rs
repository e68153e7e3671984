//! How a task fails.

use crate::hub::HubError;

/// Stock fault codes that task kinds use.
pub mod code {
    pub const GENERIC: i32 = 1000;
    pub const TAG: i32 = 1003;
    pub const NOT_ALLOWED: i32 = 1004;
    pub const BUILD: i32 = 1005;
    pub const PRE_BUILD: i32 = 1010;
    pub const POST_BUILD: i32 = 1011;
    pub const BUILDROOT: i32 = 1012;
    pub const PARAMETER: i32 = 1019;
}

/// Why a task did not end with a result. The text of a fault is what its submitter reads: it names
/// the cause and, for a failed program, the log to look at.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The task fails with a stock fault code.
    #[error("{message}")]
    Fault { code: i32, message: String },
    /// The task is no longer ours. Nothing is reported.
    #[error("cancelled")]
    Cancelled,
    /// This host cannot run the task after all: it goes back to the hub for another one.
    #[error("refused: {0}")]
    Refused(String),
}

impl TaskError {
    pub fn generic(message: impl Into<String>) -> Self {
        Self::fault(code::GENERIC, message)
    }
    /// The package does not build.
    pub fn build(message: impl Into<String>) -> Self {
        Self::fault(code::BUILD, message)
    }
    /// The source or the request is not fit to be built.
    pub fn pre_build(message: impl Into<String>) -> Self {
        Self::fault(code::PRE_BUILD, message)
    }
    /// What was built is not fit to be kept.
    pub fn post_build(message: impl Into<String>) -> Self {
        Self::fault(code::POST_BUILD, message)
    }
    /// The clean root could not be made.
    pub fn buildroot(message: impl Into<String>) -> Self {
        Self::fault(code::BUILDROOT, message)
    }
    /// The request's arguments are wrong.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::fault(code::PARAMETER, message)
    }
    pub fn fault(code: i32, message: impl Into<String>) -> Self {
        TaskError::Fault { code, message: message.into() }
    }

    /// A local I/O error and what was being done.
    pub fn io(what: impl std::fmt::Display, error: std::io::Error) -> Self {
        let hint =
            if error.kind() == std::io::ErrorKind::StorageFull { " (the disk of this host is full)" } else { "" };
        Self::generic(format!("{what}: {error}{hint}"))
    }
}

impl From<HubError> for TaskError {
    /// A fault of the hub is passed on as it is, so that the submitter reads the hub's words.
    fn from(error: HubError) -> Self {
        match error {
            HubError::Fault { code, message, .. } => TaskError::Fault { code, message },
            other => TaskError::generic(other.to_string()),
        }
    }
}

impl From<anyhow::Error> for TaskError {
    fn from(error: anyhow::Error) -> Self {
        TaskError::generic(format!("{error:#}"))
    }
}
