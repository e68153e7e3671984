//! The hub's file tree, read where it lies or fetched over HTTP.
//!
//! Everything is named by its path below the tree, for instance `repos/f40-build/12/x86_64/pkglist`.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::WorkerConfig;
use crate::hub::{Expected, HubError, Session};
use crate::task::TaskError;

#[derive(Clone)]
pub struct TopDir {
    hub: Session,
    /// The tree as a folder of this host.
    local: Option<PathBuf>,
    url: String,
    /// Where small files are fetched to.
    scratch: PathBuf,
}

/// The folder of a repository: `repos/TAG/ID`.
pub fn repo_path(tag: &str, repo_id: i32) -> String {
    format!("repos/{tag}/{repo_id}")
}

impl TopDir {
    pub fn new(config: &WorkerConfig, hub: Session, scratch: &Path) -> TopDir {
        let local = config.topdir.clone().filter(|dir| dir.join("repos").is_dir());
        TopDir { hub, local, url: config.topurl.trim_end_matches('/').to_owned(), scratch: scratch.to_owned() }
    }

    /// The tree as a folder of this host, if it is one.
    pub fn local(&self) -> Option<&Path> {
        self.local.as_deref()
    }

    /// The address of a path, for programs.
    pub fn url(&self, path: &str) -> String {
        match &self.local {
            Some(top) => format!("file://{}/{path}", top.display()),
            None => format!("{}/{path}", self.url),
        }
    }

    /// The content of a small file; `None` if there is no such file.
    pub async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, TaskError> {
        let file = match &self.local {
            Some(top) => top.join(path),
            None => {
                let file = self.scratch.join("topdir").join(path);
                match self.hub.download(path, &file, &Expected::default()).await {
                    Err(HubError::NotFound { .. }) => return Ok(None),
                    result => result?,
                }
                file
            }
        };
        match tokio::fs::read(&file).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            result => result.map(Some).map_err(|error| TaskError::io(file.display(), error)),
        }
    }

    /// The text of a small file; `None` if there is no such file.
    pub async fn text(&self, path: &str) -> Result<Option<String>, TaskError> {
        Ok(self.read(path).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}
