//! RPM packages.

use toji_hub_macros::rpc;
use toji_proto::{IntoValue, Value};

use super::{Call, Rpc, options, task_opts};
use crate::rpc::tasks::make_task;

/// Builds a package: `src` is a source URL, or the path of an uploaded source RPM; `target` a build target's name,
/// or nil where `opts` say enough (such as `scratch`, `arch_override`, `repo_id`, `skip_tag`).
#[rpc("build(src, target, opts=None, priority=None, channel=None)", write, login)]
pub async fn build(
    call: &mut Call,
    src: String,
    target: Value,
    opts: Value,
    priority: Value,
    channel: Value,
) -> Rpc<i32> {
    let task = task_opts(call, priority, channel).await?;
    make_task(call, "build", &[src.into_value(), target, options(opts)], task).await
}

/// Builds packages in groups, each against the repository with those before: `srcs` is a list of lists of sources.
#[rpc("chainBuild(srcs, target, opts=None, priority=None, channel=None)", write, login)]
pub async fn chain_build(
    call: &mut Call,
    srcs: Vec<Value>,
    target: Value,
    opts: Value,
    priority: Value,
    channel: Value,
) -> Rpc<i32> {
    let task = task_opts(call, priority, channel).await?;
    make_task(call, "chainbuild", &[Value::Array(srcs), target, options(opts)], task).await
}
