//! Comps groups of snapshots.

use std::collections::{HashMap, HashSet};

use super::{Call, NameOrId, Rpc};
use crate::rpc::Struct;
use crate::rpc::groups::store::{self, Group, Package, Requirement, Settings, Wanted};
use crate::rpc::groups::{list, packages, requirements};

/// Gives a new tag all groups that the source has, with their packages and requirements; only names are copied.
pub async fn copy(call: &mut Call, source_id: i32, event: Option<i32>, copy_id: i32) -> Rpc<()> {
    for group in store::unblocked(&call.db, source_id, event, Wanted::ALL).await? {
        list::write(call, copy_id, group.id, &Settings::of_new(&group.name)).await?;
        call.forget_event();
        for package in group.packages {
            packages::write(call, Package::of_new(copy_id, group.id, package.name)).await?;
            call.forget_event();
        }
        for required in group.requirements {
            let required = Requirement::of_new(copy_id, group.id, required.required_id, required.required);
            requirements::write(call, required).await?;
            call.forget_event();
        }
    }
    Ok(())
}

/// Adds the groups that only the source has, and to those that both have the source's packages and
/// requirements; with `remove`, takes away what only the copy has.
pub async fn align(
    call: &mut Call,
    source_id: i32,
    event: Option<i32>,
    copy_id: i32,
    force: bool,
    remove: bool,
) -> Rpc<()> {
    let wanted = store::all(&call.db, source_id, event, Wanted::ALL).await?;
    let present = store::all(&call.db, copy_id, None, Wanted::ALL).await?;
    let changes = Changes { tag: NameOrId::Id(copy_id), tag_id: copy_id, force };
    let before: HashMap<i32, &Group> = present.iter().map(|group| (group.id, group)).collect();
    for group in &wanted {
        if before.get(&group.id).is_none_or(|there| there.settings.blocked != group.settings.blocked) {
            changes.list(call, group.id, group.settings.blocked).await?;
        }
    }
    if remove {
        let copied: HashSet<i32> = wanted.iter().map(|group| group.id).collect();
        for group in &present {
            if !copied.contains(&group.id) {
                changes.unlist(call, group).await?;
            }
        }
    }
    for group in &wanted {
        let Some(there) = before.get(&group.id) else { continue };
        changes.add_content(call, group, there).await?;
        if remove {
            changes.remove_content(call, group, there).await?;
        }
    }
    Ok(())
}

/// Changes to the groups of the copy, each with an event of its own.
struct Changes {
    tag: NameOrId,
    tag_id: i32,
    force: bool,
}

impl Changes {
    async fn list(&self, call: &mut Call, group_id: i32, block: bool) -> Rpc<()> {
        list::add(call, &self.tag, &NameOrId::Id(group_id), block, self.force, Struct::new()).await?;
        call.forget_event();
        Ok(())
    }

    /// Removes a group, or blocks it if it is inherited.
    async fn unlist(&self, call: &mut Call, group: &Group) -> Rpc<()> {
        if group.tag_id != self.tag_id {
            return self.list(call, group.id, true).await;
        }
        list::revoke(call, self.tag_id, group.id).await?;
        call.forget_event();
        Ok(())
    }

    async fn add_content(&self, call: &mut Call, wanted: &Group, present: &Group) -> Rpc<()> {
        let names: HashSet<&str> = present.packages.iter().map(|package| package.name.as_str()).collect();
        for package in &wanted.packages {
            if !names.contains(package.name.as_str()) {
                self.package(call, wanted.id, &package.name, false).await?;
            }
        }
        let required: HashSet<i32> = present.requirements.iter().map(|required| required.required_id).collect();
        for one in &wanted.requirements {
            if !required.contains(&one.required_id) {
                self.requirement(call, wanted.id, one.required_id, one.blocked).await?;
            }
        }
        Ok(())
    }

    /// What only the copy has goes: packages that are inherited stay, requirements are blocked.
    async fn remove_content(&self, call: &mut Call, wanted: &Group, present: &Group) -> Rpc<()> {
        let blocked: HashMap<&str, bool> = wanted.packages.iter().map(|p| (p.name.as_str(), p.blocked)).collect();
        for package in &present.packages {
            match blocked.get(package.name.as_str()) {
                _ if package.blocked => {}
                Some(true) => self.package(call, wanted.id, &package.name, true).await?,
                None if package.tag_id == self.tag_id => {
                    packages::revoke(call, self.tag_id, wanted.id, &package.name).await?;
                    call.forget_event();
                }
                _ => {}
            }
        }
        let required: HashSet<i32> = wanted.requirements.iter().map(|one| one.required_id).collect();
        for one in &present.requirements {
            if !one.blocked && !required.contains(&one.required_id) {
                self.requirement(call, wanted.id, one.required_id, true).await?;
            }
        }
        Ok(())
    }

    async fn package(&self, call: &mut Call, group_id: i32, name: &str, block: bool) -> Rpc<()> {
        let group = NameOrId::Id(group_id);
        packages::add(call, &self.tag, &group, name.into(), block, self.force, Struct::new()).await?;
        call.forget_event();
        Ok(())
    }

    async fn requirement(&self, call: &mut Call, group_id: i32, required_id: i32, block: bool) -> Rpc<()> {
        let (group, required) = (NameOrId::Id(group_id), NameOrId::Id(required_id));
        requirements::add(call, &self.tag, &group, &required, block, self.force, Struct::new()).await?;
        call.forget_event();
        Ok(())
    }
}
