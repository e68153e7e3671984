//! `repo.getExternalRepoData` and `repo.setExternalRepoData`: what is known of a repository's state elsewhere.

use toji_hub_macros::rpc;
use toji_proto::json::to_json;
use toji_proto::{Value, ValueExt};

use super::{Call, Rpc};
use crate::db::{Insert, Kind, Select};
use crate::error;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{NameOrId, Struct};

/// What was last noted of an external repository's state: a struct, nil if nothing was.
///
/// Faults: a repository that never was (1000).
#[rpc("repo.getExternalRepoData(erepo)", read)]
pub async fn get_external_repo_data(call: &mut Call, repo: NameOrId) -> Rpc<Value> {
    let repo = lookup::get(&call.db, Table::ExternalRepo, &repo).await?;
    let row = Select::from("external_repo_data")
        .column_as("data", "data", Kind::Json)
        .clause("external_repo_id = ?", [repo.id.into()])
        .at_event("external_repo_data", None)
        .one(&call.db)
        .await?;
    Ok(row.and_then(|mut row| row.remove("data")).unwrap_or(Value::Nil))
}

/// Notes an external repository's state: a struct, or a list of pairs of names and values.
///
/// Faults: a repository that never was (1000), data that is no struct (1019).
#[rpc("repo.setExternalRepoData(external_repo_id, data)", write, perm = "repo")]
pub async fn set_external_repo_data(call: &mut Call, repo: NameOrId, data: Value) -> Rpc<()> {
    let repo = lookup::get(&call.db, Table::ExternalRepo, &repo).await?;
    let data = Value::Struct(struct_of(data)?);
    call.revoke_versions("external_repo_data", "external_repo_id = ?", [repo.id.into()]).await?;
    let entry = Insert::into("external_repo_data").set("external_repo_id", repo.id).set("data", to_json(&data));
    call.open_version(entry).await
}

fn struct_of(data: Value) -> Rpc<Struct> {
    let wrong = || error::param(format!("The data of an external repo must be a struct, not {}", data.repr()));
    match &data {
        Value::Struct(data) => Ok(data.clone()),
        Value::Array(pairs) => {
            let pair = |pair: &Value| match pair.as_array() {
                Some([Value::String(name), value]) => Some((name.clone(), value.clone())),
                _ => None,
            };
            pairs.iter().map(pair).collect::<Option<Struct>>().ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}
