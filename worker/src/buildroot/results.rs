//! Taking what a build made out of its folders, and putting sources in.
//!
//! Builds write what they like: results may be links to files of the host. Only regular files
//! reached without any link are taken.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{chown, lchown};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat2, renameat};
use nix::sys::stat::{Mode, SFlag, fstatat};
use tokio_util::sync::CancellationToken;

use crate::command::Command;
use crate::sandbox::{BUILD_GID, BUILD_UID, Sandbox};
use crate::task::TaskError;

/// Opens the folder `path` below `base`, which must be reached without links.
fn open_dir(base: &Path, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let base = open(base, flags, Mode::empty())?;
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
    Ok(openat2(&base, path, OpenHow::new().flags(flags).resolve(resolve))?)
}

/// Names of the regular files in the folder `path` below `base`; none if there is no such folder.
pub fn regular_files(base: &Path, path: &Path) -> io::Result<Vec<OsString>> {
    match open_dir(base, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        dir => files_in(&dir?),
    }
}

fn files_in(dir: &OwnedFd) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::OsStrExt;
    let mut names = Vec::new();
    let mut entries = Dir::from_fd(dir.try_clone()?)?;
    for entry in entries.iter() {
        let entry = entry?;
        let name = entry.file_name();
        let stat = fstatat(dir, name, nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG {
            names.push(std::ffi::OsStr::from_bytes(name.to_bytes()).to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Moves the packages in the folder `path` below `base` to `dest`; they belong to us then. Nothing
/// of the build may run any more.
pub fn collect(base: &Path, path: &Path, dest: &Path) -> Result<(), TaskError> {
    let io = |error: io::Error| TaskError::io(format!("the results in {}", path.display()), error);
    std::fs::create_dir_all(dest).map_err(io)?;
    let dir = match open_dir(base, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        dir => dir.map_err(io)?,
    };
    for name in files_in(&dir).map_err(io)? {
        if !name.to_string_lossy().ends_with(".rpm") {
            continue;
        }
        let to = dest.join(&name);
        renameat(&dir, name.as_os_str(), AT_FDCWD, &to).map_err(|error| io(error.into()))?;
        chown(&to, Some(0), Some(0)).map_err(io)?;
    }
    Ok(())
}

/// The files in a folder of ours; none if there is no such folder.
pub fn list(dir: &Path) -> Result<Vec<PathBuf>, TaskError> {
    let names = regular_files(dir, Path::new(".")).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(TaskError::io(dir.display(), error)),
    })?;
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// Copies what is in the folder `from` into the folder `to`.
pub async fn copy_tree(from: &Path, to: &Path, cancel: &CancellationToken) -> Result<(), TaskError> {
    let command = Command::new("cp", Sandbox::Bare).args(["-a", "--reflink=auto", "-T", "--"]).arg(from).arg(to);
    Ok(command.run(cancel).await?)
}

/// Gives a tree to the build's user. Links in it are not followed.
pub fn give_to_build(path: &Path) -> io::Result<()> {
    let kind = std::fs::symlink_metadata(path)?;
    lchown(path, Some(BUILD_UID), Some(BUILD_GID))?;
    if kind.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give_to_build(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_real_packages_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (build, out) = (dir.path().join("build"), dir.path().join("out"));
        std::fs::create_dir_all(build.join("RPMS")).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        std::fs::write(build.join("RPMS/a.rpm"), "a").unwrap();
        std::fs::write(build.join("RPMS/notes"), "n").unwrap();
        symlink(dir.path().join("secret"), build.join("RPMS/b.rpm")).unwrap();
        collect(&build, Path::new("RPMS"), &out).unwrap();
        assert_eq!(list(&out).unwrap(), [out.join("a.rpm")]);
        symlink("RPMS", build.join("SRPMS")).unwrap();
        assert!(collect(&build, Path::new("SRPMS"), &out).is_err(), "a linked folder");
        collect(&build, Path::new("absent"), &out).unwrap();
        assert!(regular_files(&build, Path::new("../")).is_err(), "out of the base");
    }
}
