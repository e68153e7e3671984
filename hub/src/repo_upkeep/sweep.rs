//! Removing the files of repositories that are no more.
//!
//! A directory `repos/TAG/ID` or `repos-dist/TAG/ID` goes when the repository of that id is deleted, or when there
//! is none and nothing was done to the directory for long: a call that failed left it. Everything else stays, above
//! all what is no number, and what belongs to another tag.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::Utc;
use toji_proto::states::{DEFAULT_VOLUME, RepoState};
use toji_proto::{Value, ValueExt};
use toji_scheduler::leader::Lease;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::RepoConfig;
use crate::Hub;
use crate::db::{Db, Row, RowExt, Select};
use crate::error::Rpc;
use crate::files;

/// Seconds for which the files of a deleted repository stay: somebody may be reading them.
const GRACE: f64 = 3600.0;

/// Sweeps now and then until told to stop. Of several hubs one sweeps.
pub async fn keep_sweeping(hub: Arc<Hub>, config: RepoConfig, stop: CancellationToken) {
    if !config.upkeep {
        return;
    }
    let interval = Duration::from_secs(config.sweep_interval.max(1));
    let mut lease = Lease::new("repo-sweep", interval * 2);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(interval) => {}
        }
        let swept = match lease.acquire(&hub.database).await {
            Ok(true) => sweep(&hub, &config).await,
            Ok(false) => Ok(()),
            Err(e) => Err(e.into()),
        };
        if let Err(e) = swept {
            warn!(error = %e, "the directories of repos were not looked at");
        }
    }
    lease.release(&hub.database).await.ok();
}

/// A directory that may belong to a repository.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    tag: String,
    id: i32,
    /// Seconds since something was last done to it.
    age: f64,
}

/// Removes what is due, once.
pub async fn sweep(hub: &Hub, config: &RepoConfig) -> Rpc<()> {
    let db = Db::new(&hub.database, false);
    let volumes: Vec<String> = db.values("SELECT name FROM volume ORDER BY id", vec![]).await?;
    let mut tops = vec![hub.tree.top().join("repos")];
    for volume in volumes {
        let volume = Some(volume.as_str()).filter(|name| *name != DEFAULT_VOLUME);
        tops.push(hub.tree.volume(volume)?.join("repos-dist"));
    }
    let found = tokio::task::spawn_blocking(move || tops.iter().flat_map(|top| directories(top)).collect::<Vec<_>>());
    let found: Vec<Found> = found.await?;
    let ids: Vec<i32> = found.iter().map(|found| found.id).collect();
    let rows = Select::from("repo")
        .join("tag ON tag.id = repo.tag_id")
        .columns(&[("repo.id", "id"), ("repo.tag_id", "tag_id"), ("repo.state", "state"), ("tag.name", "tag_name")])
        .epoch("COALESCE(repo.state_time, repo.creation_time)", "since")
        .is_in(&db, "repo.id", &ids)
        .all(&db)
        .await;
    db.rollback().await?;
    let rows = rows?;
    let by_id: std::collections::HashMap<i32, &Row> =
        rows.iter().filter_map(|row| Some((row.opt_int("id")?, row))).collect();
    let lifetime = config.expired_repo_lifetime as f64;
    let doomed: Vec<Found> = found
        .into_iter()
        .filter(|found| match by_id.get(&found.id) {
            Some(row) => is_deleted(row) && belongs(found, row),
            None => found.age > lifetime,
        })
        .collect();
    tokio::task::spawn_blocking(move || {
        for Found { path, id, .. } in doomed {
            info!(repo = id, path = %path.display(), "the files of a repo are removed");
            files::remove_logged(&path);
        }
    })
    .await?;
    Ok(())
}

/// The directories, or links to other volumes, that are named as repositories are.
fn directories(top: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    for tag in entries(top).filter(|path| path.is_dir()) {
        let Some(name) = tag.file_name().and_then(|name| name.to_str()) else { continue };
        for path in entries(&tag) {
            let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<i32>().ok());
            let (Some(id), Ok(about)) = (id.filter(|id| *id > 0), path.symlink_metadata()) else { continue };
            if about.is_dir() || about.is_symlink() {
                let changed = about.modified().unwrap_or(SystemTime::now());
                let age = changed.elapsed().unwrap_or_default().as_secs_f64();
                found.push(Found { path, tag: name.to_owned(), id, age });
            }
        }
    }
    found
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn is_deleted(row: &Row) -> bool {
    let since = row.get("since").and_then(Value::as_f64).unwrap_or(0.0);
    let age = Utc::now().timestamp() as f64 - since;
    row.opt_int("state") == Some(RepoState::Deleted.code()) && age > GRACE
}

/// Whether a directory is that of the repository, although the tag may have got another name since.
fn belongs(found: &Found, row: &Row) -> bool {
    if row.text("tag_name") == found.tag {
        return true;
    }
    let about = std::fs::read(found.path.join("repo.json")).ok();
    let about = about.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    let tag = about.and_then(|about| about.get("tag_id")?.as_i64());
    tag.is_some() && tag == row.opt_int("tag_id").map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_as_repositories_are() {
        let top = tempfile::tempdir().unwrap();
        for path in ["f40/1/x86_64", "f40/12", "f40/cache", "f40/-3", "f40/1.old", "stray"] {
            std::fs::create_dir_all(top.path().join(path)).unwrap();
        }
        std::os::unix::fs::symlink("12", top.path().join("f40/latest")).unwrap();
        std::os::unix::fs::symlink("/elsewhere", top.path().join("f40/13")).unwrap();
        std::fs::write(top.path().join("f40/14"), "").unwrap();
        let mut found: Vec<i32> = directories(top.path()).iter().map(|found| found.id).collect();
        found.sort_unstable();
        assert_eq!(found, [1, 12, 13]);
        assert!(directories(&top.path().join("missing")).is_empty());
    }
}
