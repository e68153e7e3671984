//! The packages of groups: `groupPackageListAdd`, `groupPackageListBlock`, `groupPackageListUnblock`,
//! `groupPackageListRemove`.

use toji_hub_macros::rpc;

use super::options::{Flag, Options, check_type};
use super::store::{self, Package, Wanted};
use super::{Call, Rpc};
use crate::db::{Insert, Select};
use crate::error;
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{NameOrId, Struct};

/// Adds a package, by name or pattern, to a group in a tag, or changes how it is listed.
///
/// Options: `type` (`mandatory` if not given), `basearchonly` (a truth value), `requires` (a package's name);
/// those not given are taken from the entry there is, inherited or not. Nothing is written if that is the same
/// already, unless `force`. `block` hides the package.
///
/// Faults: a tag or group that does not exist, a group that the tag does not list or blocks; a package that is
/// blocked, unless `force` (1000).
#[rpc("groupPackageListAdd(taginfo, grpinfo, pkg_name, block=False, force=False, **opts)", write, perm = "tag")]
pub async fn group_package_list_add(
    call: &mut Call,
    tag: NameOrId,
    group: NameOrId,
    package: String,
    block: bool,
    force: bool,
    opts: Struct,
) -> Rpc<()> {
    add(call, &tag, &group, package, block, force, opts).await
}

/// Hides a package of a group in a tag; faults as `groupPackageListAdd` does.
#[rpc("groupPackageListBlock(taginfo, grpinfo, pkg_name)", write, perm = "tag")]
pub async fn group_package_list_block(call: &mut Call, tag: NameOrId, group: NameOrId, package: String) -> Rpc<()> {
    add(call, &tag, &group, package, true, false, Struct::new()).await
}

/// Takes away a tag's own entry that blocks a package of a group.
///
/// Faults: a tag or group that does not exist, a package that the tag itself does not block (1000).
#[rpc("groupPackageListUnblock(taginfo, grpinfo, pkg_name)", write, perm = "tag")]
pub async fn group_package_list_unblock(call: &mut Call, tag: NameOrId, group: NameOrId, package: String) -> Rpc<()> {
    let (tag, group) = find(call, &tag, &group).await?;
    let blocked: Option<bool> = Select::from("group_package_listing")
        .column("blocked", "blocked")
        .clause("tag_id = ? AND group_id = ?", [tag.id.into(), group.id.into()])
        .clause("package = ?", [package.as_str().into()])
        .at_event("group_package_listing", None)
        .lock()
        .value(&call.db)
        .await?;
    if blocked != Some(true) {
        return Err(error::generic(format!(
            "The package {package} is not blocked in group {}, tag {} itself",
            group.name, tag.name
        )));
    }
    revoke(call, tag.id, group.id, &package).await
}

/// Takes away a tag's own entry for a package of a group, if there is one.
///
/// Faults: a tag or group that does not exist (1000).
#[rpc("groupPackageListRemove(taginfo, grpinfo, pkg_name)", write, perm = "tag")]
pub async fn group_package_list_remove(call: &mut Call, tag: NameOrId, group: NameOrId, package: String) -> Rpc<()> {
    let (tag, group) = find(call, &tag, &group).await?;
    revoke(call, tag.id, group.id, &package).await
}

/// Adds or blocks a package of a group, whoever the caller is; otherwise as `groupPackageListAdd` does.
pub async fn add(
    call: &mut Call,
    tag: &NameOrId,
    group: &NameOrId,
    name: String,
    block: bool,
    force: bool,
    opts: Struct,
) -> Rpc<()> {
    let (tag, group) = find(call, tag, group).await?;
    let groups = store::all(&call.db, tag.id, None, Wanted::PACKAGES).await?;
    let listed = store::usable(groups, &group, &tag)?;
    let present = listed.packages.into_iter().find(|package| package.name == name);
    if present.as_ref().is_some_and(|package| package.blocked) && !force {
        return Err(error::generic(format!("The package {name} is blocked in group {}, tag {}", group.name, tag.name)));
    }
    let fresh = || Package::of_new(tag.id, group.id, name);
    let before = present.clone();
    let package = Package { blocked: block, tag_id: tag.id, ..present.unwrap_or_else(fresh) }.changed(opts)?;
    let same = before.is_some_and(|before| before.settings() == package.settings());
    if same && !block && !force {
        return Ok(());
    }
    write(call, package).await
}

/// Opens a version of a tag's own entry for a package of a group, in place of the one there may be.
pub async fn write(call: &mut Call, package: Package) -> Rpc<()> {
    let Package { group_id, tag_id, name, blocked, kind, basearchonly, requires } = package;
    revoke(call, tag_id, group_id, &name).await?;
    let entry = Insert::into("group_package_listing")
        .set("group_id", group_id)
        .set("tag_id", tag_id)
        .set("package", name)
        .set("blocked", blocked)
        .set("type", kind)
        .set("basearchonly", basearchonly.0)
        .set("requires", requires);
    call.open_version(entry).await
}

/// Revokes a tag's own entry for a package of a group, if it has one.
pub async fn revoke(call: &mut Call, tag_id: i32, group_id: i32, package: &str) -> Rpc<()> {
    let key = [tag_id.into(), group_id.into(), package.into()];
    call.revoke_versions("group_package_listing", "tag_id = ? AND group_id = ? AND package = ?", key).await?;
    Ok(())
}

async fn find(call: &Call, tag: &NameOrId, group: &NameOrId) -> Rpc<(Named, Named)> {
    let tag = lookup::get(&call.db, Table::Tag, tag).await?;
    Ok((tag, lookup::get(&call.db, Table::Group, group).await?))
}

impl Package {
    /// One that is listed for the first time.
    pub fn of_new(tag_id: i32, group_id: i32, name: String) -> Self {
        Self {
            group_id,
            tag_id,
            name,
            blocked: false,
            kind: "mandatory".into(),
            basearchonly: Flag(None),
            requires: None,
        }
    }

    /// What makes an entry differ from another for the same package, apart from its block.
    fn settings(&self) -> (&str, Flag, Option<&str>) {
        (&self.kind, self.basearchonly, self.requires.as_deref())
    }

    fn changed(mut self, given: Struct) -> Rpc<Self> {
        let mut given = Options::new(given);
        given.put("type", &mut self.kind)?;
        given.put("basearchonly", &mut self.basearchonly)?;
        given.put("requires", &mut self.requires)?;
        check_type(&self.kind)?;
        Ok(self)
    }
}
