//! Tagged builds of snapshots.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Call, Rpc};
use crate::db::RowExt;
use crate::rpc::builds::store as builds;
use crate::rpc::tagging::listing::{self, Listing};
use crate::rpc::tagging::store;
use crate::rpc::tags;
use crate::rpc::tags::store::Tag;

/// Tags builds with a new tag, in the order in which they were tagged.
pub async fn copy(call: &mut Call, source: &Listing, copy: &Tag) -> Rpc<()> {
    for build in listing::builds(&call.db, source).await?.iter().rev() {
        tag(call, copy, build.int("id")?, true).await?;
    }
    Ok(())
}

/// Makes the source's builds the last tagged of a tag, package by package, in the source's order. Others come
/// before them or, with `remove`, are untagged. What stands where it should is left alone.
pub async fn align(call: &mut Call, source: &Listing, copy: &Tag, force: bool, remove: bool) -> Rpc<()> {
    let wanted = by_package(call, source).await?;
    let mut present: HashMap<i32, Builds> = by_package(call, &Listing::of(copy.id)).await?.into_iter().collect();
    if remove {
        let copied: HashSet<i32> = wanted.iter().map(|(package, _)| *package).collect();
        let mut others: Vec<i32> = present.keys().copied().filter(|package| !copied.contains(package)).collect();
        others.sort_unstable();
        let others: Vec<i32> = others.iter().filter_map(|package| present.remove(package)).flatten().collect();
        for build in others {
            untag(call, copy, build).await?;
        }
    }
    for (package, wanted) in wanted {
        let present = present.remove(&package).unwrap_or_default();
        align_package(call, wanted, present, copy, force, remove).await?;
    }
    Ok(())
}

/// Ids of builds, the first tagged first.
type Builds = VecDeque<i32>;

async fn align_package(
    call: &mut Call,
    wanted: Builds,
    present: Builds,
    copy: &Tag,
    force: bool,
    remove: bool,
) -> Rpc<()> {
    let (mut present, others): (Builds, Builds) =
        if remove { present.into_iter().partition(|build| wanted.contains(build)) } else { (present, Builds::new()) };
    for build in others {
        untag_checked(call, copy, build, force).await?;
    }
    let mut order: Builds = present.iter().copied().filter(|build| !wanted.contains(build)).collect();
    order.extend(wanted);
    for build in order {
        let mut stands = false;
        while let Some(next) = present.pop_front() {
            if next == build {
                stands = true;
                break;
            }
            // It stands too early: its turn to be tagged again comes later.
            untag_checked(call, copy, next, force).await?;
        }
        if !stands {
            tag(call, copy, build, force).await?;
        }
    }
    Ok(())
}

/// The builds of each package, packages in the order of their first build.
async fn by_package(call: &Call, listing: &Listing) -> Rpc<Vec<(i32, Builds)>> {
    let mut packages: Vec<(i32, Builds)> = Vec::new();
    let mut places: HashMap<i32, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for build in listing::builds(&call.db, listing).await?.iter().rev() {
        let (id, package) = (build.int("id")?, build.int("package_id")?);
        let place = *places.entry(package).or_insert_with(|| {
            packages.push((package, Builds::new()));
            packages.len() - 1
        });
        // Of a build that several tags of the inheritance hold, the first tagging counts.
        if seen.insert(id) {
            packages[place].1.push_back(id);
        }
    }
    Ok(packages)
}

async fn tag(call: &mut Call, tag: &Tag, build_id: i32, force: bool) -> Rpc<()> {
    let build = builds::get(&call.db, &build_id.into()).await?;
    let user_id = call.user_id()?;
    store::tag(call, tag, &build, user_id, force).await?;
    call.forget_event();
    Ok(())
}

async fn untag(call: &mut Call, tag: &Tag, build_id: i32) -> Rpc<()> {
    let build = builds::get(&call.db, &build_id.into()).await?;
    let user_id = call.user_id()?;
    store::untag(call, tag, &build, user_id, true).await?;
    call.forget_event();
    Ok(())
}

/// The same, if the caller may untag builds from the tag (1004).
async fn untag_checked(call: &mut Call, tag: &Tag, build_id: i32, force: bool) -> Rpc<()> {
    tags::assert_access(&call.db, tag, call.user_id()?, force).await?;
    untag(call, tag, build_id).await
}
