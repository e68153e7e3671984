//! `editExternalRepo`.

use toji_hub_macros::rpc;

use super::store;
use super::{Call, Rpc};
use crate::db::Update;
use crate::error;
use crate::names;
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};

/// Changes an external repository's name, in all of its history, or its URL. What is nil or empty stays.
///
/// Faults: a repository that does not exist, a name that belongs to another (even to a deleted one) or breaks
/// the rules (1000).
#[rpc("editExternalRepo(info, name=None, url=None)", write, perm = "admin")]
pub async fn edit_external_repo(call: &mut Call, repo: NameOrId, name: Option<String>, url: Option<String>) -> Rpc<()> {
    let repo = store::get(&call.db, &repo, None).await?;
    if let Some(name) = name.filter(|name| !name.is_empty() && *name != repo.name) {
        names::check_internal(&call.hub.options, &name)?;
        let taken = lookup::find(&call.db, Table::ExternalRepo, &NameOrId::Name(name.clone())).await?;
        if let Some(other) = taken {
            return Err(error::generic(format!("The name {name} belongs to another external repo ({})", other.id)));
        }
        Update::table("external_repo").set("name", name).clause("id = ?", [repo.id.into()]).run(&call.db).await?;
    }
    if let Some(url) = url.filter(|url| !url.is_empty() && *url != repo.url) {
        store::revoke_config(call, repo.id).await?;
        store::open_config(call, repo.id, &url).await?;
    }
    Ok(())
}
