//! `editBuildTarget`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::{Call, Rpc, store};
use crate::db::Update;
use crate::error;
use crate::names;
use crate::rpc::NameOrId;
use crate::rpc::lookup::{self, Table};

/// Changes a build target's name (in all of its history) and tags. A deleted one exists again.
///
/// Faults: a target or tag that does not exist, a name that is another's, deleted or not, or breaks the rules
/// (1000).
#[rpc("editBuildTarget(buildTargetInfo, name, build_tag, dest_tag)", write, perm = "target")]
pub async fn edit_build_target(
    call: &mut Call,
    target: NameOrId,
    name: Value,
    build_tag: NameOrId,
    dest_tag: NameOrId,
) -> Rpc<()> {
    let name = names::text("Name", name)?;
    names::check_internal(&call.hub.options, &name)?;
    let target = store::get_named(&call.db, &target).await?;
    let (build_tag, dest_tag) = store::tags(&call.db, &build_tag, &dest_tag).await?;
    if target.name != name {
        if let Some(other) = lookup::find(&call.db, Table::Target, &NameOrId::Name(name.clone())).await? {
            return Err(error::generic(format!("The name {name} belongs to another build target ({})", other.id)));
        }
        Update::table("build_target").set("name", name).clause("id = ?", [target.id.into()]).run(&call.db).await?;
    }
    store::write_config(call, target.id, build_tag.id, dest_tag.id).await
}
