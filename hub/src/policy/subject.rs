//! What an evaluation is about: the data's fields, and the users, builds and tags they name.

use std::collections::BTreeSet;

use toji_proto::{FaultCode, Value, ValueExt};

use super::facts::{Build, Buildroot, Facts, Tag, TagTime, User};
use crate::error::{self, Error, Rpc};

/// The data of an evaluation and the facts behind it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub facts: &'a dyn Facts,
}

/// The package in question; it may yet have to be created.
pub(super) struct Package {
    pub name: String,
    pub is_new: bool,
}

impl<'a> Subject<'a> {
    pub fn field(&self, name: &str) -> Option<&'a Value> {
        self.facts.data().get(name)
    }

    /// The elements of a field that is a list; nothing otherwise.
    pub fn elements(&self, field: &str) -> &'a [Value] {
        match self.field(field) {
            Some(Value::Array(items)) => items,
            _ => &[],
        }
    }

    /// The user the data names, or else the caller.
    pub async fn user(&self) -> Rpc<Option<User>> {
        match self.field("user_id") {
            None | Some(Value::Nil) => self.facts.caller().await,
            Some(user) => self.facts.user(user).await,
        }
    }

    /// The build of the data, for tests that cannot do without it.
    pub async fn required_build(&self, what: &str) -> Rpc<Build> {
        let named = match self.field("build") {
            Some(named) if named.is_true() => named,
            _ => return Err(error::generic(format!("the policy needs to know the {what}"))),
        };
        match self.facts.build(named).await? {
            Some(build) => Ok(build),
            None => Err(error::generic(format!("No such build: {}", shown(named)))),
        }
    }

    /// The build of the data. Stock policies answer its absence with an internal fault, not a domain one.
    pub async fn present_build(&self) -> Rpc<Build> {
        let Some(named) = self.field("build") else {
            return Err(unusable("the policy needs to know the build".into()));
        };
        match self.facts.build(named).await? {
            Some(build) => Ok(build),
            None => Err(unusable(format!("no such build: {}", shown(named)))),
        }
    }

    pub async fn package(&self) -> Rpc<Package> {
        let Some(named) = self.field("package") else {
            let name = self.required_build("package").await?.name;
            return Ok(Package { name, is_new: false });
        };
        match (self.facts.package_name(named).await?, named) {
            (Some(name), _) => Ok(Package { name, is_new: false }),
            (None, Value::String(name)) => Ok(Package { name: name.clone(), is_new: true }),
            (None, _) => Err(error::generic(format!("No such package: {}", shown(named)))),
        }
    }

    pub async fn build_source(&self) -> Rpc<Option<String>> {
        if self.field("build").is_none() {
            return Ok(None);
        }
        let build = self.present_build().await?;
        match (build.source, build.task_id) {
            (Some(source), _) => Ok(Some(source)),
            (None, Some(task)) => self.facts.task_source(task).await,
            (None, None) => Ok(None),
        }
    }

    pub async fn build_types(&self) -> Rpc<BTreeSet<String>> {
        if self.field("btypes").is_some() {
            return Ok(self.elements("btypes").iter().flat_map(printed).collect());
        }
        if self.field("build").is_none() {
            return Ok(BTreeSet::new());
        }
        let build = self.required_build("build").await?;
        self.facts.build_types(build.id).await
    }

    /// The buildroots of the data, or else of its build; `None` stands for parts without one.
    async fn buildroots(&self) -> Rpc<BTreeSet<Option<i32>>> {
        if self.field("buildroots").is_some() {
            return self.elements("buildroots").iter().map(buildroot_id).collect();
        }
        if self.field("build").is_none() {
            return Ok(BTreeSet::new());
        }
        let build = self.required_build("build").await?;
        self.facts.build_buildroots(build.id).await
    }

    /// The content generators of the data, or else of the buildroots; `None` stands for parts without one.
    pub async fn content_generators(&self) -> Rpc<BTreeSet<Option<String>>> {
        let mut generators = BTreeSet::new();
        if self.field("cg_list").is_some() {
            for named in self.elements("cg_list") {
                let Some(name) = self.facts.content_generator(named).await? else {
                    return Err(error::generic(format!("No such content generator: {}", shown(named))));
                };
                generators.insert(Some(name));
            }
            return Ok(generators);
        }
        for buildroot in self.buildroots().await? {
            generators.insert(match buildroot {
                Some(id) => self.buildroot(id).await?.content_generator,
                None => None,
            });
        }
        Ok(generators)
    }

    async fn buildroot(&self, id: i32) -> Rpc<Buildroot> {
        self.facts.buildroot(id).await?.ok_or_else(|| error::generic(format!("No such buildroot: {id}")))
    }

    /// The tags that the build is or was made from: those of the data, of the target, or of the buildroots.
    pub async fn build_tags(&self) -> Rpc<Vec<Tag>> {
        if let Some(named) = self.field("build_tag") {
            return Ok(vec![self.existing_tag(named, TagTime::Latest).await?]);
        }
        let mut tags = Vec::new();
        for named in self.elements("build_tags") {
            tags.push(self.existing_tag(named, TagTime::Latest).await?);
        }
        if tags.is_empty()
            && let Some(target) = self.field("target").filter(|target| target.is_true())
            && let Some(tag_id) = self.facts.target_build_tag(target).await?
        {
            tags.push(self.existing_tag(&Value::Integer(tag_id), TagTime::Latest).await?);
        }
        if tags.is_empty() {
            for id in self.buildroots().await?.into_iter().flatten() {
                if let Some((name, event)) = self.buildroot(id).await?.tag {
                    tags.push(self.existing_tag(&Value::String(name), TagTime::Event(event)).await?);
                }
            }
        }
        Ok(tags)
    }

    async fn existing_tag(&self, named: &Value, time: TagTime) -> Rpc<Tag> {
        let tag = self.facts.tag(named, time).await?;
        tag.ok_or_else(|| error::generic(format!("No such tag: {}", shown(named))))
    }

    /// The tag in a field; `None` if there is no such field, its value is nil, or no such tag exists.
    pub async fn tag_in(&self, field: &str) -> Rpc<Option<Tag>> {
        match self.field(field) {
            None | Some(Value::Nil) => Ok(None),
            Some(named) => self.facts.tag(named, TagTime::Now).await,
        }
    }

    pub async fn owns_sidetags(&self, fields: &[&str]) -> Rpc<bool> {
        let user = self.user().await?;
        for field in fields {
            let Some(tag) = self.tag_in(field).await? else { return Ok(false) };
            if !is_sidetag(&tag) {
                return Ok(false);
            }
            let owner = tag.extra.get("sidetag_user_id");
            let is_owner = user.as_ref().is_some_and(|user| owner == Some(&Value::Integer(user.id)));
            if !is_owner && !self.caller_is_admin().await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn caller_is_admin(&self) -> Rpc<bool> {
        match self.facts.caller().await? {
            Some(caller) => Ok(self.facts.user_permissions(caller.id).await?.contains("admin")),
            None => Ok(false),
        }
    }

    /// The user, if the policy may be overridden for them.
    pub async fn admin(&self) -> Rpc<Option<User>> {
        match self.user().await? {
            Some(user) if self.facts.user_permissions(user.id).await?.contains("admin") => Ok(Some(user)),
            _ => Ok(None),
        }
    }
}

pub(super) fn is_sidetag(tag: &Tag) -> bool {
    tag.extra.get("sidetag").is_some_and(ValueExt::is_true)
}

/// Data that a test cannot work with: the stock hub fails with an internal fault there.
pub(super) fn unusable(text: String) -> Error {
    Error::Fault { code: FaultCode::Internal, text }
}

fn buildroot_id(value: &Value) -> Rpc<Option<i32>> {
    match value {
        Value::Integer(id) => Ok(Some(*id)),
        Value::Nil => Ok(None),
        _ => Err(error::param("policy data buildroots is not a list of ids")),
    }
}

/// An element of a list as globs see it; nil is none.
pub(super) fn printed(value: &Value) -> Option<String> {
    match value {
        Value::Nil => None,
        _ => Some(shown(value)),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.repr().to_string(),
    }
}
