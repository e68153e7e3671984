//! What a task's request tells to the policies that are asked about it.

use toji_proto::tasks::parse_task_params;
use toji_proto::{Struct, Value, ValueExt};

use crate::db::Db;
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{FromArg, NameOrId};

/// The data of a task of this kind with these parameters: `source`, `target`, `tag`,
/// `build_tag` and `scratch`, as far as its kind has them.
///
/// Targets and tags are given by name; a target that does not exist is nil, a tag that
/// does not exist is left out. A kind nobody knows, or a request that does not fit its
/// kind, tells nothing. Fault 1019 if the source is no text.
pub async fn task_data(db: &Db, kind: &str, params: &[Value]) -> Rpc<Struct> {
    let mut data = Struct::new();
    let mut params = match parse_task_params(kind, params) {
        Ok(params) => params,
        Err(why) => {
            tracing::warn!("policies learn nothing of a task: {why}");
            return Ok(data);
        }
    };
    let options = match params.get("opts") {
        Some(Value::Struct(options)) => options.clone(),
        _ => Struct::new(),
    };
    if kind == "indirectionimage" {
        // All that this kind is told stands in its options.
        params = options.clone();
    }
    let first = |names: &[&str]| names.iter().find_map(|name| params.get(*name));

    // newRepo's `src` says whether sources belong into the repository.
    if kind != "newRepo"
        && let Some(source) = first(&["src", "spec_url", "url"])
    {
        let Value::String(_) = source else {
            return Err(error::param(format!("the source of a {kind} task is no text: {}", source.repr())));
        };
        data.insert("source".into(), source.clone());
    }
    if let Some(target) = first(&["target", "build_target", "target_info"]) {
        let name = name_of(db, Table::Target, target).await?;
        data.insert("target".into(), name.map_or(Value::Nil, Value::String));
    }
    for (field, names) in [("tag", &["tag", "tag_id", "tag_info"][..]), ("build_tag", &["build_tag"])] {
        if let Some(tag) = first(names)
            && let Some(name) = name_of(db, Table::Tag, tag).await?
        {
            data.insert(field.into(), Value::String(name));
        }
    }
    if let Some(scratch) = options.get("scratch") {
        data.insert("scratch".into(), scratch.clone());
    }
    Ok(data)
}

/// The name of what a parameter names, if there is such a thing.
async fn name_of(db: &Db, table: Table, value: &Value) -> Rpc<Option<String>> {
    let found = match NameOrId::from_arg(value.clone(), table.name()) {
        Ok(named) => lookup::find(db, table, &named).await?,
        Err(_) => None,
    };
    if found.is_none() && !value.is_nil() {
        tracing::warn!("a task names no {}: {}", table.name(), value.repr());
    }
    Ok(found.map(|found| found.name))
}
