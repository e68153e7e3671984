//! External repositories in the database.

use toji_proto::Struct;
use toji_proto::value::Record;

use crate::db::{Db, Insert, Row, RowExt, Select, in_list};
use crate::error::{self, Error, Rpc};
use crate::rpc::{Call, NameOrId};

/// An external repository that exists or, at an event, existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalRepo {
    pub id: i32,
    pub name: String,
    /// Ends with a slash.
    pub url: String,
}

impl ExternalRepo {
    /// A struct with `id, name, url`.
    pub fn record(&self) -> Record {
        Record::new().set("id", self.id).set("name", &self.name).set("url", &self.url)
    }
}

/// An external repository on a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnTag {
    pub tag_id: i32,
    pub tag_name: String,
    pub repo: ExternalRepo,
    /// Unique within the tag; the lowest comes first.
    pub priority: i32,
    /// One of `REPO_MERGE_MODES`.
    pub merge_mode: String,
    /// Separated by spaces; `None` means all of the tag's.
    pub arches: Option<String>,
}

impl OnTag {
    /// A struct with `tag_id, tag_name, external_repo_id, external_repo_name, url, priority, merge_mode,
    /// arches`.
    pub fn record(&self) -> Struct {
        let record = Record::new()
            .set("tag_id", self.tag_id)
            .set("tag_name", &self.tag_name)
            .set("external_repo_id", self.repo.id)
            .set("external_repo_name", &self.repo.name)
            .set("url", &self.repo.url)
            .set("priority", self.priority)
            .set("merge_mode", &self.merge_mode)
            .set("arches", self.arches.clone());
        record.0
    }
}

/// The columns `id, name, url` of the repositories that exist at the event, or now.
pub fn select(event: Option<i32>) -> Select {
    Select::from("external_repo")
        .join("external_repo_config ON external_repo_config.external_repo_id = external_repo.id")
        .columns(&[("external_repo.id", "id"), ("external_repo.name", "name"), ("external_repo_config.url", "url")])
        .at_event("external_repo_config", event)
        .order("id")
}

/// Only the one that is meant.
pub fn only(select: Select, repo: &NameOrId) -> Select {
    match repo {
        NameOrId::Id(id) => select.clause("external_repo.id = ?", [(*id).into()]),
        NameOrId::Name(name) => select.clause("external_repo.name = ?", [name.clone().into()]),
    }
}

/// The repository, if it exists at the event (or now).
pub async fn find(db: &Db, repo: &NameOrId, event: Option<i32>) -> Rpc<Option<ExternalRepo>> {
    let row = only(select(event), repo).one(db).await?;
    row.map(|row| Ok(ExternalRepo { id: row.int("id")?, name: row.text("name").into(), url: row.text("url").into() }))
        .transpose()
}

/// The repository; a general fault if it does not exist at the event (or now).
pub async fn get(db: &Db, repo: &NameOrId, event: Option<i32>) -> Rpc<ExternalRepo> {
    find(db, repo, event).await?.ok_or_else(|| no_such(repo))
}

/// The fault for a repository that does not exist.
pub fn no_such(repo: &NameOrId) -> Error {
    error::generic(format!("No such external repo: {repo}"))
}

/// The repositories on some tags (or any), all or one of them, at the event (or now), by priority.
pub async fn on_tags(db: &Db, tags: Option<&[i32]>, repo_id: Option<i32>, event: Option<i32>) -> Rpc<Vec<OnTag>> {
    let mut select = Select::from("tag_external_repos")
        .join("tag ON tag.id = tag_external_repos.tag_id")
        .join("external_repo ON external_repo.id = tag_external_repos.external_repo_id")
        .join("external_repo_config ON external_repo_config.external_repo_id = external_repo.id")
        .columns(&[
            ("tag.id", "tag_id"),
            ("tag.name", "tag_name"),
            ("external_repo.id", "external_repo_id"),
            ("external_repo.name", "external_repo_name"),
            ("external_repo_config.url", "url"),
            ("tag_external_repos.priority", "priority"),
            ("tag_external_repos.merge_mode", "merge_mode"),
            ("tag_external_repos.arches", "arches"),
        ])
        .at_event("tag_external_repos", event)
        .at_event("external_repo_config", event)
        .clause_if("external_repo.id = ?", repo_id)
        .order("priority,tag_id");
    if let Some(tags) = tags {
        let (clause, params) = in_list(db.is_postgres(), "tag.id", tags);
        select = select.clause(&clause, params);
    }
    select.all(db).await?.iter().map(on_tag).collect()
}

fn on_tag(row: &Row) -> Rpc<OnTag> {
    Ok(OnTag {
        tag_id: row.int("tag_id")?,
        tag_name: row.text("tag_name").into(),
        repo: ExternalRepo {
            id: row.int("external_repo_id")?,
            name: row.text("external_repo_name").into(),
            url: row.text("url").into(),
        },
        priority: row.int("priority")?,
        merge_mode: row.text("merge_mode").into(),
        arches: row.opt_text("arches").map(Into::into),
    })
}

/// Opens the version of a repository that has this URL.
pub async fn open_config(call: &mut Call, repo_id: i32, url: &str) -> Rpc<()> {
    let config = Insert::into("external_repo_config").set("external_repo_id", repo_id).set("url", with_slash(url));
    call.open_version(config).await
}

/// Revokes the repository's URL: without one it does not exist.
pub async fn revoke_config(call: &mut Call, repo_id: i32) -> Rpc<()> {
    call.revoke_versions("external_repo_config", "external_repo_id = ?", [repo_id.into()]).await?;
    Ok(())
}

/// A URL as it is kept.
pub fn with_slash(url: &str) -> String {
    if url.ends_with('/') { url.into() } else { format!("{url}/") }
}
