//! Asking for a build to be tagged or moved: checks at once, the rest in a task.

use toji_hub_macros::rpc;
use toji_proto::{Value, value};

use super::listing::{self, Listing};
use super::{Call, Rpc, store};
use crate::db::RowExt;
use crate::rpc::NameOrId;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::tags::{self as tag_access};
use crate::rpc::tasks::store::{TaskOpts, make_task};

/// Asks for a build to be tagged or, with `fromtag`, moved from there; returns the task's id.
///
/// With `force`, admins pass locks, permissions, the package list (to which the package is added at once) and
/// the policy `tag`, and a build that is tagged already becomes the last tagged.
///
/// Faults: a tag or build that does not exist (1000), a build that is not complete, a package that is not in
/// the tag's list or blocked (1003), locked tags, a missing permission, what the policy `tag` forbids (1004).
#[rpc("tagBuild(tag, build, force=False, fromtag=None)", write, login)]
pub async fn tag_build(
    call: &mut Call,
    tag: NameOrId,
    build: BuildRef,
    force: bool,
    from: Option<NameOrId>,
) -> Rpc<i32> {
    request(call, &tag, from.as_ref(), &build, force).await
}

/// Asks for a build to be moved from tag1 to tag2; returns the task's id. As `tagBuild` with `fromtag`.
#[rpc("moveBuild(tag1, tag2, build, force=False)", write, login)]
pub async fn move_build(call: &mut Call, from: NameOrId, to: NameOrId, build: BuildRef, force: bool) -> Rpc<i32> {
    request(call, &to, Some(&from), &build, force).await
}

async fn request(call: &mut Call, tag: &NameOrId, from: Option<&NameOrId>, build: &BuildRef, force: bool) -> Rpc<i32> {
    let build = builds::get(&call.db, build).await?;
    let tag = tags::get(&call.db, tag, When::Now).await?;
    let from = match from {
        Some(from) => Some(tags::get(&call.db, from, When::Now).await?),
        None => None,
    };
    store::assert_complete(&build)?;
    let user_id = call.user_id()?;
    for tag in [Some(&tag), from.as_ref()].into_iter().flatten() {
        tag_access::assert_access(&call.db, tag, user_id, force).await?;
    }
    store::assert_listed(call, &tag, store::package_id(&build)?, &build.name, force).await?;
    let operation = if from.is_some() { "move" } else { "tag" };
    call.assert_policy("tag", store::policy_data(Some(&tag), from.as_ref(), &build, operation), force).await?;
    let params = task_params(&tag, build.id, force, from.as_ref());
    make_task(call, "tagBuild", &params, TaskOpts { priority: Some(10), ..TaskOpts::default() }).await
}

/// Asks for all builds of a package to be moved from tag1 to tag2 in the order in which they were tagged;
/// returns the tasks' ids, each of which waits for the one before.
///
/// Faults as `tagBuild`; force does not override the policy.
#[rpc("moveAllBuilds(tag1, tag2, package, force=False)", write, login)]
pub async fn move_all_builds(
    call: &mut Call,
    from: NameOrId,
    to: NameOrId,
    package: NameOrId,
    force: bool,
) -> Rpc<Vec<i32>> {
    let package = lookup::get(&call.db, Table::Package, &package).await?;
    let from = tags::get(&call.db, &from, When::Now).await?;
    let to = tags::get(&call.db, &to, When::Now).await?;
    store::assert_listed(call, &to, package.id, &package.name, force).await?;
    let user_id = call.user_id()?;
    for tag in [&from, &to] {
        tag_access::assert_access(&call.db, tag, user_id, force).await?;
    }

    let wanted = Listing { package: Some(package.name), ..Listing::of(from.id) };
    let mut tagged = listing::builds(&call.db, &wanted).await?;
    tagged.reverse();
    let mut tasks: Vec<i32> = Vec::new();
    for row in &tagged {
        let build = builds::get(&call.db, &row.int("build_id")?.into()).await?;
        call.assert_policy("tag", store::policy_data(Some(&to), Some(&from), &build, "move"), false).await?;
    }
    for row in &tagged {
        let wait_for: Vec<i32> = tasks.last().copied().into_iter().collect();
        let subtask = Value::Array(task_params(&to, row.int("build_id")?, force, Some(&from)));
        let subtasks = value!([value!(["tagBuild", subtask, value!({ "priority": 15 })])]);
        let params = [value!(wait_for), subtasks];
        tasks.push(make_task(call, "dependantTask", &params, TaskOpts::default()).await?);
    }
    Ok(tasks)
}

fn task_params(tag: &Tag, build_id: i32, force: bool, from: Option<&Tag>) -> Vec<Value> {
    vec![value!(tag.id), value!(build_id), value!(force), value!(from.map(|tag| tag.id))]
}
