//! A new build, or an old one's second life.
//!
//! A name, version and release stand for one build for ever. One that FAILED or was CANCELED may be built
//! again: it keeps its id and gets everything else anew, unless RPMs, archives or tag history hang on it.

use chrono::{DateTime, Utc};
use toji_proto::Value;
use toji_proto::json::to_json_text;
use toji_proto::nvr::{Nvr, draft_release};
use toji_proto::states::BuildState;

use super::store::{self, Build, BuildRef};
use crate::db::{Insert, Update};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, NameOrId, Rpc};
use crate::{error, files, names};

/// What a new build is to be.
#[derive(Clone, Debug)]
pub struct NewBuild {
    pub name: String,
    pub version: String,
    /// A draft's target release.
    pub release: String,
    pub epoch: Option<i32>,
    pub draft: bool,
    pub state: BuildState,
    pub owner: i32,
    pub task_id: Option<i32>,
    pub volume_id: i32,
    pub cg_id: Option<i32>,
    pub source: Option<String>,
    pub extra: Option<Value>,
    pub start_time: Option<DateTime<Utc>>,
    pub completion_time: Option<DateTime<Utc>>,
}

impl NewBuild {
    /// A build of the caller's that is complete, as of now.
    pub fn complete(call: &Call, nvr: Nvr, epoch: Option<i32>) -> Rpc<Self> {
        let now = Utc::now();
        Ok(Self {
            name: nvr.name,
            version: nvr.version,
            release: nvr.release,
            epoch,
            draft: false,
            state: BuildState::Complete,
            owner: call.user_id()?,
            task_id: None,
            volume_id: 0,
            cg_id: None,
            source: None,
            extra: None,
            start_time: Some(now),
            completion_time: Some(now),
        })
    }

    fn reference(&self, release: &str) -> BuildRef {
        let (name, version) = (self.name.clone(), self.version.clone());
        BuildRef::Nvr(Nvr { name, version, release: release.into(), epoch: None })
    }

    fn extra_text(&self) -> Option<String> {
        self.extra.as_ref().map(to_json_text)
    }
}

/// Makes the build, and its package if there is none yet; returns its id.
///
/// If the build exists it is recycled, or a general fault; always a fault with `strict` or for a draft.
pub async fn create(call: &mut Call, new: NewBuild, strict: bool) -> Rpc<i32> {
    if new.name.is_empty() {
        return Err(error::generic("a build needs the name of a package"));
    }
    names::check_internal(&call.hub.options, &new.name)?;
    if let Some(old) = store::find(&call.db, &new.reference(&new.release)).await? {
        if new.draft || strict {
            return Err(error::generic(format!("Build already exists: {} (id {})", old.nvr(), old.id)));
        }
        recycle(call, &old, &new).await?;
        return Ok(old.id);
    }
    let package = lookup::get_or_create(&call.db, Table::Package, &NameOrId::Name(new.name.clone())).await?;
    let event = call.event().await?;
    // A draft's release contains its id, which is only known afterwards.
    let release =
        if new.draft { format!("{},new_{}", new.release, rand::random::<u64>()) } else { new.release.clone() };
    let id = Insert::into("build")
        .set("pkg_id", package.id)
        .set("version", new.version.clone())
        .set("release", release)
        .set("epoch", new.epoch)
        .set("draft", false)
        .set("state", new.state.code())
        .set("create_event", event)
        .set("volume_id", new.volume_id)
        .set("task_id", new.task_id)
        .set("owner", new.owner)
        .set("start_time", new.start_time)
        .set("completion_time", new.completion_time)
        .set("source", new.source.clone())
        .set("extra", new.extra_text())
        .set("cg_id", new.cg_id)
        .returning_id(&call.db)
        .await?;
    if new.draft {
        let release = draft_release(&new.release, id.into());
        if store::find_id(&call.db, &new.reference(&release)).await?.is_some() {
            return Err(error::generic(format!("Build already exists: {}", new.reference(&release))));
        }
        Update::table("build")
            .set("release", release)
            .set("draft", true)
            .clause("id = ?", [id.into()])
            .run(&call.db)
            .await?;
    }
    Ok(id)
}

/// Gives the old build's id to the new one. The task that already has it may ask again.
async fn recycle(call: &mut Call, old: &Build, new: &NewBuild) -> Rpc<()> {
    if old.state == BuildState::Building {
        if new.state == old.state && new.task_id == old.task_id {
            return remove_strays(call, old).await;
        }
        let by = old.task_id.map_or_else(|| "no task".into(), |task| format!("task {task}"));
        return Err(error::generic(format!("Build {} is already in progress ({by})", old.nvr())));
    }
    if !old.state.can_be_rebuilt() {
        let (nvr, id, state) = (old.nvr(), old.id, old.state);
        let from = new.source.as_ref().map(|source| format!(", wanted from {source}")).unwrap_or_default();
        return Err(error::generic(format!("Build {nvr} already exists (id {id}, state {state}){from}")));
    }
    for (table, what) in [("tag_listing", "tag history"), ("rpminfo", "RPMs"), ("archiveinfo", "archives")] {
        let sql = format!("SELECT 1 FROM {table} WHERE build_id = ? LIMIT 1");
        if call.db.exists(&sql, vec![old.id.into()]).await? {
            return Err(error::generic(format!("Build {} already exists and has {what}", old.nvr())));
        }
    }
    for table in TYPE_TABLES {
        call.db.execute(&format!("DELETE FROM {table} WHERE build_id = ?"), vec![old.id.into()]).await?;
    }
    let event = call.event().await?;
    let update = Update::table("build")
        .set("state", new.state.code())
        .set("task_id", new.task_id)
        .set("owner", new.owner)
        .set("start_time", new.start_time)
        .set("completion_time", new.completion_time)
        .set("epoch", new.epoch)
        .set("source", new.source.clone())
        .set("extra", new.extra_text())
        .set("volume_id", new.volume_id)
        .set("create_event", event);
    let update = if new.cg_id.is_some() { update.set("cg_id", new.cg_id) } else { update };
    update.clause("id = ?", [old.id.into()]).run(&call.db).await?;
    remove_strays(call, old).await
}

/// What says of which types a build is.
pub const TYPE_TABLES: &[&str] = &["maven_builds", "win_builds", "image_builds", "build_types"];

/// Removes what an earlier attempt left in the build's place, on any volume.
async fn remove_strays(call: &mut Call, build: &Build) -> Rpc<()> {
    let volumes: Vec<String> = call.db.values("SELECT name FROM volume ORDER BY id", vec![]).await?;
    for volume in volumes {
        // A name that is no path never had a place.
        let Ok(path) = call.hub.tree.build(&build.place_on(&volume)) else { continue };
        files::clear(call, path).await?;
    }
    Ok(())
}
