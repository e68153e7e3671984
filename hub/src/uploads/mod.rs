//! Files that clients and builders hand in, below `work/` of the file tree.
//!
//! * A directory belongs to whoever first uploads into it (`.user` holds the id); the directory of a task
//!   belongs to the host that runs it, and only while it does.
//! * Names are checked part by part: nothing leads out of `work/`, and no symbolic link is written through.
//! * One writer at a time per file: a second one gets the lock fault.

mod place;
mod sums;

pub use place::{existing, for_writing};
pub use sums::{Sum, SumKind};

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{self, Error, Rpc};

/// Opens an upload for writing, alone.
pub fn open_locked(path: &Path, shown: &str) -> Rpc<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)
        .map_err(Error::io(format!("cannot open the upload {shown}")))?;
    file.try_lock().map_err(|_| error::lock(format!("somebody else is writing {shown}")))?;
    Ok(file)
}
