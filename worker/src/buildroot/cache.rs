//! Installed roots, kept by what is in them.
//!
//! A root takes seconds to minutes to install and is the same for every build from one repository.
//! So it is installed once, by whoever comes first, in a folder of its own, and appears under its
//! key by a rename: a root that is there is whole. Users hold a shared lock while they build on it,
//! so that clean-up, which wants an exclusive one, passes it by. Locks belong to open files: those
//! of a dead worker are gone with it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::fcntl::{Flock, FlockArg};
use tokio_util::sync::CancellationToken;

use crate::clean::remove_tree;
use crate::task::TaskError;

/// How often a lock that others hold is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// A root unused for so long goes.
const MAX_AGE: Duration = Duration::from_secs(3 * 24 * 3600);
/// More roots than this are not kept.
const MAX_ROOTS: usize = 12;

#[derive(Debug, Clone)]
pub struct RootCache {
    dir: PathBuf,
}

/// A root in use. It stays as long as this lives.
pub struct Kept {
    pub root: PathBuf,
    /// Whether it was there before.
    pub kept: bool,
    _lock: Flock<File>,
}

impl RootCache {
    pub fn new(dir: impl Into<PathBuf>) -> RootCache {
        RootCache { dir: dir.into() }
    }

    /// The root of that key; installed by `install` into an empty folder if there is none yet.
    pub async fn get<F>(&self, key: &str, cancel: &CancellationToken, install: F) -> Result<Kept, TaskError>
    where
        F: AsyncFnOnce(&Path) -> Result<(), TaskError>,
    {
        let root = self.dir.join(key);
        let io = |error| TaskError::io(format!("the kept root {}", root.display()), error);
        std::fs::create_dir_all(&self.dir).map_err(io)?;
        let lock = loop {
            if cancel.is_cancelled() {
                return Err(TaskError::Cancelled);
            }
            if let Some(lock) = self.try_lock(key, FlockArg::LockSharedNonblock).map_err(io)?
                && root.is_dir()
            {
                touch(&root).map_err(io)?;
                return Ok(Kept { root, kept: true, _lock: lock });
            }
            if let Some(lock) = self.try_lock(key, FlockArg::LockExclusiveNonblock).map_err(io)?
                && !root.is_dir()
            {
                break lock;
            }
            tokio::time::sleep(RETRY).await;
        };
        let growing = self.dir.join(format!("{key}.new"));
        remove_tree(&growing).await.map_err(io)?;
        std::fs::create_dir_all(&growing).map_err(io)?;
        if let Err(error) = install(&growing).await {
            if let Err(error) = remove_tree(&growing).await {
                tracing::warn!(path = %growing.display(), %error, "half a root could not be removed");
            }
            return Err(error);
        }
        std::fs::rename(&growing, &root).map_err(io)?;
        lock.relock(FlockArg::LockShared).map_err(|error| io(error.into()))?;
        Ok(Kept { root, kept: false, _lock: lock })
    }

    /// Locks a key without waiting. `None` if others hold it.
    fn try_lock(&self, key: &str, how: FlockArg) -> io::Result<Option<Flock<File>>> {
        let path = self.dir.join(format!("{key}.lock"));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        let lock = match Flock::lock(file, how) {
            Ok(lock) => lock,
            Err((_, nix::Error::EWOULDBLOCK)) => return Ok(None),
            Err((_, error)) => return Err(error.into()),
        };
        // Clean-up removes lock files too: one that is gone meanwhile locks nothing.
        match std::fs::metadata(&path) {
            Ok(now) if now.ino() == lock.metadata()?.ino() => Ok(Some(lock)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes roots that nobody uses: old ones, the least used beyond a number, and all of them
    /// when `space_needed`.
    pub async fn clean(&self, space_needed: bool) -> io::Result<()> {
        let mut roots = self.roots()?;
        roots.sort_by_key(|(_, used)| std::cmp::Reverse(*used));
        for (at, (key, used)) in roots.into_iter().enumerate() {
            let old = used.elapsed().is_ok_and(|age| age > MAX_AGE);
            if old || space_needed || at >= MAX_ROOTS {
                self.remove(&key).await?;
            }
        }
        Ok(())
    }

    /// Keys of all roots, whole or half-made, with the time of last use.
    fn roots(&self) -> io::Result<Vec<(String, SystemTime)>> {
        let entries = match std::fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut roots: Vec<(String, SystemTime)> = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let key = name.strip_suffix(".lock").or(name.strip_suffix(".new")).unwrap_or(&name).to_owned();
            let used = entry.metadata()?.modified()?;
            match roots.iter_mut().find(|(known, _)| *known == key) {
                Some((_, latest)) => *latest = used.max(*latest),
                None => roots.push((key, used)),
            }
        }
        Ok(roots)
    }

    async fn remove(&self, key: &str) -> io::Result<()> {
        let Some(lock) = self.try_lock(key, FlockArg::LockExclusiveNonblock)? else { return Ok(()) };
        for name in [key.to_owned(), format!("{key}.new"), format!("{key}.lock")] {
            remove_tree(&self.dir.join(name)).await?;
        }
        drop(lock);
        tracing::info!(key, "removed a kept root");
        Ok(())
    }
}

fn touch(path: &Path) -> io::Result<()> {
    File::open(path)?.set_modified(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_root_is_installed_once_and_kept_while_used() {
        let dir = tempfile::tempdir().unwrap();
        let cache = RootCache::new(dir.path());
        let never = CancellationToken::new();
        let installs = AtomicUsize::new(0);
        let get = || {
            cache.get("7-x86_64", &never, async |root: &Path| {
                installs.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
                std::fs::write(root.join("f"), "x").map_err(|e| TaskError::io("f", e))
            })
        };
        let (a, b) = tokio::join!(get(), get());
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(installs.load(Ordering::SeqCst), 1);
        assert_eq!(std::fs::read_to_string(b.root.join("f")).unwrap(), "x");
        cache.clean(true).await.unwrap();
        assert!(a.root.exists(), "removed under its users");
        let root = a.root.clone();
        drop((a, b));
        cache.clean(false).await.unwrap();
        assert!(root.exists(), "removed though fresh");
        cache.clean(true).await.unwrap();
        assert!(!root.exists());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_failed_install_leaves_nothing_and_can_be_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = RootCache::new(dir.path());
        let never = CancellationToken::new();
        let failed = cache.get("k", &never, async |_: &Path| Err(TaskError::buildroot("no network"))).await;
        assert!(failed.is_err_and(|e| e.to_string() == "no network"));
        assert!(!dir.path().join("k").exists() && !dir.path().join("k.new").exists());
        cache.get("k", &never, async |_: &Path| Ok(())).await.unwrap();
    }
}
