//! The groups that groups require: `groupReqListAdd`, `groupReqListBlock`, `groupReqListUnblock`,
//! `groupReqListRemove`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::options::{Flag, Options, check_type};
use super::store::{self, Requirement, Wanted};
use super::{Call, Rpc};
use crate::db::{Insert, Select};
use crate::error;
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{NameOrId, Struct};

/// Makes a group require another in a tag, or changes how. The other need not be listed in the tag; as long as
/// it is not, the requirement does not show.
///
/// Options: `type` (`mandatory` if not given), `is_metapkg` (a truth value); those not given are taken from the
/// entry there is, inherited or not. Nothing is written if that is the same already. `block` hides the
/// requirement.
///
/// Faults: a tag or group that does not exist, a group that the tag does not list or blocks; a requirement that
/// is blocked, unless `force` (1000).
#[rpc("groupReqListAdd(taginfo, grpinfo, reqinfo, block=False, force=False, **opts)", write, perm = "tag")]
pub async fn group_req_list_add(
    call: &mut Call,
    tag: NameOrId,
    group: NameOrId,
    required: NameOrId,
    block: bool,
    force: bool,
    opts: Struct,
) -> Rpc<()> {
    add(call, &tag, &group, &required, block, force, opts).await
}

/// Hides a group's requirement in a tag; faults as `groupReqListAdd` does.
#[rpc("groupReqListBlock(taginfo, grpinfo, reqinfo)", write, perm = "tag")]
pub async fn group_req_list_block(call: &mut Call, tag: NameOrId, group: NameOrId, required: NameOrId) -> Rpc<()> {
    add(call, &tag, &group, &required, true, false, Struct::new()).await
}

/// Takes away a tag's own entry that blocks a group's requirement.
///
/// Faults: a tag or group that does not exist, a requirement that the tag itself does not block (1000).
#[rpc("groupReqListUnblock(taginfo, grpinfo, reqinfo)", write, perm = "tag")]
pub async fn group_req_list_unblock(call: &mut Call, tag: NameOrId, group: NameOrId, required: NameOrId) -> Rpc<()> {
    let parties = Parties::find(call, &tag, &group, &required).await?;
    let Parties { tag, group, required } = &parties;
    let blocked: Option<bool> = Select::from("group_req_listing")
        .column("blocked", "blocked")
        .clause("tag_id = ? AND group_id = ?", [tag.id.into(), group.id.into()])
        .clause("req_id = ?", [required.id.into()])
        .at_event("group_req_listing", None)
        .lock()
        .value(&call.db)
        .await?;
    if blocked != Some(true) {
        return Err(parties.fault("is not blocked there itself"));
    }
    revoke(call, tag.id, group.id, required.id).await
}

/// Takes away a tag's own entry for a group's requirement, if there is one. `force` is ignored.
///
/// Faults: a tag or group that does not exist (1000).
#[rpc("groupReqListRemove(taginfo, grpinfo, reqinfo, force=None)", write, perm = "tag")]
pub async fn group_req_list_remove(
    call: &mut Call,
    tag: NameOrId,
    group: NameOrId,
    required: NameOrId,
    _force: Value,
) -> Rpc<()> {
    let Parties { tag, group, required } = Parties::find(call, &tag, &group, &required).await?;
    revoke(call, tag.id, group.id, required.id).await
}

/// A group in a tag, and another that it requires.
struct Parties {
    tag: Named,
    group: Named,
    required: Named,
}

impl Parties {
    async fn find(call: &Call, tag: &NameOrId, group: &NameOrId, required: &NameOrId) -> Rpc<Self> {
        let tag = lookup::get(&call.db, Table::Tag, tag).await?;
        let group = lookup::get(&call.db, Table::Group, group).await?;
        Ok(Self { tag, group, required: lookup::get(&call.db, Table::Group, required).await? })
    }

    fn fault(&self, what: &str) -> error::Error {
        let Self { tag, group, required } = self;
        error::generic(format!(
            "The requirement on group {} of group {} in tag {} {what}",
            required.name, group.name, tag.name
        ))
    }
}

/// Adds or blocks a requirement, whoever the caller is; otherwise as `groupReqListAdd` does.
pub async fn add(
    call: &mut Call,
    tag: &NameOrId,
    group: &NameOrId,
    required: &NameOrId,
    block: bool,
    force: bool,
    opts: Struct,
) -> Rpc<()> {
    let parties = Parties::find(call, tag, group, required).await?;
    let Parties { tag, group, required } = &parties;
    let groups = store::all(&call.db, tag.id, None, Wanted::REQUIREMENTS).await?;
    let listed = store::usable(groups, group, tag)?;
    let present = listed.requirements.into_iter().find(|present| present.required_id == required.id);
    if present.as_ref().is_some_and(|present| present.blocked) && !force {
        return Err(parties.fault("is blocked"));
    }
    let before = present.clone();
    let fresh = || Requirement::of_new(tag.id, group.id, required.id, required.name.clone());
    let after = Requirement { blocked: block, tag_id: tag.id, ..present.unwrap_or_else(fresh) }.changed(opts)?;
    let same = before.is_some_and(|before| (before.kind, before.is_metapkg) == (after.kind.clone(), after.is_metapkg));
    if same && !block {
        return Ok(());
    }
    write(call, after).await
}

/// Opens a version of a tag's own entry for a requirement, in place of the one there may be.
pub async fn write(call: &mut Call, requirement: Requirement) -> Rpc<()> {
    let Requirement { group_id, tag_id, required_id, blocked, kind, is_metapkg, .. } = requirement;
    revoke(call, tag_id, group_id, required_id).await?;
    let entry = Insert::into("group_req_listing")
        .set("group_id", group_id)
        .set("tag_id", tag_id)
        .set("req_id", required_id)
        .set("blocked", blocked)
        .set("type", kind)
        .set("is_metapkg", is_metapkg);
    call.open_version(entry).await
}

/// Revokes a tag's own entry for a requirement, if it has one.
pub async fn revoke(call: &mut Call, tag_id: i32, group_id: i32, required_id: i32) -> Rpc<()> {
    let key = [tag_id.into(), group_id.into(), required_id.into()];
    call.revoke_versions("group_req_listing", "tag_id = ? AND group_id = ? AND req_id = ?", key).await?;
    Ok(())
}

impl Requirement {
    /// One that is made for the first time.
    pub fn of_new(tag_id: i32, group_id: i32, required_id: i32, required: String) -> Self {
        let kind = Some("mandatory".into());
        Self { group_id, tag_id, required_id, required, blocked: false, kind, is_metapkg: false }
    }

    fn changed(mut self, given: Struct) -> Rpc<Self> {
        let mut given = Options::new(given);
        given.put("type", &mut self.kind)?;
        let mut is_metapkg = Flag(Some(self.is_metapkg));
        given.put("is_metapkg", &mut is_metapkg)?;
        self.is_metapkg = is_metapkg.0.ok_or_else(|| error::param("is_metapkg is true or false"))?;
        check_type(self.kind.as_deref().unwrap_or_default())?;
        Ok(self)
    }
}
