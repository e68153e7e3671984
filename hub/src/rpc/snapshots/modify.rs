//! `snapshotTagModify`.

use toji_hub_macros::rpc;

use super::{Call, NameOrId, Parts, Rpc, builds, groups, packages, refuse_locked};
use crate::rpc::AtEvent;
use crate::rpc::tags::edit::{self, Changes};
use crate::rpc::tags::store::{self as tags, Tag, When};

/// Brings an existing tag to the content that another has or, with `event`, had. Options as of `snapshotTag`.
///
/// Packages that the source lacks are blocked; those that both have stay as they are. The source's builds become
/// the last tagged, in its order. With `remove`, builds that the source lacks are untagged, and groups and their
/// packages and requirements that it lacks are removed or, where they are inherited, blocked.
///
/// Faults as of `snapshotTag`; a tag to change that does not exist or is locked (1000); untagging builds may need
/// the tag's permission (1004); a build that is tagged although it does not show (1003), unless `force`.
#[rpc(
    "snapshotTagModify(src, dst, config=True, pkgs=True, builds=True, groups=True, latest_only=True, inherit_builds=True, event=None, force=False, remove=False)",
    write,
    perm = "tag"
)]
pub async fn snapshot_tag_modify(
    call: &mut Call,
    source: NameOrId,
    copy: NameOrId,
    config: bool,
    packages: bool,
    builds: bool,
    groups: bool,
    latest_only: bool,
    inherit_builds: bool,
    event: AtEvent,
    force: bool,
    remove: bool,
) -> Rpc<()> {
    let parts = Parts { config, packages, builds, groups, latest_only, inherit_builds };
    parts.check()?;
    let event = event.0;
    let source = tags::get(&call.db, &source, event.into()).await?;
    let mut copy = tags::get(&call.db, &copy, When::Now).await?;
    refuse_locked(&source, force)?;
    refuse_locked(&copy, force)?;

    if parts.config {
        configure(call, &source, &copy).await?;
        copy = tags::get(&call.db, &NameOrId::Id(copy.id), When::Now).await?;
    }
    if parts.packages {
        packages::align(call, source.id, event, &copy).await?;
    }
    if parts.builds {
        builds::align(call, &parts.builds_of(source.id, event), &copy, force, remove).await?;
    }
    if parts.groups {
        groups::align(call, source.id, event, copy.id, force, remove).await?;
    }
    Ok(())
}

async fn configure(call: &mut Call, source: &Tag, copy: &Tag) -> Rpc<()> {
    let extra = source.settings();
    let remove_extra = copy.settings().into_keys().filter(|key| !extra.contains_key(key)).collect();
    let changes = Changes {
        arches: Some(source.arches.clone()),
        perm: Some(source.perm_id.map(NameOrId::Id)),
        locked: Some(source.locked),
        maven_support: Some(source.maven_support),
        maven_include_all: Some(source.maven_include_all),
        extra,
        remove_extra,
        ..Changes::default()
    };
    edit::edit(call, &NameOrId::Id(copy.id), changes).await?;
    call.forget_event();
    Ok(())
}
