//! `createBuildTarget`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::{Call, Rpc, store};
use crate::error;
use crate::names;
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};

/// Creates a build target. One of that name that was deleted gets its id back.
///
/// Faults: a name that is in use or breaks the rules, a tag that does not exist (1000).
#[rpc("createBuildTarget(name, build_tag, dest_tag)", write, perm = "target")]
pub async fn create_build_target(call: &mut Call, name: Value, build_tag: NameOrId, dest_tag: NameOrId) -> Rpc<()> {
    let name = names::text("Name", name)?;
    names::check_internal(&call.hub.options, &name)?;
    let target = NameOrId::Name(name.clone());
    if store::find(&call.db, &target, None).await?.is_some() {
        return Err(error::generic(format!("There is a build target {name} already")));
    }
    let (build_tag, dest_tag) = store::tags(&call.db, &build_tag, &dest_tag).await?;
    let id = lookup::get_or_create(&call.db, Table::Target, &target).await?.id;
    store::write_config(call, id, build_tag.id, dest_tag.id).await
}
