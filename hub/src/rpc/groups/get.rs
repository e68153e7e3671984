//! `getTagGroups`.

use toji_hub_macros::rpc;
use toji_proto::value::Record;

use super::store::{self, Wanted};
use super::{Call, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{AtEvent, NameOrId};

/// The groups of a tag and of what it inherits from: structs with `group_id, name, tag_id` (whose entry it is),
/// `blocked, exported, display_name, is_default, uservisible, description, langonly, biarchonly`.
///
/// With `incl_pkgs` they have `packagelist`, structs with `group_id, tag_id, package, blocked, type,
/// basearchonly, requires`; with `incl_reqs` they have `grouplist`, structs with `group_id, tag_id, req_id, name,
/// blocked, type, is_metapkg`. What is blocked is only shown with `incl_blocked`.
///
/// Faults: a tag that does not exist (1000).
#[rpc("getTagGroups(tag, event=None, inherit=True, incl_pkgs=True, incl_reqs=True, incl_blocked=False)", read)]
pub async fn get_tag_groups(
    call: &mut Call,
    tag: NameOrId,
    event: AtEvent,
    inherit: bool,
    incl_pkgs: bool,
    incl_reqs: bool,
    incl_blocked: bool,
) -> Rpc<Vec<Record>> {
    let tag = lookup::get(&call.db, Table::Tag, &tag).await?;
    let wanted = Wanted { inherit, packages: incl_pkgs, requirements: incl_reqs };
    let groups = if incl_blocked {
        store::all(&call.db, tag.id, event.0, wanted).await?
    } else {
        store::unblocked(&call.db, tag.id, event.0, wanted).await?
    };
    Ok(groups.into_iter().map(|group| group.record(wanted)).collect())
}
