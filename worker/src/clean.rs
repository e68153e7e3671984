//! Removing what tasks leave behind.
//!
//! Folders of tasks may hold whole file systems with things mounted in them, and what a package's
//! build wrote. Removal therefore never leaves the folder: mounts are taken off first, symbolic
//! links are removed and not followed (the standard library guarantees that for `remove_dir_all`).

use std::io;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, umount2};

/// Removes a file or folder with everything mounted below it. Absent is fine.
pub async fn remove_tree(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || remove_tree_now(&path)).await.map_err(io::Error::other)?
}

fn remove_tree_now(path: &Path) -> io::Result<()> {
    let kind = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?.file_type(),
    };
    if !kind.is_dir() {
        return std::fs::remove_file(path);
    }
    let path = path.canonicalize()?;
    for mount in mounts_below(&path)? {
        umount2(&mount, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).map_err(|error| {
            io::Error::new(io::Error::from(error).kind(), format!("umount {}: {error}", mount.display()))
        })?;
    }
    match remove_dir(&path) {
        // Folders without write permission, as builds leave them, stop even their owner.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(&path)?;
            remove_dir(&path)
        }
        done => done,
    }
}

fn remove_dir(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Makes every folder below writable for its owner.
fn open_up(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

/// Mount points at or below a folder, the deepest first.
fn mounts_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    let mut mounts: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|field| PathBuf::from(unescape(field)))
        .filter(|mount| mount.starts_with(folder))
        .collect();
    mounts.reverse(); // the table is in the order of mounting
    Ok(mounts)
}

/// Undoes the kernel's octal escapes (`\040` is a space).
fn unescape(field: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    let bytes = field.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = field.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (bytes[at], code) {
            (b'\\', Some(code)) => {
                out.push(code);
                at += 4;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    std::ffi::OsString::from_vec(out)
}

/// Removes the folders of all tasks: at the start none of them runs.
pub async fn remove_stale_tasks(workdir: &Path) {
    let tasks = workdir.join("tasks");
    let Ok(mut groups) = tokio::fs::read_dir(&tasks).await else { return };
    while let Ok(Some(group)) = groups.next_entry().await {
        match remove_tree(&group.path()).await {
            Ok(()) => tracing::info!(path = %group.path().display(), "removed what an earlier run left"),
            Err(error) => tracing::warn!(path = %group.path().display(), %error, "cannot remove an old task's folder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped() {
        assert_eq!(unescape(r"/a\040b\134c\011"), "/a b\\c\t");
        assert_eq!(unescape(r"/plain\"), r"/plain\");
    }

    #[tokio::test]
    async fn trees_go_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::write(&outside, "kept").unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("a/link")).unwrap();
        std::os::unix::fs::symlink(dir.path(), tree.join("a/dirlink")).unwrap();
        remove_tree(&tree).await.unwrap();
        assert!(!tree.exists());
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "kept");
        remove_tree(&tree).await.unwrap();
    }
}
