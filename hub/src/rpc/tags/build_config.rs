//! `getBuildConfig`.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::value::Record;
use toji_proto::{Value, value};

use super::store::{self, Tag, When};
use super::{Call, Rpc, inheritance};
use crate::db::Db;
use crate::rpc::NameOrId;

/// A tag's configuration with what it inherits: a struct as of `getTag`, and `config_inheritance` that tells
/// where `arches` (nil: its own) and each setting in `extra` came from, as structs with `id` and `name`.
///
/// Faults: a tag that does not exist (1000).
#[rpc("getBuildConfig(tag, event=None)", read)]
pub async fn get_build_config(call: &mut Call, tag: NameOrId, event: When) -> Rpc<Record> {
    let own = store::get(&call.db, &tag, event).await?;
    let config = inherited(&call.db, own).await?;
    let sources = config.extra_from.iter().map(|(key, from)| (key.clone(), from.value()));
    let sources = value!({
        "arches": config.arches_from.as_ref().map(Source::value),
        "extra": Value::Struct(sources.collect()),
    });
    Ok(config.tag.record().set("config_inheritance", sources))
}

/// A tag with its inherited arches and settings filled in.
pub struct BuildConfig {
    /// `extra` also has what is inherited; inherited blocks, too, hide what lies beyond them.
    pub tag: Tag,
    /// The tag that the arches were inherited from.
    pub arches_from: Option<Source>,
    /// The tags that settings and blocks were inherited from, by key.
    pub extra_from: BTreeMap<String, Source>,
}

/// Where something was inherited from.
#[derive(Clone)]
pub struct Source {
    pub id: i32,
    pub name: String,
}

impl Source {
    fn value(&self) -> Value {
        value!({ "id": self.id, "name": &self.name })
    }
}

/// Fills in what the tag inherits, as of the event that it was looked up at. Links without configuration are
/// passed over.
pub async fn inherited(db: &Db, tag: Tag) -> Rpc<BuildConfig> {
    let event = tag.query_event;
    let steps = inheritance::order(db, tag.id, event).await?;
    let parents: Vec<i32> = steps.iter().filter(|s| !s.link.noconfig).map(|s| s.link.parent_id).collect();
    let ancestors = store::many(db, &parents, event).await?;
    let mut config = BuildConfig { tag, arches_from: None, extra_from: BTreeMap::new() };
    for parent in &parents {
        let ancestor = ancestors.get(parent).ok_or_else(|| store::no_such(&NameOrId::Id(*parent)))?;
        config.inherit(ancestor);
    }
    Ok(config)
}

impl BuildConfig {
    fn inherit(&mut self, ancestor: &Tag) {
        let source = Source { id: ancestor.id, name: ancestor.name.clone() };
        if self.tag.arches.is_none() && ancestor.arches.is_some() {
            self.tag.arches.clone_from(&ancestor.arches);
            self.arches_from = Some(source.clone());
        }
        for (key, extra) in &ancestor.extra {
            if !self.tag.extra.contains_key(key) {
                self.tag.extra.insert(key.clone(), extra.clone());
                self.extra_from.insert(key.clone(), source.clone());
            }
        }
    }
}
