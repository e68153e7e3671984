//! `snapshotTag`.

use toji_hub_macros::rpc;

use super::{Call, NameOrId, Parts, Rpc, builds, groups, packages, refuse_locked};
use crate::error;
use crate::rpc::AtEvent;
use crate::rpc::tags::create::{self, NewTag};
use crate::rpc::tags::store::{self as tags, Tag, When};

/// Creates a tag with the content that another has or, with `event`, had. Inheritance and external repositories
/// are not copied.
///
/// `config`: arches, permission, lock, Maven flags and extra settings; `pkgs`: the package list; `builds`: tagged
/// builds, `latest_only` of each package, inherited ones only with `inherit_builds`; `groups`: comps groups, their
/// packages and requirements, without options. `force` copies a locked tag.
///
/// Faults: `builds` without `pkgs` (1019); a source that does not exist (at that event) or is locked, a name that
/// is in use or breaks the rules (1000).
#[rpc(
    "snapshotTag(src, dst, config=True, pkgs=True, builds=True, groups=True, latest_only=True, inherit_builds=True, event=None, force=False)",
    write,
    perm = "tag"
)]
pub async fn snapshot_tag(
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
) -> Rpc<()> {
    let parts = Parts { config, packages, builds, groups, latest_only, inherit_builds };
    parts.check()?;
    if tags::find(&call.db, &copy, When::Now).await?.is_some() {
        return Err(error::generic(format!("There is a tag {copy} already")));
    }
    let NameOrId::Name(name) = &copy else {
        return Err(error::generic(format!("A new tag needs a name, not {copy}")));
    };
    let event = event.0;
    let source = tags::get(&call.db, &source, event.into()).await?;
    refuse_locked(&source, force)?;
    let new = if config { like(&source) } else { NewTag::default() };
    let copy_id = create::create(call, name, None, new).await?;
    call.forget_event();
    let copy = tags::get(&call.db, &NameOrId::Id(copy_id), When::Now).await?;

    if parts.packages {
        packages::copy(call, source.id, event, copy.id).await?;
    }
    if parts.builds {
        builds::copy(call, &parts.builds_of(source.id, event), &copy).await?;
    }
    if parts.groups {
        groups::copy(call, source.id, event, copy.id).await?;
    }
    Ok(())
}

fn like(source: &Tag) -> NewTag {
    NewTag {
        arches: source.arches.clone(),
        perm: source.perm_id.map(NameOrId::Id),
        locked: source.locked,
        maven_support: source.maven_support,
        maven_include_all: source.maven_include_all,
        extra: source.settings(),
    }
}
