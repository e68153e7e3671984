//! `host.repoInit`.

use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;
use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::states::RepoState;

use super::content::{self, Content};
use super::options::RepoOpts;
use super::{Call, Rpc};
use crate::db::Insert;
use crate::error::{self, Error};
use crate::rpc::NameOrId;
use crate::rpc::tags::changes;
use crate::rpc::tags::store::{self as tags, Tag};

/// Begins a repository of a tag, as it is now or was at an event: makes its entry, and writes down in its directory
/// what belongs to it. Returns the ids of the repository and of the event that it shows.
///
/// `opts` (a struct of `src, debuginfo, separate_src, maven`) changes what the tag's repositories hold; names and
/// values that are not known do not count. For each arch there are `pkglist` (paths of RPMs), `rpmlist.jsonl` (the
/// RPMs as of `getRPM`, one a line), `blocklist` (names of blocked packages) and the link `toplink`; for all of them
/// `groups/comps.xml` and `repo.json`.
///
/// Faults: a tag that does not exist at that event, an unknown event, Maven where it is off (1000).
#[rpc("host.repoInit(tag, task_id=None, event=None, opts=None)", write, host)]
pub async fn repo_init(
    call: &mut Call,
    tag: NameOrId,
    task_id: Option<i32>,
    event: Option<i32>,
    opts: Value,
) -> Rpc<Vec<i32>> {
    let tag = tags::get(&call.db, &tag, event.into()).await?;
    let (opts, custom) = RepoOpts::resolve(&call.hub.options, &tag, &RepoOpts::known(&opts));
    if opts.is_on("maven") && !call.hub.options.enable_maven {
        return Err(error::generic("Maven support is not enabled"));
    }
    let event = match event {
        Some(event) => known_event(call, event).await?,
        None => call.event().await?,
    };
    let begin = changes::last_change(&call.db, tag.id, None, Some(event), true).await?;
    let entry = Entry {
        tag_id: tag.id,
        event,
        begin_event: Some(begin.unwrap_or(event)),
        end_event: changes::first_change(&call.db, tag.id, Some(event), true).await?,
        opts: Some((&opts, &custom)),
        task_id,
    };
    let (id, directory) = create(call, &tag, entry).await?;
    let about = json!({
        "id": id,
        "tag": &tag.name,
        "tag_id": tag.id,
        "task_id": task_id,
        "event_id": event,
        "opts": opts.json(),
        "custom_opts": custom.json(),
        // As builders before the options knew them.
        "with_src": opts.is_on("src"),
        "with_separate_src": opts.is_on("separate_src"),
        "with_debuginfo": opts.is_on("debuginfo"),
    });
    let content = Content::read(call, &tag, event, &opts).await?;
    let top = call.hub.tree.top().to_path_buf();
    tokio::task::spawn_blocking(move || {
        write_json(&directory.join("repo.json"), &about)?;
        content::write(&content, &directory, &top)
    })
    .await??;
    Ok(vec![id, event])
}

async fn known_event(call: &Call, event: i32) -> Rpc<i32> {
    let known = call.db.exists("SELECT 1 FROM events WHERE id = ?", vec![event.into()]).await?;
    if known { Ok(event) } else { Err(error::generic(format!("No such event: {event}"))) }
}

/// A new repository's row.
pub struct Entry<'a> {
    pub tag_id: i32,
    pub event: i32,
    pub begin_event: Option<i32>,
    pub end_event: Option<i32>,
    /// All options and the custom ones; a dist repository has none.
    pub opts: Option<(&'a RepoOpts, &'a RepoOpts)>,
    pub task_id: Option<i32>,
}

/// Makes the row and, empty, the directory of a repository; returns the id and the directory.
///
/// An id whose directory is there already is passed over: a call that failed left it.
pub async fn create(call: &mut Call, tag: &Tag, entry: Entry<'_>) -> Rpc<(i32, PathBuf)> {
    loop {
        let now = Utc::now();
        let id = Insert::into("repo")
            .set("creation_time", now)
            .set("state_time", now)
            .set("create_event", entry.event)
            .set("begin_event", entry.begin_event)
            .set("end_event", entry.end_event)
            .set("tag_id", entry.tag_id)
            .set("state", RepoState::Init.code())
            .set("dist", entry.opts.is_none())
            .set("opts", entry.opts.map(|(opts, _)| opts.json()))
            .set("custom_opts", entry.opts.map(|(_, custom)| custom.json()))
            .set("task_id", entry.task_id)
            .returning_id(&call.db)
            .await?;
        let tree = &call.hub.tree;
        let directory = match entry.opts {
            Some(_) => tree.repo(&tag.name, id.into())?,
            None => tree.dist_repo(&tag.name, id.into(), None)?,
        };
        if make_new(&directory).await? {
            return Ok((id, directory));
        }
        call.db.execute("DELETE FROM repo WHERE id = ?", vec![id.into()]).await?;
    }
}

/// Makes a directory; false if it is there already.
async fn make_new(directory: &Path) -> Rpc<bool> {
    let failed = || Error::io(format!("cannot make the directory {}", directory.display()));
    if let Some(parent) = directory.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(failed())?;
    }
    match tokio::fs::create_dir(directory).await {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(failed()(e)),
    }
}

/// Writes a JSON file for people to read, too.
pub fn write_json(path: &Path, content: &serde_json::Value) -> Rpc<()> {
    let text = serde_json::to_string_pretty(content).map_err(|e| error::internal(e.to_string()))?;
    std::fs::write(path, text).map_err(Error::io(format!("cannot write {}", path.display())))
}
