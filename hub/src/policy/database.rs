//! The facts of a call, from the database.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use toji_proto::nvr::Nvr;
use toji_proto::xmlrpc::read_call_text;
use toji_proto::{Struct, Value, ValueExt};

use super::Verdict;
use super::facts::{Build, Buildroot, Facts, Tag, TagTime, User};
use crate::db::{Db, Kind, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::inheritance;
use crate::rpc::{Call, FromArg, NameOrId, groups_of, permissions_of};

/// Answers a policy's questions within a call's transaction.
pub struct CallFacts<'a> {
    db: &'a Db,
    caller: Option<User>,
    data: Struct,
}

impl<'a> CallFacts<'a> {
    pub fn new(call: &'a Call, data: Struct) -> Self {
        let caller = call.identity.user().map(|session| User { id: session.user_id, name: session.user_name.clone() });
        CallFacts { db: &call.db, caller, data }
    }
}

impl Call {
    /// What a policy says of the data; `None` if no rule applies.
    pub async fn apply_policy(&self, name: &str, data: Struct) -> Rpc<Option<Verdict>> {
        self.hub.policies.apply(name, &CallFacts::new(self, data)).await
    }

    /// Refuses what a policy does not allow; no matching rule means no. An admin may `force` it.
    pub async fn assert_policy(&self, name: &str, data: Struct, force: bool) -> Rpc<()> {
        self.hub.policies.assert(name, &CallFacts::new(self, data), "deny", force).await
    }
}

#[async_trait]
impl Facts for CallFacts<'_> {
    fn data(&self) -> &Struct {
        &self.data
    }

    async fn caller(&self) -> Rpc<Option<User>> {
        Ok(self.caller.clone())
    }

    async fn user(&self, user: &Value) -> Rpc<Option<User>> {
        let select = Select::from("users").columns(&[("id", "id"), ("name", "name")]).order("id");
        let select = match NameOrId::from_arg(user.clone(), "user_id")? {
            NameOrId::Id(id) => select.clause("id = ?", [id.into()]),
            NameOrId::Name(name) => select.clause(
                "name = ? OR id IN (SELECT user_id FROM user_krb_principals WHERE krb_principal = ?)",
                [name.clone().into(), name.into()],
            ),
        };
        let row = select.one(self.db).await?;
        row.map(|row| Ok(User { id: row.int("id")?, name: row.text("name").into() })).transpose()
    }

    async fn user_groups(&self, user_id: i32) -> Rpc<BTreeMap<i32, String>> {
        groups_of(self.db, user_id).await
    }

    async fn user_permissions(&self, user_id: i32) -> Rpc<BTreeSet<String>> {
        Ok(permissions_of(self.db, user_id).await?.into_iter().collect())
    }

    async fn package_name(&self, package: &Value) -> Rpc<Option<String>> {
        self.name_in(Table::Package, package, "package").await
    }

    async fn build(&self, build: &Value) -> Rpc<Option<Build>> {
        let select = Select::from("build")
            .join("package ON package.id = build.pkg_id")
            .join("volume ON volume.id = build.volume_id")
            .columns(&[
                ("build.id", "id"),
                ("package.name", "name"),
                ("build.version", "version"),
                ("build.release", "release"),
                ("build.owner", "owner"),
                ("volume.name", "volume"),
                ("build.draft", "draft"),
                ("build.source", "source"),
                ("build.task_id", "task_id"),
            ])
            .column_as("build.extra", "extra", Kind::Json);
        let select = match build_key(build)? {
            BuildKey::Id(id) => select.clause("build.id = ?", [id.into()]),
            BuildKey::Nvr { name, version, release } => select.clause(
                "package.name = ? AND build.version = ? AND build.release = ?",
                [name.into(), version.into(), release.into()],
            ),
        };
        select.one(self.db).await?.as_ref().map(build_of).transpose()
    }

    async fn build_tags(&self, build_id: i32) -> Rpc<BTreeSet<String>> {
        let names = Select::from("tag_listing")
            .join("tag ON tag.id = tag_listing.tag_id")
            .column("tag.name", "name")
            .at_event("tag_listing", None)
            .clause("build_id = ?", [build_id.into()])
            .values(self.db)
            .await?;
        Ok(names.into_iter().collect())
    }

    async fn build_types(&self, build_id: i32) -> Rpc<BTreeSet<String>> {
        let mut types = self
            .db
            .values(
                "SELECT name FROM btype JOIN build_types ON btype_id = btype.id WHERE build_id = ?",
                vec![build_id.into()],
            )
            .await?;
        // Builds from before there were types are known by these tables only.
        for (kind, table) in [("maven", "maven_builds"), ("win", "win_builds"), ("image", "image_builds")] {
            let sql = format!("SELECT build_id FROM {table} WHERE build_id = ?");
            if self.db.exists(&sql, vec![build_id.into()]).await? {
                types.push(kind.to_owned());
            }
        }
        Ok(types.into_iter().collect())
    }

    async fn build_buildroots(&self, build_id: i32) -> Rpc<BTreeSet<Option<i32>>> {
        let sql = "SELECT buildroot_id FROM rpminfo WHERE build_id = ? \
             UNION SELECT buildroot_id FROM archiveinfo WHERE build_id = ?";
        let ids = self.db.values::<Option<i32>>(sql, vec![build_id.into(), build_id.into()]).await?;
        Ok(ids.into_iter().collect())
    }

    async fn buildroot(&self, buildroot_id: i32) -> Rpc<Option<Buildroot>> {
        let row = Select::from("buildroot")
            .join("LEFT JOIN content_generator ON content_generator.id = buildroot.cg_id")
            .join("LEFT JOIN standard_buildroot ON standard_buildroot.buildroot_id = buildroot.id")
            .join("LEFT JOIN repo ON repo.id = standard_buildroot.repo_id")
            .join("LEFT JOIN tag ON tag.id = repo.tag_id")
            .columns(&[("content_generator.name", "cg"), ("tag.name", "tag"), ("repo.create_event", "event")])
            .clause("buildroot.id = ?", [buildroot_id.into()])
            .one(self.db)
            .await?;
        Ok(row.map(|row| Buildroot {
            content_generator: row.opt_text("cg").map(str::to_owned),
            tag: row.opt_text("tag").map(str::to_owned).zip(row.opt_int("event")),
        }))
    }

    async fn content_generator(&self, generator: &Value) -> Rpc<Option<String>> {
        self.name_in(Table::ContentGenerator, generator, "cg_list").await
    }

    async fn volume_name(&self, volume: &Value) -> Rpc<Option<String>> {
        self.name_in(Table::Volume, volume, "volume").await
    }

    async fn tag(&self, tag: &Value, time: TagTime) -> Rpc<Option<Tag>> {
        let named = NameOrId::from_arg(tag.clone(), "tag")?;
        let Some(found) = lookup::find(self.db, Table::Tag, &named).await? else { return Ok(None) };
        let event = match time {
            TagTime::Now => None,
            TagTime::Event(event) => Some(event),
            TagTime::Latest => self.last_event_of_tag(found.id).await?,
        };
        let exists = Select::from("tag_config")
            .column("tag_id", "tag_id")
            .at_event("tag_config", event)
            .clause("tag_id = ?", [found.id.into()])
            .one(self.db)
            .await?;
        if exists.is_none() {
            return Ok(None);
        }
        Ok(Some(Tag { id: found.id, name: found.name, extra: self.tag_extra(found.id, event).await?, event }))
    }

    async fn tag_ancestors(&self, tag_id: i32, event: Option<i32>) -> Rpc<Vec<String>> {
        let steps = inheritance::order(self.db, tag_id, event).await?;
        Ok(steps.into_iter().map(|step| step.link.name).collect())
    }

    async fn target_build_tag(&self, target: &Value) -> Rpc<Option<i32>> {
        let named = NameOrId::from_arg(target.clone(), "target")?;
        let Some(found) = lookup::find(self.db, Table::Target, &named).await? else { return Ok(None) };
        Select::from("build_target_config")
            .column("build_tag", "build_tag")
            .at_event("build_target_config", None)
            .clause("build_target_id = ?", [found.id.into()])
            .value(self.db)
            .await
    }

    async fn task_source(&self, task_id: i32) -> Rpc<Option<String>> {
        let row = self.db.row("SELECT method, request FROM task WHERE id = ?", vec![task_id.into()]).await?;
        let Some(row) = row else { return Err(error::generic(format!("No such task: {task_id}"))) };
        let kind = row.text("method");
        let parsed = read_call_text(row.text("request"))
            .map_err(|why| why.to_string())
            .and_then(|call| toji_proto::tasks::parse_task_params(kind, &call.params).map_err(|why| why.to_string()));
        let params = match parsed {
            Ok(params) => params,
            Err(why) => return Err(error::generic(format!("the request of task {task_id} is unusable: {why}"))),
        };
        let names: &[&str] = match kind {
            "winbuild" => &["source_url"],
            "wrapperRPM" => &["spec_url"],
            "indirectionimage" => &[],
            _ => &["src", "url"],
        };
        let source = names.iter().find_map(|name| params.get(*name));
        Ok(source.and_then(Value::as_str).map(str::to_owned))
    }
}

impl CallFacts<'_> {
    async fn name_in(&self, table: Table, value: &Value, argument: &str) -> Rpc<Option<String>> {
        let named = NameOrId::from_arg(value.clone(), argument)?;
        Ok(lookup::find(self.db, table, &named).await?.map(|found| found.name))
    }

    /// The last event at which a deleted tag existed; `None` for one that exists.
    async fn last_event_of_tag(&self, tag_id: i32) -> Rpc<Option<i32>> {
        let sql = "SELECT revoke_event FROM tag_config WHERE tag_id = ? ORDER BY create_event DESC LIMIT 1";
        let revoked: Option<i32> = self.db.value(sql, vec![tag_id.into()]).await?;
        Ok(revoked.map(|event| event - 1))
    }

    /// A tag's own extra settings; blocked ones are left out.
    async fn tag_extra(&self, tag_id: i32, event: Option<i32>) -> Rpc<Struct> {
        let rows = Select::from("tag_extra")
            .column("key", "key")
            .column_as("value", "value", Kind::Json)
            .at_event("tag_extra", event)
            .clause("tag_id = ? AND value IS NOT NULL", [tag_id.into()])
            .all(self.db)
            .await?;
        let entry = |mut row: Row| (row.text("key").to_owned(), row.remove("value").unwrap_or(Value::Nil));
        Ok(rows.into_iter().map(entry).collect())
    }
}

/// What a build is called.
enum BuildKey {
    Id(i32),
    Nvr { name: String, version: String, release: String },
}

/// An id, an NVR, or a struct of name, version and release.
fn build_key(build: &Value) -> Rpc<BuildKey> {
    match build {
        Value::Integer(id) => Ok(BuildKey::Id(*id)),
        Value::String(text) => {
            let nvr = Nvr::parse(text).map_err(|why| error::generic(why.to_string()))?;
            Ok(BuildKey::Nvr { name: nvr.name, version: nvr.version, release: nvr.release })
        }
        Value::Struct(fields) => {
            let part = |name: &str| match fields.get(name) {
                Some(Value::String(text)) => Ok(text.clone()),
                _ => Err(error::generic(format!("a build needs name, version and release: {}", build.repr()))),
            };
            Ok(BuildKey::Nvr { name: part("name")?, version: part("version")?, release: part("release")? })
        }
        _ => Err(error::generic(format!("a build is an id or an NVR, not {}", build.repr()))),
    }
}

fn build_of(row: &Row) -> Rpc<Build> {
    // Where OSBS kept the task, before builds of content generators had one.
    let osbs_task =
        || row.get("extra").and_then(|extra| extra.get("container_koji_task_id"))?.as_i64()?.try_into().ok();
    Ok(Build {
        id: row.int("id")?,
        name: row.text("name").into(),
        version: row.text("version").into(),
        release: row.text("release").into(),
        owner_id: row.int("owner")?,
        volume: row.text("volume").into(),
        draft: row.is("draft"),
        source: row.opt_text("source").map(str::to_owned),
        task_id: row.opt_int("task_id").or_else(osbs_task),
    })
}

#[cfg(test)]
mod tests;
