//! What policy tests ask of the world.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use toji_proto::{Struct, Value};

use crate::error::Rpc;

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: i32,
    pub name: String,
}

/// What tests want to know of a build.
#[derive(Clone, Debug, Default)]
pub struct Build {
    pub id: i32,
    /// Its package.
    pub name: String,
    pub version: String,
    pub release: String,
    pub owner_id: i32,
    pub volume: String,
    pub draft: bool,
    pub source: Option<String>,
    pub task_id: Option<i32>,
}

/// A tag as it is, or as it was at `event`.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    pub id: i32,
    pub name: String,
    pub extra: Struct,
    /// The event it was looked up at, if not now.
    pub event: Option<i32>,
}

/// When to look a tag up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagTime {
    /// Only if it exists now.
    Now,
    /// As it is now or, if it was deleted, as it last was.
    Latest,
    /// As it was after this event.
    Event(i32),
}

/// Where a part of a build was made.
#[derive(Clone, Debug, Default)]
pub struct Buildroot {
    /// Its content generator, if one made it.
    pub content_generator: Option<String>,
    /// Its tag, and the event of the repository it was made from.
    pub tag: Option<(String, i32)>,
}

/// The questions that policy tests ask, each only when a test needs its answer.
///
/// A `Value` names something the way clients do: by id, by name, or by a struct of
/// either. Nothing found is `None`; a `Value` that cannot name such a thing is a fault.
#[async_trait]
pub trait Facts: Send + Sync {
    /// What the caller of the policy tells, under the stock keys: `user_id`, `package`,
    /// `tag`, `fromtag`, `build`, `operation`, `req_channel`, `method`, `source`, `target`, …
    fn data(&self) -> &Struct;

    /// The logged-in user, if there is one.
    async fn caller(&self) -> Rpc<Option<User>>;

    /// A user or group.
    async fn user(&self, user: &Value) -> Rpc<Option<User>>;

    /// The groups a user is a member of: names by id.
    async fn user_groups(&self, user_id: i32) -> Rpc<BTreeMap<i32, String>>;

    /// The names of a user's permissions, those through groups included.
    async fn user_permissions(&self, user_id: i32) -> Rpc<BTreeSet<String>>;

    /// The name of a package.
    async fn package_name(&self, package: &Value) -> Rpc<Option<String>>;

    /// A build, also by NVR.
    async fn build(&self, build: &Value) -> Rpc<Option<Build>>;

    /// The names of the tags a build is tagged with now.
    async fn build_tags(&self, build_id: i32) -> Rpc<BTreeSet<String>>;

    /// The names of a build's types: rpm, maven, win, image, …
    async fn build_types(&self, build_id: i32) -> Rpc<BTreeSet<String>>;

    /// The buildroots of a build's RPMs and archives; `None` stands for parts without one.
    async fn build_buildroots(&self, build_id: i32) -> Rpc<BTreeSet<Option<i32>>>;

    /// A buildroot.
    async fn buildroot(&self, buildroot_id: i32) -> Rpc<Option<Buildroot>>;

    /// The name of a content generator.
    async fn content_generator(&self, generator: &Value) -> Rpc<Option<String>>;

    /// The name of a volume.
    async fn volume_name(&self, volume: &Value) -> Rpc<Option<String>>;

    /// A tag.
    async fn tag(&self, tag: &Value, time: TagTime) -> Rpc<Option<Tag>>;

    /// The names of all tags that a tag inherits from, itself not included.
    async fn tag_ancestors(&self, tag_id: i32, event: Option<i32>) -> Rpc<Vec<String>>;

    /// The id of a target's build tag.
    async fn target_build_tag(&self, target: &Value) -> Rpc<Option<i32>>;

    /// What a build task was given as source, if its kind has one.
    async fn task_source(&self, task_id: i32) -> Rpc<Option<String>>;
}
