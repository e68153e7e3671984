//! `build`: a package from its source to a tagged build.
//!
//! The task itself only directs: it checks policies and package lists, has the source package made,
//! has it built once per arch, hands the results to the hub and has the build tagged. All of that
//! are children with labels, so a rerun (after a crash or a drained host) finds what is done.

mod arches;
mod noarch;
mod source;
mod target;

use async_trait::async_trait;
use toji_proto::states::BuildState;

use crate::args;
use crate::rpms::Header;
use crate::scm::is_scm_url;
use crate::task::{Handler, SubtaskOpts, Task, TaskError, Wait};
use crate::value::{Lookup, Members, Value, ValueExt};
use source::Source;
use target::Target;

pub struct Build;

/// What the task was asked for, after the first checks.
struct Job<'a> {
    task: &'a Task,
    src: String,
    opts: Value,
    scratch: bool,
    skip_tag: bool,
    target: Target,
}

/// The results of all arches together.
#[derive(Default)]
struct Results {
    srpm: Option<String>,
    rpms: Vec<String>,
    /// Buildroot id by package.
    buildroots: Members,
    /// Logs by arch.
    logs: Members,
}

#[async_trait]
impl Handler for Build {
    fn methods(&self) -> &'static [&'static str] {
        &["build"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.2
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let opts = args.opts("opts")?;
        let src = args.str("src").map_err(|_| TaskError::build("the source must be a URL or the path of an upload"))?;
        check_opts(&opts)?;
        let target = Target::find(task, args.get("target"), opts.get("repo_id")).await?;
        let job = Job {
            task,
            src: src.to_owned(),
            scratch: opts.get_flag("scratch"),
            // Without a target there is no tag to go to.
            skip_tag: opts.get_flag("skip_tag") || args.get("target").is_none(),
            opts,
            target,
        };
        job.check_policies().await?;
        job.build().await?;
        Ok(Value::Nil)
    }
}

fn check_opts(opts: &Value) -> Result<(), TaskError> {
    if opts.get_flag("arch_override") && !opts.get_flag("scratch") {
        return Err(TaskError::build("arch_override is for scratch builds only"));
    }
    if let Some(metadata) = opts.get("custom_user_metadata").filter(|metadata| metadata.is_true()) {
        if metadata.as_struct().is_none() {
            return Err(TaskError::build("custom_user_metadata must be a struct"));
        }
        if !fits_json(metadata) {
            return Err(TaskError::build("custom_user_metadata holds a value that JSON cannot express"));
        }
    }
    Ok(())
}

fn fits_json(value: &Value) -> bool {
    match value {
        Value::Base64(_) | Value::DateTime(_) => false,
        Value::Double(number) => number.is_finite(),
        Value::Array(items) => items.iter().all(fits_json),
        Value::Struct(members) => members.values().all(fits_json),
        _ => true,
    }
}

impl Job<'_> {
    async fn check_policies(&self) -> Result<(), TaskError> {
        let from_scm = is_scm_url(&self.src);
        let mut data = crate::members! {
            "user_id" => self.task.owner,
            "source" => &self.src,
            "task_id" => self.task.id,
            "build_tag" => self.target.build_tag,
            "skip_tag" => self.skip_tag,
            "scratch" => self.opts.get("scratch").unwrap_or(&Value::Nil),
            "draft" => self.opts.get("draft").unwrap_or(&Value::Nil),
            "from_scm" => from_scm,
            "repo_id" => self.opts.get("repo_id").unwrap_or(&Value::Nil),
        };
        if let Some(name) = &self.target.name {
            data.insert("target".into(), Value::String(name.clone()));
        }
        if !self.skip_tag {
            data.insert("tag".into(), Value::Integer(self.target.dest_tag));
        }
        if !from_scm && !self.scratch {
            self.assert_policy("build_from_srpm", &data).await?;
        }
        if self.opts.get("repo_id").is_some_and(|repo| !repo.is_nil()) {
            self.assert_policy("build_from_repo_id", &data).await?;
        }
        self.assert_policy("build_rpm", &data).await
    }

    async fn assert_policy(&self, name: &str, data: &Members) -> Result<(), TaskError> {
        self.task.hub.call("host.assertPolicy", args![name, data.clone()]).await?;
        Ok(())
    }

    async fn build(&self) -> Result<(), TaskError> {
        let (repo, event) = self.repo().await?;
        let build_tag = self.config_of_build_tag(event).await?;
        let source = self.source(&build_tag, repo).await?;
        let header = source.header(self.task).await?;
        let extra_arches = self.check_package(&header.name, event).await?;
        let override_ = self.opts.get_str("arch_override").filter(|_| self.scratch);
        let arches = arches::to_build(&build_tag, extra_arches.as_deref(), &header, override_)?;
        if self.scratch {
            let results = self.build_all(&source, &header, &build_tag, &arches, repo).await?;
            let srpm = results.srpm()?;
            let logs = crate::members! { "logs" => results.logs.clone() };
            self.task
                .hub
                .call_named("host.moveBuildToScratch", args![self.task.id, srpm, results.rpms.clone()], logs)
                .await?;
            return Ok(());
        }
        let build_id = match self.init_build(&source, &header).await? {
            Begun::New(build_id) => {
                let built = self.build_and_import(build_id, &source, &header, &build_tag, &arches, repo).await;
                if let Err(error) = built {
                    self.fail_build(build_id, &error).await;
                    return Err(error);
                }
                build_id
            }
            Begun::Complete(build_id) => build_id,
        };
        if !self.skip_tag {
            let request = args![self.target.dest_tag, build_id, false, Value::Nil, true];
            let opts = SubtaskOpts { arch: Some("noarch".into()), ..SubtaskOpts::labelled("tag") };
            let child = self.task.subtask("tagBuild", request, opts).await?;
            self.task.wait_for(child).await?;
        }
        Ok(())
    }

    /// The repository to build in, and the event at which tags are to be read.
    async fn repo(&self) -> Result<(i32, Option<i64>), TaskError> {
        if let Some((repo, event)) = self.target.repo {
            return Ok((repo, event));
        }
        let builds = self.opts.get("wait_builds").filter(|builds| !builds.is_nil());
        let mut nvrs = Vec::new();
        for nvr in builds.and_then(|builds| builds.as_array()).unwrap_or_default() {
            let nvr = nvr.as_str().ok_or_else(|| TaskError::parameter("wait_builds must be a list of build names"))?;
            nvrs.push(nvr.to_owned());
        }
        let tag = Value::Integer(self.target.build_tag);
        let repo = self.task.repo(&tag, &nvrs, self.opts.get_flag("wait_repo")).await?;
        let repo = repo.get_id("id").ok_or_else(|| TaskError::build(format!("the repository has no id: {repo:?}")))?;
        let event = self.task.hub.call("getLastEvent", vec![]).await?;
        Ok((repo, event.get_int("id")))
    }

    async fn config_of_build_tag(&self, event: Option<i64>) -> Result<Value, TaskError> {
        let named = crate::members! { "event" => event };
        Ok(self.task.hub.call_named("getBuildConfig", args![self.target.build_tag], named).await?)
    }

    async fn source(&self, build_tag: &Value, repo: i32) -> Result<Source, TaskError> {
        let method = if is_scm_url(&self.src) {
            "buildSRPMFromSCM"
        } else {
            let by_tag = build_tag.get("extra").and_then(|extra| extra.get("rebuild_srpm"));
            let by_user = self.opts.get("rebuild_srpm").filter(|wish| self.scratch && !wish.is_nil());
            let rebuild = by_user.or(by_tag).is_none_or(|wish| wish.is_true());
            if !rebuild {
                return Ok(Source { srpm: self.src.clone(), origin: None });
            }
            "rebuildSRPM"
        };
        let arch = arches::of_task("noarch", None, build_tag, &self.task.config.literal_task_arches)?;
        let opts = crate::members! {
            "repo_id" => repo,
            "scratch" => self.opts.get("scratch").unwrap_or(&Value::Nil),
        };
        let request = args![&self.src, self.target.build_tag, opts];
        let subtask = SubtaskOpts { arch: Some(arch), ..SubtaskOpts::labelled("srpm") };
        let child = self.task.subtask(method, request, subtask).await?;
        Source::of_result(child, &self.task.wait_for(child).await?)
    }

    /// Refuses packages that the destination does not list; answers with their extra arches.
    async fn check_package(&self, name: &str, event: Option<i64>) -> Result<Option<String>, TaskError> {
        let named = crate::members! { "event" => event };
        let config = self.task.hub.call_named("getPackageConfig", args![self.target.dest_tag, name], named).await?;
        if !self.skip_tag && !self.scratch {
            let tag = &self.target.dest_tag_name;
            if config.is_nil() {
                return Err(TaskError::build(format!("package {name} is not in the list of tag {tag}")));
            }
            if config.get_flag("blocked") {
                return Err(TaskError::build(format!("package {name} is blocked in tag {tag}")));
            }
        }
        Ok(config.get_str("extra_arches").map(str::to_owned))
    }

    /// Announces the build. A conflict with an existing one is the hub's to tell; unless that is
    /// what an earlier run of this very task completed.
    async fn init_build(&self, source: &Source, header: &Header) -> Result<Begun, TaskError> {
        let mut data = crate::members! {
            "name" => &header.name,
            "version" => &header.version,
            "release" => &header.release,
            "epoch" => header.epoch,
            "task_id" => self.task.id,
        };
        let mut extra = Members::new();
        if let Some(origin) = &source.origin {
            data.insert("source".into(), origin.source.clone());
            extra.insert("source".into(), Value::Struct(crate::members! { "original_url" => &origin.url }));
        }
        if let Some(metadata) = self.opts.get("custom_user_metadata").filter(|metadata| metadata.is_true()) {
            extra.insert("custom_user_metadata".into(), metadata.clone());
        }
        if !extra.is_empty() {
            data.insert("extra".into(), Value::Struct(extra));
        }
        if let Some(draft) = self.opts.get("draft").filter(|draft| draft.is_true()) {
            data.insert("draft".into(), draft.clone());
        }
        let error = match self.task.hub.call("host.initBuild", args![data]).await {
            Ok(answer) => {
                let id = answer.as_id();
                return id
                    .map(Begun::New)
                    .ok_or_else(|| TaskError::generic(format!("the hub made no build: {answer:?}")));
            }
            Err(error) => error,
        };
        if error.code().is_some() {
            let named = crate::members! { "taskID" => self.task.id, "state" => BuildState::Complete.code() };
            let builds = self.task.hub.call_named("listBuilds", vec![], named).await?;
            if let Some(id) = builds.as_array().and_then(|builds| builds.first()?.get_id("build_id")) {
                return Ok(Begun::Complete(id));
            }
        }
        Err(error.into())
    }

    async fn build_and_import(
        &self,
        build_id: i32,
        source: &Source,
        header: &Header,
        build_tag: &Value,
        arches: &[String],
        repo: i32,
    ) -> Result<(), TaskError> {
        let results = self.build_all(source, header, build_tag, arches, repo).await?;
        let srpm = results.srpm()?;
        let args = args![self.task.id, build_id, srpm, results.rpms.clone(), results.buildroots.clone()];
        let logs = crate::members! { "logs" => results.logs.clone() };
        self.task.hub.call_named("host.completeBuild", args, logs).await?;
        Ok(())
    }

    async fn fail_build(&self, build_id: i32, error: &TaskError) {
        // A cancelled task's build is the hub's to cancel; a freed one's goes on elsewhere.
        if matches!(error, TaskError::Cancelled) {
            return;
        }
        if let Err(error) = self.task.hub.call("host.failBuild", args![self.task.id, build_id]).await {
            tracing::warn!(task = self.task.id, build = build_id, %error, "cannot mark the build as failed");
        }
    }

    /// Has the package built for every arch and gathers the results.
    async fn build_all(
        &self,
        source: &Source,
        header: &Header,
        build_tag: &Value,
        arches: &[String],
        repo: i32,
    ) -> Result<Results, TaskError> {
        let mut children = Vec::new();
        for (index, arch) in arches.iter().enumerate() {
            let literal = &self.task.config.literal_task_arches;
            let task_arch = arches::of_task(arch, Some(header), build_tag, literal)?;
            // One of them hands in the source package.
            let keep_srpm = index == 0;
            let opts = crate::members! { "repo_id" => repo };
            let request = args![&source.srpm, self.target.build_tag, arch, keep_srpm, opts];
            let subtask = SubtaskOpts { arch: Some(task_arch), ..SubtaskOpts::labelled(arch) };
            children.push((arch, self.task.subtask("buildArch", request, subtask).await?));
        }
        let ids: Vec<i32> = children.iter().map(|(_, id)| *id).collect();
        let fail_any = self.opts.get_flag("fail_fast") || !self.task.config.build_arch_can_fail;
        let mut outcomes = self.task.wait(&ids, Wait { all: true, fail_any, ..Wait::default() }).await?;
        let mut results = Results::default();
        for (arch, id) in children {
            let outcome = outcomes.remove(&id);
            let Some(crate::task::Outcome::Done(result)) = outcome else {
                return Err(TaskError::build(format!("task {id} ({arch}) left no result")));
            };
            results.add(arch, id, &result)?;
        }
        noarch::compare(self.task, &results.rpms).await?;
        Ok(results)
    }
}

enum Begun {
    /// The build is ours to make.
    New(i32),
    /// An earlier run of this task completed it already.
    Complete(i32),
}

impl Results {
    fn add(&mut self, arch: &str, task_id: i32, result: &Value) -> Result<(), TaskError> {
        let files = |name: &str| -> Result<Vec<String>, TaskError> {
            let list = result.get(name).and_then(|list| list.as_array()).unwrap_or_default();
            list.iter()
                .map(|file| file.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| TaskError::build(format!("the result of task {task_id} ({arch}) has odd {name}")))
        };
        let buildroot = result.get("brootid").cloned().unwrap_or(Value::Nil);
        for rpm in files("rpms")? {
            self.buildroots.insert(rpm.clone(), buildroot.clone());
            self.rpms.push(rpm);
        }
        let logs = files("logs")?;
        if !logs.is_empty() {
            self.logs.insert(arch.to_owned(), crate::value::IntoValue::into_value(logs));
        }
        for srpm in files("srpms")?.into_iter().take(1) {
            self.buildroots.insert(srpm.clone(), buildroot.clone());
            if self.srpm.replace(srpm).is_some() {
                return Err(TaskError::build("more than one arch handed in a source package"));
            }
        }
        Ok(())
    }

    fn srpm(&self) -> Result<&str, TaskError> {
        self.srpm.as_deref().ok_or_else(|| TaskError::build("no arch handed in the source package"))
    }
}
