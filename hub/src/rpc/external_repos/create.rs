//! `createExternalRepo`.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::value::Record;

use super::store::{self, ExternalRepo};
use super::{Call, Rpc};
use crate::error;
use crate::names;
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};

/// Creates an external repository and returns it: a struct with `id, name, url`.
///
/// The URL may hold `$arch`; it gets a slash at its end. A repository of that name that was deleted gets its id
/// back. Faults: a name that is in use or breaks the rules (1000).
#[rpc("createExternalRepo(name, url)", write, perm = "admin")]
pub async fn create_external_repo(call: &mut Call, name: Value, url: String) -> Rpc<Record> {
    let name = names::text("Name", name)?;
    names::check_internal(&call.hub.options, &name)?;
    let wanted = NameOrId::Name(name.clone());
    if store::find(&call.db, &wanted, None).await?.is_some() {
        return Err(error::generic(format!("There is an external repo {name} already")));
    }
    let id = lookup::get_or_create(&call.db, Table::ExternalRepo, &wanted).await?.id;
    store::open_config(call, id, &url).await?;
    Ok(ExternalRepo { id, name, url: store::with_slash(&url) }.record())
}
