//! Maven projects, and RPMs around what they build.

use toji_hub_macros::rpc;
use toji_proto::xmlrpc::parse_datetime;
use toji_proto::{IntoValue, Struct, Value, ValueExt};

use super::{Call, FromArg, NameOrId, Rpc, assert_enabled, options, task_opts};
use crate::db::{Row, RowExt};
use crate::error;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::targets::store as targets;
use crate::rpc::tasks::make_task;

/// Builds a Maven project from a source URL.
#[rpc("mavenBuild(url, target, opts=None, priority=None, channel='maven')", write, login)]
pub async fn maven_build(
    call: &mut Call,
    url: Value,
    target: Value,
    opts: Value,
    priority: Value,
    channel: Value,
) -> Rpc<i32> {
    assert_enabled(call.hub.options.enable_maven, "Maven")?;
    let url = String::from_arg(url, "url")?;
    let task = task_opts(call, priority, channel).await?;
    make_task(call, "maven", &[url.into_value(), target, options(opts)], task).await
}

/// Builds Maven projects in the order that their `buildrequires` ask for: `builds` is a struct of structs, by the
/// package's name.
#[rpc("chainMaven(builds, target, opts=None, priority=None, channel='maven')", write, login)]
pub async fn chain_maven(
    call: &mut Call,
    builds: Value,
    target: Value,
    opts: Value,
    priority: Value,
    channel: Value,
) -> Rpc<i32> {
    assert_enabled(call.hub.options.enable_maven, "Maven")?;
    let builds = Value::Struct(Struct::from_arg(builds, "builds")?);
    let task = task_opts(call, priority, channel).await?;
    make_task(call, "chainmaven", &[builds, target, opts], task).await
}

/// Builds RPMs around the files of a build, which must be complete and have none yet, from a spec file's template
/// at `url`, in a buildroot of the target.
///
/// Faults: a build or target that does not exist (1000), a build that has RPMs already (1010), unless `opts`
/// have `scratch` or `create_build`.
#[rpc("wrapperRPM(build, url, target, priority=None, channel='maven', opts=None)", write, login)]
pub async fn wrapper_rpm(
    call: &mut Call,
    build: BuildRef,
    url: Value,
    target: NameOrId,
    priority: Value,
    channel: Value,
    opts: Option<Struct>,
) -> Rpc<i32> {
    assert_enabled(call.hub.options.enable_maven, "Maven")?;
    let mut opts = opts.unwrap_or_default();
    let url = String::from_arg(url, "url")?;
    let build = builds::get(&call.db, &build).await?;
    let may_have_rpms = ["scratch", "create_build"].iter().any(|o| opts.get(*o).is_some_and(Value::is_true));
    let has_rpms = call.db.exists("SELECT id FROM rpminfo WHERE build_id = ? LIMIT 1", vec![build.id.into()]).await?;
    if has_rpms && !may_have_rpms {
        return Err(error::pre_build(format!("wrapper rpms for {} have already been built", build.nvr())));
    }
    let target =
        targets::named(targets::select(None), &target).one(&call.db).await?.ok_or_else(|| targets::no_such(&target))?;
    // Older clients name a repository; the task takes the present one.
    opts.remove("repo_id");
    if channel.is_nil() {
        return Err(error::param("Invalid type for channel: expected a string, got None"));
    }
    let task = task_opts(call, priority, channel).await?;
    let params =
        [url.into_value(), Value::Struct(target), Value::Struct(with_times(build.row)), Value::Nil, opts.into_value()];
    make_task(call, "wrapperRPM", &params, task).await
}

/// Builders expect the times in a request as times.
fn with_times(mut build: Row) -> Row {
    for name in ["creation_time", "start_time", "completion_time", "promotion_time"] {
        let time = build.opt_text(name).and_then(|text| parse_datetime(text.split('+').next()?));
        if let Some(time) = time {
            build.insert(name.into(), Value::DateTime(time));
        }
    }
    build
}
