//! Putting builds into tags and taking them out.

use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, value};

use crate::db::{Insert, RowExt};
use crate::error::{self, Rpc};
use crate::rpc::builds::store::Build;
use crate::rpc::packages::{self, Addition};
use crate::rpc::tags::store::Tag;
use crate::rpc::{Call, NameOrId};

/// Tags a build as a user. Who may is for the caller to ask.
///
/// Faults (1003): a build that is not complete; one that is tagged already, unless `force`, which makes it
/// the last tagged.
pub async fn tag(call: &mut Call, tag: &Tag, build: &Build, user_id: i32, force: bool) -> Rpc<()> {
    assert_complete(build)?;
    let pair = [tag.id.into(), build.id.into()];
    let tagged = if force {
        call.revoke_versions_as(user_id, "tag_listing", "tag_id = ? AND build_id = ?", pair).await?;
        false
    } else {
        let sql = "SELECT build_id FROM tag_listing WHERE tag_id = ? AND build_id = ? AND active = TRUE";
        call.db.exists(sql, pair.to_vec()).await?
    };
    if tagged {
        return Err(error::tag(format!("build {} is already tagged with {}", build.nvr(), tag.name)));
    }
    let insert = Insert::into("tag_listing").set("tag_id", tag.id).set("build_id", build.id);
    call.open_version_as(user_id, insert).await
}

/// Untags a build as a user. Who may is for the caller to ask. A build that is not tagged is a fault (1003) if
/// `strict`.
pub async fn untag(call: &mut Call, tag: &Tag, build: &Build, user_id: i32, strict: bool) -> Rpc<()> {
    let pair = [tag.id.into(), build.id.into()];
    let untagged = call.revoke_versions_as(user_id, "tag_listing", "tag_id = ? AND build_id = ?", pair).await?;
    if untagged == 0 && strict {
        return Err(error::tag(format!("build {} is not tagged with {}", build.nvr(), tag.name)));
    }
    Ok(())
}

/// Refuses (1003) builds that are not complete: no force helps them.
pub fn assert_complete(build: &Build) -> Rpc<()> {
    if build.state == BuildState::Complete {
        return Ok(());
    }
    Err(error::tag(format!("build {} is not complete but {}", build.nvr(), build.state.name())))
}

/// Refuses (1003) packages that are not in a tag's list, or blocked. With `force`, an admin puts them there.
pub async fn assert_listed(call: &mut Call, tag: &Tag, package_id: i32, package: &str, force: bool) -> Rpc<()> {
    let entry = packages::store::find(&call.db, tag.id, package_id, None).await?;
    let reason = match entry {
        Some(entry) if !entry.blocked => return Ok(()),
        Some(_) => format!("package {package} is blocked in tag {}", tag.name),
        None => format!("package {package} is not in the list of tag {}", tag.name),
    };
    if !force || !call.has_perm("admin").await? {
        return Err(error::tag(reason));
    }
    tracing::info!(tag = tag.name, package, reason, "the package list was overridden by force");
    let addition = Addition { block: Some(false), force, ..Addition::default() };
    packages::add(call, tag, &NameOrId::Id(package_id), addition).await
}

/// The package of a build.
pub fn package_id(build: &Build) -> Rpc<i32> {
    build.row.int("package_id")
}

/// What the policy `tag` is told: the tags (nil for none), the build, and one of tag, untag and move.
pub fn policy_data(tag: Option<&Tag>, from: Option<&Tag>, build: &Build, operation: &str) -> Struct {
    let id = |tag: Option<&Tag>| tag.map_or(Value::Nil, |tag| value!(tag.id));
    Struct::from([
        ("tag".into(), id(tag)),
        ("fromtag".into(), id(from)),
        ("build".into(), value!(build.id)),
        ("operation".into(), value!(operation)),
    ])
}
