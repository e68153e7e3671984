//! How a task fails.

use toji_proto::FaultCode;

use crate::hub::HubError;

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
        Self::fault(FaultCode::Generic, message)
    }
    /// The package does not build.
    pub fn build(message: impl Into<String>) -> Self {
        Self::fault(FaultCode::Build, message)
    }
    /// The source or the request is not fit to be built.
    pub fn pre_build(message: impl Into<String>) -> Self {
        Self::fault(FaultCode::PreBuild, message)
    }
    /// What was built is not fit to be kept.
    pub fn post_build(message: impl Into<String>) -> Self {
        Self::fault(FaultCode::PostBuild, message)
    }
    /// The clean root could not be made.
    pub fn buildroot(message: impl Into<String>) -> Self {
        Self::fault(FaultCode::Buildroot, message)
    }
    /// The request's arguments are wrong.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::fault(FaultCode::Parameter, message)
    }
    fn fault(code: FaultCode, message: impl Into<String>) -> Self {
        TaskError::Fault { code: code.code(), message: message.into() }
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
