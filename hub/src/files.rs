//! Changes to the file tree that belong to a call: they stand only if its transaction does.
//!
//! * Nothing is overwritten. What a call adds is taken away again if the call fails.
//! * An uploaded file is given a second name at its place (`take_over`); only after the commit does a link
//!   replace the first one. So a hub that dies in between leaves the upload as it was.
//! * Removal waits for the commit.
//! * A call that only changes files has changed something: it is committed.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::error::{self, Error, Rpc};
use crate::rpc::Call;

/// Puts an uploaded file in its place and, after the commit, a link where it was.
///
/// Faults: the upload is no regular file; its place is taken.
pub async fn take_over(call: &mut Call, upload: &Path, place: &Path) -> Rpc<()> {
    call.db.touched();
    make_parent(call, place).await?;
    let (from, to) = (upload.to_path_buf(), place.to_path_buf());
    let added = tokio::task::spawn_blocking(move || second_name(&from, &to)).await??;
    if added {
        let place = place.to_path_buf();
        call.on_rollback(move || remove_logged(&place));
    }
    let (upload, place) = (upload.to_path_buf(), place.to_path_buf());
    call.after_commit(move || {
        if let Err(e) = replace_by_link(&upload, &place) {
            tracing::warn!(upload = %upload.display(), error = %e, "the imported upload was not replaced by a link");
        }
    });
    Ok(())
}

/// Moves an uploaded file to its place at once, whatever becomes of the call. If the upload is gone and a file is
/// in its place, an earlier call moved it. `shown` is the upload as the client knows it.
///
/// Faults: no such upload, one that is no regular file.
pub fn put(upload: &Path, place: &Path, shown: &str) -> Rpc<()> {
    let failed = || Error::io(format!("cannot move {shown}"));
    match upload.symlink_metadata() {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(error::generic(format!("not a regular file: {shown}"))),
        Err(e) if e.kind() == ErrorKind::NotFound && place.is_file() => return Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(error::generic(format!("No such upload: {shown}"))),
        Err(e) => return Err(failed()(e)),
    }
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).map_err(failed())?;
    }
    match std::fs::rename(upload, place) {
        Err(e) if e.kind() == ErrorKind::CrossesDevices => {
            std::fs::copy(upload, place).map_err(failed())?;
            std::fs::remove_file(upload).map_err(failed())
        }
        moved => moved.map_err(failed()),
    }
}

/// Writes a new file; an old one of that name is kept until the commit.
pub async fn write(call: &mut Call, path: &Path, content: Vec<u8>) -> Rpc<()> {
    let shown = path.display().to_string();
    write_with(call, path, move |out| out.write_all(&content).map_err(Error::io(format!("cannot write {shown}")))).await
}

/// The same with a content that is written as it is made.
pub async fn write_with(
    call: &mut Call,
    path: &Path,
    content: impl FnOnce(&mut File) -> Rpc<()> + Send + 'static,
) -> Rpc<()> {
    call.db.touched();
    make_parent(call, path).await?;
    let to = path.to_path_buf();
    let old = tokio::task::spawn_blocking(move || {
        let old = set_aside(&to)?;
        let written = write_whole(&to, content);
        if written.is_err()
            && let Some(old) = &old
        {
            let _ = std::fs::rename(old, &to);
        }
        written.map(|()| old)
    })
    .await??;
    let path = path.to_path_buf();
    match old {
        Some(old) => {
            let aside = old.clone();
            call.on_rollback(move || {
                if let Err(e) = std::fs::rename(&aside, &path) {
                    tracing::warn!(path = %path.display(), error = %e, "a file was not put back");
                }
            });
            call.after_commit(move || remove_logged(&old));
        }
        None => call.on_rollback(move || remove_logged(&path)),
    }
    Ok(())
}

/// Makes a symbolic link, which must not be there yet.
pub async fn link(call: &mut Call, target: PathBuf, path: PathBuf) -> Rpc<()> {
    call.db.touched();
    make_parent(call, &path).await?;
    let to = path.clone();
    tokio::task::spawn_blocking(move || std::os::unix::fs::symlink(target, &to).map_err(taken(&to))).await??;
    call.on_rollback(move || remove_logged(&path));
    Ok(())
}

/// Makes a symbolic link after the commit, where a removal before it makes room.
pub fn link_after_commit(call: &mut Call, target: PathBuf, path: PathBuf) {
    call.db.touched();
    call.after_commit(move || {
        if let Err(e) = std::os::unix::fs::symlink(&target, &path) {
            tracing::warn!(path = %path.display(), error = %e, "a link was not made");
        }
    });
}

/// Copies a directory with all that is in it; the place must be free.
pub async fn copy_tree(call: &mut Call, from: PathBuf, to: PathBuf) -> Rpc<()> {
    call.db.touched();
    make_parent(call, &to).await?;
    let place = to.clone();
    call.on_rollback(move || remove_logged(&place));
    tokio::task::spawn_blocking(move || {
        copy_directory(&from, &to).map_err(Error::io(format!("cannot copy {}", from.display())))
    })
    .await?
}

/// Moves a file or directory; the place must be free.
pub async fn rename(call: &mut Call, from: PathBuf, to: PathBuf) -> Rpc<()> {
    call.db.touched();
    make_parent(call, &to).await?;
    let (source, place) = (from.clone(), to.clone());
    tokio::task::spawn_blocking(move || {
        if place.symlink_metadata().is_ok() {
            return Err(exists(&place));
        }
        std::fs::rename(&source, &place).map_err(Error::io(format!("cannot move {}", source.display())))
    })
    .await??;
    call.on_rollback(move || {
        if let Err(e) = std::fs::rename(&to, &from) {
            tracing::warn!(path = %from.display(), error = %e, "what was moved was not moved back");
        }
    });
    Ok(())
}

/// Removes a file, link or whole directory after the commit; harmless if there is none.
pub fn remove(call: &mut Call, path: PathBuf) {
    call.db.touched();
    call.after_commit(move || remove_logged(&path));
}

/// Makes room at once: what is there is set aside, and removed after the commit.
pub async fn clear(call: &mut Call, path: PathBuf) -> Rpc<()> {
    let place = path.clone();
    let Some(aside) = tokio::task::spawn_blocking(move || set_aside(&place)).await?? else { return Ok(()) };
    call.db.touched();
    let old = aside.clone();
    call.on_rollback(move || {
        if let Err(e) = std::fs::rename(&aside, &path) {
            tracing::warn!(path = %path.display(), error = %e, "what was set aside was not put back");
        }
    });
    call.after_commit(move || remove_logged(&old));
    Ok(())
}

/// Moves a file after the commit, over what may be there; harmless if there is none.
pub fn rename_after_commit(call: &mut Call, from: PathBuf, to: PathBuf) {
    call.db.touched();
    call.after_commit(move || match std::fs::rename(&from, &to) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            tracing::warn!(path = %from.display(), error = %e, "cannot be moved");
        }
        _ => {}
    });
}

/// Removes a file, link or whole directory now. What cannot be removed is logged: it only takes up room.
pub fn remove_logged(path: &Path) {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), error = %e, "cannot be removed");
        }
        _ => {}
    }
}

/// The size of an upload. Faults if it is missing, a link, or no regular file.
pub async fn upload_size(path: &Path) -> Rpc<u64> {
    let shown = || path.display().to_string();
    match tokio::fs::symlink_metadata(path).await {
        Ok(found) if found.is_file() => Ok(found.len()),
        Ok(_) => Err(error::generic(format!("not a regular file: {}", shown()))),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(error::generic(format!("No such file: {}", shown()))),
        Err(e) => Err(Error::io(format!("cannot read {}", shown()))(e)),
    }
}

/// How to get from a directory to a path, both below the same root: `../../packages/x`.
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let from: Vec<Component> = from.components().collect();
    let to: Vec<Component> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - shared);
    up.chain(to[shared..].iter().copied()).collect()
}

/// Whether a name was added: a place that already is this very file needs none.
fn second_name(upload: &Path, place: &Path) -> Rpc<bool> {
    let failed = || Error::io(format!("cannot import {}", upload.display()));
    let found = upload.symlink_metadata().map_err(failed())?;
    if !found.is_file() {
        return Err(error::generic(format!("not a regular file: {}", upload.display())));
    }
    match std::fs::hard_link(upload, place) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let there = place.symlink_metadata().map_err(failed())?;
            let same = there.dev() == found.dev() && there.ino() == found.ino();
            if same { Ok(false) } else { Err(exists(place)) }
        }
        // Another file system, or one without hard links.
        Err(_) => {
            if place.symlink_metadata().is_ok() {
                return Err(exists(place));
            }
            std::fs::copy(upload, place).map_err(failed())?;
            Ok(true)
        }
    }
}

fn replace_by_link(upload: &Path, place: &Path) -> std::io::Result<()> {
    let folder = upload.parent().unwrap_or(Path::new("/"));
    let fresh = tempfile::Builder::new()
        .prefix(".link-")
        .make_in(folder, |path| std::os::unix::fs::symlink(relative(folder, place), path))?;
    fresh.persist(upload).map_err(|e| e.error)?;
    Ok(())
}

fn set_aside(path: &Path) -> Rpc<Option<PathBuf>> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".old-{:016x}", rand::random::<u64>()));
    let aside = path.with_file_name(name);
    std::fs::rename(path, &aside).map_err(Error::io(format!("cannot replace {}", path.display())))?;
    Ok(Some(aside))
}

/// Readers never see half of it.
fn write_whole(path: &Path, content: impl FnOnce(&mut File) -> Rpc<()>) -> Rpc<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let failed = || Error::io(format!("cannot write {}", path.display()));
    let readable = std::fs::Permissions::from_mode(0o644);
    let mut fresh =
        tempfile::Builder::new().prefix(".new-").permissions(readable).tempfile_in(folder).map_err(failed())?;
    content(fresh.as_file_mut())?;
    fresh.persist_noclobber(path).map_err(|e| failed()(e.error))?;
    Ok(())
}

/// Makes the directory in which something is to be. If the call fails, those that it made go again.
async fn make_parent(call: &mut Call, path: &Path) -> Rpc<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let missing: Vec<PathBuf> =
        parent.ancestors().take_while(|folder| folder.symlink_metadata().is_err()).map(Path::to_path_buf).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let made = tokio::fs::create_dir_all(parent).await;
    call.on_rollback(move || {
        // The deepest first; one that others use by now stays.
        for folder in &missing {
            let _ = std::fs::remove_dir(folder);
        }
    });
    made.map_err(Error::io(format!("cannot make the directory {}", parent.display())))
}

fn copy_directory(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_directory(&source, &copy)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &copy)?;
        } else {
            std::fs::copy(&source, &copy)?;
        }
    }
    Ok(())
}

fn exists(path: &Path) -> Error {
    error::generic(format!("already exists: {}", path.display()))
}

fn taken(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |e| match e.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Error::io(format!("cannot make {}", path.display()))(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_paths() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/t/work/a", "/t/packages/x/f"), "../../packages/x/f");
        assert_eq!(way("/t", "/t/f"), "f");
        assert_eq!(way("/t/a", "/t"), "..");
    }

    #[test]
    fn an_upload_gets_a_second_name_and_then_a_link() {
        let top = tempfile::tempdir().unwrap();
        let (upload, place) = (top.path().join("work/f"), top.path().join("packages/x/f"));
        std::fs::create_dir_all(upload.parent().unwrap()).unwrap();
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(&upload, "content").unwrap();
        assert!(second_name(&upload, &place).unwrap());
        assert!(!second_name(&upload, &place).unwrap(), "the same file again");
        replace_by_link(&upload, &place).unwrap();
        assert_eq!(std::fs::read_link(&upload).unwrap(), Path::new("../packages/x/f"));
        assert_eq!(std::fs::read_to_string(&upload).unwrap(), "content");
        assert!(second_name(&upload, &place).is_err(), "a link is no upload");
        std::fs::write(top.path().join("other"), "other").unwrap();
        assert!(second_name(&top.path().join("other"), &place).is_err(), "the place is taken");
    }
}
