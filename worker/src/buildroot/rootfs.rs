//! Reading and writing inside a root from outside it.
//!
//! What lies in a root was put there by packages, some of them made by people we do not know: a
//! link in it may point anywhere. So paths are resolved by the kernel as if the root were `/`, and
//! files are always made anew.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

/// The most that is read of one file.
const LIMIT: u64 = 16 << 20;

/// A root, held open.
pub struct RootFs(OwnedFd);

impl RootFs {
    pub fn open(root: &Path) -> io::Result<RootFs> {
        Ok(RootFs(open(root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?))
    }

    fn resolve(&self, path: &str, flags: OFlag) -> io::Result<OwnedFd> {
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        Ok(openat2(&self.0, path, how)?)
    }

    /// The text of a regular file; `None` if there is no such file.
    pub fn read(&self, path: &str) -> io::Result<Option<String>> {
        let file = match self.resolve(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => File::from(file?),
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(LIMIT).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.resolve(path, OFlag::O_PATH).is_ok()
    }

    /// Writes a file of its own, readable by all, in place of whatever has that name.
    pub fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let (dir, name) = self.parent(path)?;
        remove(&dir, name)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = nix::fcntl::openat(&dir, name, flags, Mode::from_bits_truncate(0o644))?;
        File::from(file).write_all(text.as_bytes())
    }

    /// Makes a folder and those above it.
    pub fn make_dir(&self, path: &str) -> io::Result<()> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        for end in 1..=parts.len() {
            let path = parts[..end].join("/");
            let (dir, name) = self.parent(&path)?;
            match mkdirat(&dir, name, Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(nix::Error::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Makes a link, in place of whatever file has that name.
    pub fn link(&self, path: &str, target: &str) -> io::Result<()> {
        let (dir, name) = self.parent(path)?;
        remove(&dir, name)?;
        Ok(symlinkat(target, &dir, name)?)
    }

    fn parent<'a>(&self, path: &'a str) -> io::Result<(OwnedFd, &'a str)> {
        let path = path.trim_matches('/');
        let (dir, name) = path.rsplit_once('/').unwrap_or((".", path));
        Ok((self.resolve(dir, OFlag::O_PATH | OFlag::O_DIRECTORY)?, name))
    }
}

fn remove(dir: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(nix::Error::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_do_not_lead_out() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("f"), "secret").unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("real")).unwrap();
        symlink(&outside, root.join("etc")).unwrap();
        symlink(outside.join("f"), root.join("real/f")).unwrap();
        symlink("/real", root.join("in")).unwrap();
        let fs = RootFs::open(&root).unwrap();
        assert_eq!(fs.read("real/f").unwrap(), None);
        assert!(fs.write("etc/passwd", "x").is_err());
        fs.write("real/f", "mine").unwrap();
        assert_eq!(fs.read("in/f").unwrap().as_deref(), Some("mine"));
        assert_eq!(std::fs::read_to_string(outside.join("f")).unwrap(), "secret");
        fs.make_dir("in/a/b").unwrap();
        assert!(root.join("real/a/b").is_dir());
    }
}
