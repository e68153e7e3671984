//! `newRepo`: a repository of a tag, for all its arches.
//!
//! The hub writes down what is in it (`host.repoInit`); a child per arch makes the metadata of it,
//! unless nothing changed and those of the last repository may be taken over; the hub puts all in
//! place (`host.repoDone`).

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::repodata;
use crate::args;
use crate::members;
use crate::task::{Args, Handler, SubtaskOpts, Task, TaskError};
use crate::topdir::{TopDir, repo_path};
use crate::value::{Lookup, Members, Value, ValueExt};
use toji_proto::arch::canonical;

pub struct NewRepo;

/// Options that older clients give as parameters of their own.
const OLD_OPTIONS: &[&str] = &["src", "debuginfo", "separate_src"];
/// What a repository's `repo.json` must agree on for its metadata to be taken over.
const SHAPE: [&str; 3] = ["with_src", "with_separate_src", "with_debuginfo"];

/// A repository of this or a related tag, whose metadata may be of use.
struct OldRepo {
    /// Its row (stock `getRepo`), with `tag_id`.
    row: Value,
    id: i32,
    tag_name: String,
}

#[async_trait]
impl Handler for NewRepo {
    fn methods(&self) -> &'static [&'static str] {
        &["newRepo"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let event = args.get("event").cloned();
        let mut named = members! { "strict" => true };
        named.extend(event.clone().map(|event| ("event".to_owned(), event)));
        let tag = task.hub.call_named("getTag", args![args.need("tag")?], named.clone()).await?;
        let tag_id = tag.get_id("id").ok_or_else(|| TaskError::generic("the hub's tag has no id"))?;
        let tag_name = tag.get_str("name").unwrap_or_default().to_owned();

        let mut named = members! { "opts" => options(&args)?, "task_id" => task.id };
        named.extend(event.map(|event| ("event".to_owned(), event)));
        let answer = task.hub.call_named("host.repoInit", args![tag_id], named).await?;
        let (repo_id, event_id) = match answer.as_array() {
            Some([repo, event]) => (id(repo)?, id(event)?),
            _ => return Err(TaskError::generic(format!("host.repoInit answered {answer:?}"))),
        };
        let job = Job { task, tag, tag_id, tag_name, repo_id, event_id, topdir: topdir(task) };
        let (data, cloned) = job.all_arches().await?;
        let mut named = Members::new();
        if let Some((old, arches)) = cloned {
            let updates = members! { "cloned_from_repo_id" => old, "cloned_archs" => arches };
            named.insert("repo_json_updates".to_owned(), Value::Struct(updates));
        }
        task.hub.call_named("host.repoDone", args![repo_id, data], named).await?;
        Ok(Value::Array(args![repo_id, event_id]))
    }
}

fn topdir(task: &Task) -> TopDir {
    TopDir::new(&task.config, task.hub.clone(), &task.workdir)
}

/// The repository's options, given as a struct or as parameters.
fn options(args: &Args) -> Result<Value, TaskError> {
    let old: Members = OLD_OPTIONS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Value::Boolean(args.get(name)?.is_true()))))
        .collect();
    match args.get("opts") {
        Some(_) if !old.is_empty() => {
            Err(TaskError::parameter("opts of newRepo cannot be given together with src, debuginfo or separate_src"))
        }
        Some(opts) => Ok(opts.clone()),
        None if old.is_empty() => Ok(Value::Nil),
        None => Ok(Value::Struct(old)),
    }
}

fn id(value: &Value) -> Result<i32, TaskError> {
    let id = value.as_id();
    id.ok_or_else(|| TaskError::generic(format!("the hub answered {value:?} where an id belongs")))
}

struct Job<'a> {
    task: &'a Task,
    tag: Value,
    tag_id: i32,
    tag_name: String,
    repo_id: i32,
    event_id: i32,
    topdir: TopDir,
}

impl Job<'_> {
    /// The uploads by arch, and which arches were taken over from which repository.
    async fn all_arches(&self) -> Result<(Members, Option<(i32, Vec<String>)>), TaskError> {
        let old = self.old_repo().await?;
        let base = repo_path(&self.tag_name, self.repo_id);
        let clonable = match &old {
            Some(old) if self.task.config.copy_old_repodata => self.same_shape(old, &base).await?,
            _ => false,
        };
        let (mut data, mut cloned, mut children) = (Members::new(), Vec::new(), Vec::new());
        for arch in self.arches().await? {
            if let Some(old) = old.as_ref().filter(|_| clonable)
                && let Some(upload) = self.take_over(old, &base, &arch).await?
            {
                data.insert(arch.clone(), upload);
                cloned.push(arch);
                continue;
            }
            let row = old.as_ref().map(|old| old.row.clone());
            let opts = SubtaskOpts { arch: Some("noarch".into()), ..SubtaskOpts::labelled(&arch) };
            let child = self.task.subtask("createrepo", args![self.repo_id, &arch, row], opts).await?;
            children.push((arch, child));
        }
        let ids: Vec<i32> = children.iter().map(|(_, child)| *child).collect();
        let mut results = match ids.as_slice() {
            [] => Default::default(),
            ids => self.task.wait_all(ids).await?,
        };
        for (arch, child) in children {
            let result = results.remove(&child);
            let result = result.ok_or_else(|| TaskError::generic(format!("task {child} has no result")))?;
            data.insert(arch, result);
        }
        Ok((data, old.filter(|_| !cloned.is_empty()).map(|old| (old.id, cloned))))
    }

    /// The arches for which the hub wrote a list of packages.
    async fn arches(&self) -> Result<Vec<String>, TaskError> {
        let named = members! { "strict" => true };
        let config = self.task.hub.call_named("repoInfo", args![self.repo_id], named).await?;
        let mut arches: Vec<String> = Vec::new();
        for arch in self.tag.get_str("arches").unwrap_or_default().split_whitespace().map(canonical) {
            if !matches!(arch, "src" | "noarch") && !arches.iter().any(|known| known == arch) {
                arches.push(arch.to_owned());
            }
        }
        if config.get("opts").is_some_and(|opts| opts.get_flag("separate_src")) {
            arches.push("src".to_owned());
        }
        Ok(arches)
    }

    /// The newest repository of this tag; otherwise of tags that its setting `repo.oldrepo_hint`
    /// names; otherwise of the nearest tag that it inherits from.
    async fn old_repo(&self) -> Result<Option<OldRepo>, TaskError> {
        if !self.task.config.createrepo_update {
            return Ok(None);
        }
        let hub = &self.task.hub;
        if let Some(old) = self.repo_of(&Value::Integer(self.tag_id)).await? {
            return Ok(Some(old));
        }
        let hints = match self.tag.get("extra").and_then(|extra| extra.get("repo.oldrepo_hint")) {
            Some(Value::Array(hints)) => hints.clone(),
            Some(hint) if hint.is_true() => vec![hint.clone()],
            _ => Vec::new(),
        };
        let parents = hub.call("getFullInheritance", args![self.tag_id]).await?;
        let mut parents = parents.as_array().unwrap_or_default().to_vec();
        parents.sort_by_key(|link| link.get_int("currdepth"));
        let parents = parents.iter().filter_map(|link| link.get("parent_id").cloned());
        for tag in hints.into_iter().chain(parents) {
            if let Some(old) = self.repo_of(&tag).await? {
                return Ok(Some(old));
            }
        }
        Ok(None)
    }

    async fn repo_of(&self, tag: &Value) -> Result<Option<OldRepo>, TaskError> {
        let hub = &self.task.hub;
        let tag = hub.call_named("getTag", args![tag], members! { "strict" => false }).await?;
        let Some(tag_id) = tag.get_id("id") else {
            tracing::warn!(tag = self.tag_name, "a hint at an old repository names no tag");
            return Ok(None);
        };
        let repo = hub.call("getRepo", args![tag_id]).await?;
        let (Some(id), Value::Struct(mut row)) = (repo.get_id("id"), repo) else { return Ok(None) };
        row.insert("tag_id".to_owned(), Value::Integer(tag_id));
        let tag_name = tag.get_str("name").unwrap_or_default().to_owned();
        Ok(Some(OldRepo { row: Value::Struct(row), id, tag_name }))
    }

    /// Whether two repositories hold the same kinds of packages and groups, and nothing from outside.
    async fn same_shape(&self, old: &OldRepo, base: &str) -> Result<bool, TaskError> {
        let old_base = repo_path(&old.tag_name, old.id);
        let shape = async |base: &str| {
            let text = self.topdir.text(&format!("{base}/repo.json")).await?.unwrap_or_default();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            Ok::<_, TaskError>(json.is_object().then(|| SHAPE.map(|name| json.get(name).cloned())))
        };
        let (before, now) = (shape(&old_base).await?, shape(base).await?);
        if before.is_none() || before != now {
            return Ok(false);
        }
        let groups = "groups/comps.xml";
        if !self.same_file(&format!("{old_base}/{groups}"), &format!("{base}/{groups}")).await? {
            return Ok(false);
        }
        let old_event = old.row.get("create_event").cloned().unwrap_or(Value::Nil);
        let old_tag = old.row.get("tag_id").cloned().unwrap_or(Value::Nil);
        for (tag, event) in [(old_tag, old_event), (Value::Integer(self.tag_id), Value::Integer(self.event_id))] {
            let named = members! { "event" => event };
            if self.task.hub.call_named("getExternalRepoList", args![tag], named).await?.is_true() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn same_file(&self, a: &str, b: &str) -> Result<bool, TaskError> {
        Ok(self.topdir.read(a).await? == self.topdir.read(b).await?)
    }

    /// Uploads the old metadata of an arch as those of the new repository, if they describe it.
    async fn take_over(&self, old: &OldRepo, base: &str, arch: &str) -> Result<Option<Value>, TaskError> {
        let old_base = format!("{}/{arch}", repo_path(&old.tag_name, old.id));
        for name in ["pkglist", "blocklist", "rpmlist.jsonl"] {
            let (before, now) = (format!("{old_base}/{name}"), format!("{base}/{arch}/{name}"));
            if self.topdir.read(&before).await?.is_none() || !self.same_file(&before, &now).await? {
                return Ok(None);
            }
        }
        let dest: PathBuf = self.task.workdir.join(arch);
        if !repodata::fetch(&self.topdir, &old_base, &dest).await? {
            return Ok(None);
        }
        repodata::upload(self.task, Path::new(&dest), Some(arch)).await.map(Some)
    }
}
