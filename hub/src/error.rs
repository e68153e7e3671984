//! What can go wrong in a call, in the words of the domain.
//!
//! A method returns `Rpc<T>`. The transport turns an `Error` into an XML-RPC fault once, in `rpc::dispatch`:
//! a `Fault` goes to the client as it is, anything else is logged whole and told to the client in one line.

use std::fmt;

use sea_orm::DbErr;
use toji_proto::FaultCode;

/// A failed call.
#[derive(Debug)]
pub enum Error {
    /// Told to the client as it is.
    Fault { code: FaultCode, text: String },
    /// The database refused or is away; `context` says at what.
    Database(DbErr),
    /// A file of the tree could not be read or written.
    Io { what: String, source: std::io::Error },
    /// A broken promise of our own.
    Internal(String),
}

/// The outcome of a call.
pub type Rpc<T> = Result<T, Error>;

/// Makes an error of each fault class: `error::tag("…")`.
macro_rules! fault_classes {
    ($($(#[$doc:meta])* $name:ident = $code:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(text: impl Into<String>) -> Error {
            Error::Fault { code: FaultCode::$code, text: text.into() }
        }
    )*};
}

fault_classes! {
    /// The general fault (1000).
    generic = Generic;
    /// Somebody else is at it (1001).
    lock = Lock;
    /// Wrong credentials or session (1002).
    auth = Auth;
    /// A tagging rule was broken (1003).
    tag = Tag;
    /// The caller may not do this (1004).
    denied = NotAllowed;
    /// A build cannot be made or found as asked (1005).
    build = Build;
    /// Somebody else holds the exclusive session (1006).
    auth_lock = AuthLock;
    /// The session has expired (1007).
    auth_expired = AuthExpired;
    /// A call number went backwards (1008).
    sequence = Sequence;
    /// A call that already succeeded was sent again (1009).
    retry = Retry;
    /// A build was refused before it began (1010).
    pre_build = PreBuild;
    /// A buildroot rule was broken (1012).
    buildroot = Buildroot;
    /// A method that is no longer served (1013).
    deprecated = Deprecated;
    /// The hub is closed for maintenance (1014).
    offline = Offline;
    /// Wrong number, type or value of arguments (1019).
    param = Parameter;
    /// Something cannot be imported (1020).
    import = Import;
    /// The hub's configuration is wrong (1021).
    configuration = Configuration;
    /// A name breaks the naming rules (1024).
    name_validation = NameValidation;
}

/// An internal error; the client learns only that there was one.
pub fn internal(text: impl Into<String>) -> Error {
    Error::Internal(text.into())
}

impl Error {
    /// Adds to `std::io::Error` what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The kind of fault that the client gets.
    pub fn fault_code(&self) -> FaultCode {
        match self {
            Self::Fault { code, .. } => *code,
            Self::Database(_) | Self::Internal(_) => FaultCode::Internal,
            Self::Io { .. } => FaultCode::Generic,
        }
    }

    /// Its number.
    pub fn code(&self) -> i32 {
        self.fault_code().code()
    }

    /// The text that the client gets: never a query, never a secret.
    pub fn public_text(&self) -> String {
        match self {
            Self::Fault { text, .. } => text.clone(),
            Self::Database(e) => match e.sql_err() {
                Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => "an entry of that kind already exists".into(),
                Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)) => {
                    "something still refers to this entry".into()
                }
                _ => "the database refused the request".into(),
            },
            Self::Io { what, source } => format!("{what}: {}", source.kind()),
            Self::Internal(_) => "internal error".into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { code, text } => write!(f, "{text} ({})", code.name()),
            Self::Database(e) => write!(f, "database: {e}"),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Internal(text) => write!(f, "internal: {text}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<DbErr> for Error {
    fn from(e: DbErr) -> Self {
        Self::Database(e)
    }
}

/// A name that cannot be part of a path.
impl From<toji_proto::paths::PathError> for Error {
    fn from(e: toji_proto::paths::PathError) -> Self {
        generic(e.to_string())
    }
}

/// A worker thread panicked or was cancelled.
impl From<tokio::task::JoinError> for Error {
    fn from(e: tokio::task::JoinError) -> Self {
        Self::Internal(e.to_string())
    }
}
