//! `distRepo`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;
use toji_hub_macros::rpc;
use toji_proto::json::to_json;
use toji_proto::states::TaskState;
use toji_proto::{Value, ValueExt, arch, paths};

use super::init::{self, Entry, write_json};
use super::new::task_opts;
use super::{Call, Rpc};
use crate::db::{RowExt, Select};
use crate::error::{self, Error};
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::build_config;
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::tasks::store::{self as tasks, make_task};
use crate::rpc::{FromArg, NameOrId, Struct};
use crate::{files, uploads};

/// Begins a dist repository of a tag and makes the task for it; returns the task's id.
///
/// `keys` is a list of the keys whose signed packages may be in it, the best first. Of the named options the hub
/// reads `arch` (a list, required), `event` (the tag as it was), `volume` (where its files are kept) and `comps` (an
/// uploaded file, by its path below `work/`); the others are for the builder. If the tag's setting
/// `distrepo.cancel_others` is true, earlier tasks for the tag are cancelled.
///
/// For those with the permission `dist-repo`; others as the policy `dist_repo` says (1004). Faults: no login, an
/// unknown tag, volume or upload (1000), options of a wrong type (1019).
#[rpc("distRepo(tag, keys, **task_opts)", write)]
pub async fn dist_repo(call: &mut Call, tag: Value, keys: Value, task_opts: Struct) -> Rpc<i32> {
    if !call.logged_in() {
        return Err(error::generic("you must be logged in to make a dist repo"));
    }
    if !call.has_perm("dist-repo").await? && !call.has_perm("admin").await? {
        call.assert_policy("dist_repo", Struct::from([("tag".into(), tag.clone())]), false).await?;
    }
    if keys.as_array().is_none() {
        return Err(error::param(format!("The keys must be a list, not {}", keys.repr())));
    }
    let found = tags::get(&call.db, &NameOrId::from_arg(tag.clone(), "tag")?, When::Now).await?;
    let plan = Plan::read(call, &task_opts).await?;
    let event = match plan.event {
        Some(event) => event,
        None => call.event().await?,
    };
    let id = begin(call, &found, &keys, &task_opts, plan, event).await?;
    cancel_others(call, &tag, found).await?;
    let mut opts = task_opts;
    opts.insert("event".into(), Value::Integer(event));
    let params = [tag, Value::Integer(id), keys, Value::Struct(opts)];
    make_task(call, "distRepo", &params, self::task_opts(None)).await
}

/// What the hub has to do with the options.
struct Plan {
    arches: BTreeSet<String>,
    event: Option<i32>,
    volume: Option<String>,
    comps: Option<PathBuf>,
}

impl Plan {
    async fn read(call: &Call, opts: &Struct) -> Rpc<Self> {
        let given = |name: &str| opts.get(name).filter(|value| value.is_true()).cloned();
        let event = given("event").map(|event| i32::from_arg(event, "event")).transpose()?;
        let volume = match opts.get("volume").filter(|volume| !volume.is_nil()) {
            Some(volume) => {
                let volume = NameOrId::from_arg(volume.clone(), "volume")?;
                Some(lookup::get(&call.db, Table::Volume, &volume).await?.name)
            }
            None => None,
        };
        let arches = opts.get("arch").ok_or_else(|| error::param("distRepo needs the option arch"))?;
        let arches: Vec<String> = Vec::from_arg(arches.clone(), "arch")?;
        let arches = arches.iter().map(|arch| Ok(paths::component(arch::canonical(arch))?.to_owned()));
        let arches = arches.collect::<Rpc<_>>()?;
        let comps = match given("comps").map(|comps| String::from_arg(comps, "comps")).transpose()? {
            Some(comps) => Some(upload(call, &comps).await?),
            None => None,
        };
        Ok(Self { arches, event, volume, comps })
    }
}

/// An uploaded file by its path below `work/`.
async fn upload(call: &Call, path: &str) -> Rpc<PathBuf> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    uploads::existing(call, folder, name, None).await
}

/// Makes the row and the directory.
async fn begin(call: &mut Call, tag: &Tag, keys: &Value, opts: &Struct, plan: Plan, event: i32) -> Rpc<i32> {
    let entry = Entry { tag_id: tag.id, event, begin_event: None, end_event: None, opts: None, task_id: None };
    let (id, mut directory) = init::create(call, tag, entry).await?;
    let volume = plan.volume.as_deref().filter(|volume| *volume != toji_proto::states::DEFAULT_VOLUME);
    if let Some(volume) = volume {
        let real = call.hub.tree.dist_repo(&tag.name, id.into(), Some(volume))?;
        let link = directory.clone();
        directory = real.clone();
        tokio::task::spawn_blocking(move || move_to_volume(&link, &real)).await??;
    }
    let about = json!({
        "id": id,
        "tag": &tag.name,
        "tag_id": tag.id,
        "keys": to_json(keys),
        "volume": plan.volume,
        "task_opts": to_json(&Value::Struct(opts.clone())),
    });
    tokio::task::spawn_blocking(move || {
        write_json(&directory.join("repo.json"), &about)?;
        plan.arches.iter().try_for_each(|arch| make_directory(&directory.join(arch)))?;
        plan.comps.map_or(Ok(()), |comps| copy_comps(&comps, &directory))
    })
    .await??;
    Ok(id)
}

/// Replaces the empty directory by a link to one on another volume.
fn move_to_volume(link: &Path, real: &Path) -> Rpc<()> {
    let failed = || Error::io(format!("cannot make the link {}", link.display()));
    make_directory(real)?;
    std::fs::remove_dir(link).map_err(failed())?;
    let parent = link.parent().unwrap_or(Path::new("/"));
    std::os::unix::fs::symlink(files::relative(parent, real), link).map_err(failed())
}

fn make_directory(path: &Path) -> Rpc<()> {
    std::fs::create_dir_all(path).map_err(Error::io(format!("cannot make the directory {}", path.display())))
}

fn copy_comps(upload: &Path, directory: &Path) -> Rpc<()> {
    let groups = directory.join("groups");
    make_directory(&groups)?;
    if !upload.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Err(error::generic(format!("No such upload: {}", upload.display())));
    }
    let copied = std::fs::copy(upload, groups.join("comps.xml"));
    copied.map(drop).map_err(Error::io(format!("cannot copy {}", upload.display())))
}

/// Cancels the tasks for this tag that have not ended, if the tag's settings say so. The tag must have been given in
/// the same way.
async fn cancel_others(call: &mut Call, given: &Value, tag: Tag) -> Rpc<()> {
    let config = build_config::inherited(&call.db, tag).await?;
    if !config.tag.settings().get("distrepo.cancel_others").is_some_and(Value::is_true) {
        return Ok(());
    }
    let states = [TaskState::Free, TaskState::Open, TaskState::Assigned].map(TaskState::code);
    let rows = Select::from("task")
        .columns(&[("id", "id"), ("request", "request")])
        .clause("method = 'distRepo'", [])
        .is_in(&call.db, "state", &states)
        .order("id")
        .all(&call.db)
        .await?;
    for row in rows {
        let params = tasks::parse_request(row.text("request")).unwrap_or_default();
        if params.first() == Some(given) {
            tasks::cancel(call, row.int("id")?, true).await?;
        }
    }
    Ok(())
}
