//! Requests for builds: each makes the task that does the work, and returns its id.
//!
//! What is wanted is hardly looked at here; the task itself fails if it cannot be had. In common they have
//! `priority`, the distance from the default priority (a negative one, which runs before others' tasks, is for
//! admins: 1004), and `channel`, of which the policy has the last word.

mod failed_tree;
mod image;
mod kiwi;
mod maven;
mod rpm;
mod runroot;
mod windows;

use toji_proto::{Struct, Value, ValueExt};

use super::tasks::TaskOpts;
use super::tasks::make::relative_priority;
use super::{Call, FromArg, Method, NameOrId, Rpc};
use crate::error;

pub const METHODS: &[Method] = &[
    failed_tree::SAVE_FAILED_TREE,
    image::BUILD_IMAGE,
    image::BUILD_IMAGE_INDIRECTION,
    image::BUILD_IMAGE_OZ,
    kiwi::KIWI_BUILD,
    maven::CHAIN_MAVEN,
    maven::MAVEN_BUILD,
    maven::WRAPPER_RPM,
    rpm::BUILD,
    rpm::CHAIN_BUILD,
    runroot::RUNROOT,
    windows::WIN_BUILD,
];

/// The options of the request's task.
async fn task_opts(call: &Call, priority: Value, channel: Value) -> Rpc<TaskOpts> {
    let channel = if channel.is_true() { Some(NameOrId::from_arg(channel, "channel")?) } else { None };
    Ok(TaskOpts { priority: relative_priority(call, priority).await?, channel, ..TaskOpts::default() })
}

/// The task of a request for what this hub is made for only if its options say so.
fn assert_enabled(enabled: bool, what: &str) -> Rpc<()> {
    if enabled { Ok(()) } else { Err(error::generic(format!("{what} support not enabled"))) }
}

/// Options as the task gets them: none are an empty struct.
fn options(opts: Value) -> Value {
    if opts.is_true() { opts } else { Value::Struct(Struct::new()) }
}
