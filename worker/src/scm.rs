//! Sources from git, Subversion and CVS, fetched by the programs of that name.

mod allow;
mod checkout;
mod url;

pub use checkout::Checkout;
pub use url::{Kind, ScmUrl, is_scm_url};

use crate::command::CommandError;
use crate::task::TaskError;

/// Sources to check out, and how.
#[derive(Debug, Clone)]
pub struct Scm {
    pub url: ScmUrl,
    /// Whether a module named `common` is checked out beside it.
    pub use_common: bool,
    /// The command that fetches what is not in the repository, run in the build root.
    pub source_cmd: Option<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScmError {
    #[error("{url} has no scheme of a known SCM ({known})")]
    Scheme { url: String, known: String },
    #[error("{url} is not a usable SCM address: {why}")]
    Url { url: String, why: String },
    #[error("sources from {place} are refused: {reason}")]
    Refused { place: String, reason: String },
    #[error("{what} failed, see checkout.log: {error}")]
    Checkout { what: String, error: CommandError },
    #[error("cancelled")]
    Cancelled,
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl From<ScmError> for TaskError {
    fn from(error: ScmError) -> Self {
        match error {
            ScmError::Scheme { .. } | ScmError::Url { .. } => TaskError::generic(error.to_string()),
            ScmError::Cancelled => TaskError::Cancelled,
            ScmError::Io { what, source } => TaskError::io(what, source),
            refused => TaskError::build(refused.to_string()),
        }
    }
}

impl Scm {
    pub fn parse(url: &str, allow_password: bool) -> Result<Scm, ScmError> {
        Ok(Scm {
            url: ScmUrl::parse(url, allow_password)?,
            use_common: true,
            source_cmd: Some(vec!["make".to_owned(), "sources".to_owned()]),
        })
    }
}
