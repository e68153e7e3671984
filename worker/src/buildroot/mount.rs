//! A fresh root on top of a kept one.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tokio_util::sync::CancellationToken;

use super::results::copy_tree;
use crate::task::TaskError;

/// A root that may be changed at will; what it is based on stays as it is.
pub struct FreshRoot {
    pub path: PathBuf,
    mounted: bool,
}

impl FreshRoot {
    /// Makes the root below `dir`. Where the kernel cannot overlay (for instance because `dir` is
    /// on an overlay itself) the base is copied.
    pub async fn new(base: &Path, dir: &Path, cancel: &CancellationToken) -> Result<FreshRoot, TaskError> {
        let path = dir.join("root");
        for name in ["root", "upper", "work"] {
            let folder = dir.join(name);
            std::fs::create_dir_all(&folder).map_err(|error| TaskError::io(folder.display(), error))?;
        }
        match overlay(base, &dir.join("upper"), &dir.join("work"), &path) {
            Ok(()) => Ok(FreshRoot { path, mounted: true }),
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "no overlay is possible, copying the root");
                copy_tree(base, &path, cancel).await?;
                Ok(FreshRoot { path, mounted: false })
            }
        }
    }

    pub fn unmount(&mut self) -> io::Result<()> {
        if self.mounted {
            umount2(&self.path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)?;
            self.mounted = false;
        }
        Ok(())
    }
}

impl Drop for FreshRoot {
    fn drop(&mut self) {
        if let Err(error) = self.unmount() {
            tracing::warn!(root = %self.path.display(), %error, "a root could not be unmounted");
        }
    }
}

fn overlay(lower: &Path, upper: &Path, work: &Path, target: &Path) -> io::Result<()> {
    let mut options = OsString::new();
    for (name, path) in [("lowerdir=", lower), (",upperdir=", upper), (",workdir=", work)] {
        options.push(name);
        options.push(escaped(path));
    }
    Ok(mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_os_str()))?)
}

/// Commas, colons and backslashes separate options.
fn escaped(path: &Path) -> OsString {
    let mut out = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b',' | b':' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    OsString::from_vec(out)
}
