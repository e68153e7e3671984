//! Tags in the database.

use std::collections::BTreeMap;

use toji_proto::json::to_json_text;
use toji_proto::value::Record;
use toji_proto::{IntoValue, Value, ValueExt};

use crate::db::{Db, Insert, Kind, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg, NameOrId};

/// When to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Now,
    /// After this event.
    Event(i32),
    /// Now or, if the tag was deleted, as it last was.
    Latest,
}

impl From<Option<i32>> for When {
    fn from(event: Option<i32>) -> Self {
        event.map_or(Self::Now, Self::Event)
    }
}

impl FromArg for When {
    fn from_arg(value: Value, _: &str) -> Rpc<Self> {
        match value {
            Value::Nil => Ok(Self::Now),
            Value::Integer(event) => Ok(Self::Event(event)),
            Value::String(word) if word == "auto" => Ok(Self::Latest),
            other => Err(error::generic(format!("Invalid event: {}", other.repr()))),
        }
    }
}

/// A setting of a tag's `extra`: a value, or a block that hides an inherited one.
#[derive(Clone, Debug, PartialEq)]
pub enum Extra {
    Set(Value),
    Blocked,
}

/// A tag that exists or, at an event, existed.
#[derive(Clone, Debug)]
pub struct Tag {
    pub id: i32,
    pub name: String,
    /// The permission that tagging builds needs.
    pub perm_id: Option<i32>,
    pub perm: Option<String>,
    /// Separated by spaces; `None` inherits them.
    pub arches: Option<String>,
    pub locked: bool,
    pub maven_support: bool,
    pub maven_include_all: bool,
    /// Its own settings, blocks included.
    pub extra: BTreeMap<String, Extra>,
    /// The event it was looked up at, if not now.
    pub query_event: Option<i32>,
    /// When it was deleted; only if `When::Latest` found a deleted tag.
    pub revoke_event: Option<i32>,
}

impl Tag {
    /// Its own settings as clients know them, without blocks.
    pub fn settings(&self) -> BTreeMap<String, Value> {
        let set = self.extra.iter().filter_map(|(key, extra)| match extra {
            Extra::Set(value) => Some((key.clone(), value.clone())),
            Extra::Blocked => None,
        });
        set.collect()
    }

    /// A struct with `id, name, perm_id, perm, arches, locked, maven_support, maven_include_all, extra`, and
    /// `query_event` and `revoke_event` if there are any.
    pub fn record(&self) -> Record {
        self.record_with(Value::Struct(self.settings()))
    }

    /// The same with blocks shown: `extra` has pairs of blocked and value.
    pub fn record_with_blocks(&self) -> Record {
        let extra = self.extra.iter().map(|(key, extra)| match extra {
            Extra::Set(value) => (key.clone(), (false, value.clone()).into_value()),
            Extra::Blocked => (key.clone(), (true, Value::Nil).into_value()),
        });
        self.record_with(Value::Struct(extra.collect()))
    }

    fn record_with(&self, extra: Value) -> Record {
        Record::new()
            .set("id", self.id)
            .set("name", &self.name)
            .set("perm_id", self.perm_id)
            .set("perm", self.perm.clone())
            .set("arches", self.arches.clone())
            .set("locked", self.locked)
            .set("maven_support", self.maven_support)
            .set("maven_include_all", self.maven_include_all)
            .set("extra", extra)
            .set_some("query_event", self.query_event)
            .set_some("revoke_event", self.revoke_event)
    }
}

/// The tag, if it exists at that time.
pub async fn find(db: &Db, tag: &NameOrId, when: When) -> Rpc<Option<Tag>> {
    let (event, revoke_event) = match when {
        When::Now => (None, None),
        When::Event(event) => (Some(event), None),
        When::Latest => {
            let revoked = last_revoked(db, tag).await?;
            (revoked.map(|event| event - 1), revoked)
        }
    };
    let Some(row) = named(configs(event), tag).one(db).await? else { return Ok(None) };
    let mut found = tag_of(&row, event)?;
    found.revoke_event = revoke_event;
    found.extra = extras(db, &[found.id], event).await?.remove(&found.id).unwrap_or_default();
    Ok(Some(found))
}

/// The tag; a general fault if it does not exist at that time.
pub async fn get(db: &Db, tag: &NameOrId, when: When) -> Rpc<Tag> {
    find(db, tag, when).await?.ok_or_else(|| no_such(tag))
}

/// Those of the tags that exist at the event (or now), by id.
pub async fn many(db: &Db, ids: &[i32], event: Option<i32>) -> Rpc<BTreeMap<i32, Tag>> {
    let rows = configs(event).is_in(db, "tag.id", ids).all(db).await?;
    let mut extras = extras(db, ids, event).await?;
    rows.iter()
        .map(|row| {
            let mut tag = tag_of(row, event)?;
            tag.extra = extras.remove(&tag.id).unwrap_or_default();
            Ok((tag.id, tag))
        })
        .collect()
}

/// The fault for a tag that does not exist.
pub fn no_such(tag: &NameOrId) -> error::Error {
    error::generic(format!("No such tag: {tag}"))
}

/// Sets or blocks an extra setting; the version before it is revoked.
pub async fn write_extra(call: &mut Call, tag_id: i32, key: &str, extra: &Extra) -> Rpc<()> {
    revoke_extra(call, tag_id, key).await?;
    let text = match extra {
        Extra::Set(value) => Some(to_json_text(value)),
        Extra::Blocked => None,
    };
    call.open_version(Insert::into("tag_extra").set("tag_id", tag_id).set("key", key).set("value", text)).await
}

/// Takes an extra setting, or a block, away.
pub async fn revoke_extra(call: &mut Call, tag_id: i32, key: &str) -> Rpc<()> {
    call.revoke_versions("tag_extra", "tag_id = ? AND key = ?", [tag_id.into(), key.into()]).await?;
    Ok(())
}

/// When the latest configuration of a tag was revoked, if it was.
async fn last_revoked(db: &Db, tag: &NameOrId) -> Rpc<Option<i32>> {
    let select = Select::from("tag_config")
        .join("tag ON tag.id = tag_config.tag_id")
        .columns(&[("revoke_event", "revoke_event"), ("create_event", "create_event")])
        .order("-create_event");
    Ok(named(select, tag).one(db).await?.and_then(|row| row.opt_int("revoke_event")))
}

fn named(select: Select, tag: &NameOrId) -> Select {
    match tag {
        NameOrId::Id(id) => select.clause("tag.id = ?", [(*id).into()]),
        NameOrId::Name(name) => select.clause("tag.name = ?", [name.clone().into()]),
    }
}

fn configs(event: Option<i32>) -> Select {
    Select::from("tag_config")
        .join("tag ON tag.id = tag_config.tag_id")
        .join("LEFT JOIN permissions ON permissions.id = tag_config.perm_id")
        .columns(&[
            ("tag.id", "id"),
            ("tag.name", "name"),
            ("tag_config.perm_id", "perm_id"),
            ("permissions.name", "perm"),
            ("tag_config.arches", "arches"),
            ("tag_config.locked", "locked"),
            ("tag_config.maven_support", "maven_support"),
            ("tag_config.maven_include_all", "maven_include_all"),
        ])
        .at_event("tag_config", event)
}

fn tag_of(row: &Row, event: Option<i32>) -> Rpc<Tag> {
    Ok(Tag {
        id: row.int("id")?,
        name: row.text("name").into(),
        perm_id: row.opt_int("perm_id"),
        perm: row.opt_text("perm").map(Into::into),
        arches: row.opt_text("arches").map(Into::into),
        locked: row.is("locked"),
        maven_support: row.is("maven_support"),
        maven_include_all: row.is("maven_include_all"),
        extra: BTreeMap::new(),
        query_event: event,
        revoke_event: None,
    })
}

async fn extras(db: &Db, ids: &[i32], event: Option<i32>) -> Rpc<BTreeMap<i32, BTreeMap<String, Extra>>> {
    let rows = Select::from("tag_extra")
        .columns(&[("tag_id", "tag_id"), ("key", "key")])
        .column_as("value IS NULL", "blocked", Kind::Bool)
        .column_as("value", "value", Kind::Json)
        .is_in(db, "tag_id", ids)
        .at_event("tag_extra", event)
        .all(db)
        .await?;
    let mut extras: BTreeMap<i32, BTreeMap<String, Extra>> = BTreeMap::new();
    for mut row in rows {
        let value = row.remove("value").unwrap_or(Value::Nil);
        let extra = if row.is("blocked") { Extra::Blocked } else { Extra::Set(value) };
        extras.entry(row.int("tag_id")?).or_default().insert(row.text("key").into(), extra);
    }
    Ok(extras)
}
