//! Removing roots that are no longer wanted.

use std::path::Path;
use std::time::Duration;

use super::cache::RootCache;
use crate::clean::remove_tree;
use crate::config::{BuildrootKind, WorkerConfig};

/// Packages fetched for a repository are kept for so long: the repositories of related tags hold
/// the same ones.
const PACKAGE_AGE: Duration = Duration::from_secs(24 * 3600);

/// Removes kept roots that nobody uses (more of them when the disk is nearly full) and, after the
/// configured times, what mock left, and packages that were fetched. Roots of running tasks are in their tasks' folders, or locked,
/// or fresh. Errors are told and left for the next time.
pub async fn tidy(config: &WorkerConfig) {
    let cache = config.root_cache.clone().unwrap_or_else(|| config.workdir.join("roots"));
    let tight = free_mib(&config.workdir).is_some_and(|free| free < config.minspace.saturating_mul(2));
    if let Err(error) = RootCache::new(&cache).clean(tight).await {
        tracing::warn!(cache = %cache.display(), %error, "kept roots could not be cleaned up");
    }
    let packages = config.workdir.join("rpms");
    let fetched = packages.clone();
    let removal = tokio::task::spawn_blocking(move || remove_unused(&fetched)).await;
    if let Err(error) = removal.map_err(std::io::Error::other).and_then(|done| done) {
        tracing::warn!(dir = %packages.display(), %error, "fetched packages could not be cleaned up");
    }
    if config.buildroot == BuildrootKind::Mock
        && let Err(error) = tidy_mock(config).await
    {
        tracing::warn!(dir = %config.mockdir.display(), %error, "mock's roots could not be cleaned up");
    }
}

/// Removes files that were not used for a while, and empty folders.
fn remove_unused(dir: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let old = metadata.modified()?.elapsed().is_ok_and(|age| age > PACKAGE_AGE);
        if metadata.is_dir() {
            remove_unused(&entry.path())?;
            if old {
                // Fails, as it should, unless the folder is empty.
                let _ = std::fs::remove_dir(entry.path());
            }
        } else if old {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Free MiB on the disk that holds a folder.
fn free_mib(dir: &Path) -> Option<u64> {
    let disk = nix::sys::statvfs::statvfs(dir).ok()?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()) >> 20)
}

/// Empties roots of mock after the first delay and removes them, with their configuration, after
/// the second. Only roots that we configured are touched.
async fn tidy_mock(config: &WorkerConfig) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(super::mock::CONFIG_DIR) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let longest = Duration::from_secs(config.rpmbuild_timeout);
    let empty_after = Duration::from_secs(config.failed_buildroot_lifetime.max(config.buildroot_basic_cleanup_delay));
    let remove_after = Duration::from_secs(config.buildroot_final_cleanup_delay);
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".cfg")) else { continue };
        let dir = config.mockdir.join(name);
        // mock writes into the result folder as long as it works.
        let used = std::fs::metadata(dir.join("result").join("state.log")).or_else(|_| std::fs::metadata(&path))?;
        let idle = used.modified()?.elapsed().unwrap_or_default();
        let ended = super::mock::is_closed(&dir) || idle > longest;
        if ended && idle > remove_after {
            remove_tree(&dir).await?;
            remove_tree(&config.mockdir.join(format!("{name}-bootstrap"))).await?;
            std::fs::remove_file(&path)?;
            tracing::info!(root = name, "removed a root of mock");
        } else if ended && idle > empty_after {
            remove_tree(&dir.join("root")).await?;
        }
    }
    Ok(())
}
