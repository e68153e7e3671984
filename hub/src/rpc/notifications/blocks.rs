//! Blocks: what users do not want to be told, although something else says so.

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Insert, Row, Select};
use crate::error::{self, Rpc};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, NameOrId};

const WHAT: &str = "notification blocks";

fn select() -> Select {
    Select::from("build_notifications_block")
        .columns(&[("id", "id"), ("user_id", "user_id"), ("package_id", "package_id"), ("tag_id", "tag_id")])
        .order("id")
}

/// A user's notification blocks, or the caller's: `id`, `user_id`, `package_id` and `tag_id` (nil: all).
#[rpc("getBuildNotificationBlocks(userID=None)", read)]
pub async fn get_build_notification_blocks(call: &mut Call, user: UserRef) -> Rpc<Value> {
    let user = users::get(call, &user).await?;
    select().clause("user_id = ?", [user.id.into()]).answer(&call.db).await
}

/// One notification block; nothing if there is none, with `strict` fault 1000.
#[rpc("getBuildNotificationBlock(id, strict=False)", read)]
pub async fn get_build_notification_block(call: &mut Call, id: Option<i32>, strict: bool) -> Rpc<Option<Row>> {
    let found = select().clause("id = ?", [id.into()]).one(&call.db).await?;
    if found.is_none() && strict { Err(missing(id)) } else { Ok(found) }
}

fn missing(id: Option<i32>) -> error::Error {
    error::generic(format!("No notification block with ID {} found", id.unwrap_or_default()))
}

/// Blocks notifications to a user (`None`: the caller) of builds of a package (`None`: any) in a tag (`None`:
/// any). Only admins may do so for others. A block that is there already is a fault.
#[rpc("createNotificationBlock(user_id, package_id=None, tag_id=None)", write)]
pub async fn create_notification_block(
    call: &mut Call,
    user: UserRef,
    package: Option<NameOrId>,
    tag: Option<NameOrId>,
) -> Rpc<()> {
    let user = super::recipient(call, &user, WHAT).await?;
    let (package, tag) = super::resolve(call, package, tag).await?;
    let same = super::about(select().clause("user_id = ?", [user.id.into()]), package, tag);
    if same.one(&call.db).await?.is_some() {
        return Err(error::generic("notification block already exists"));
    }
    let insert = Insert::into("build_notifications_block").set("user_id", user.id);
    insert.set("package_id", package).set("tag_id", tag).run(&call.db).await
}

/// Removes a notification block. Only its user and admins may.
#[rpc("deleteNotificationBlock(id)", write)]
pub async fn delete_notification_block(call: &mut Call, id: i32) -> Rpc<()> {
    let found = select().clause("id = ?", [id.into()]).one(&call.db).await?.ok_or_else(|| missing(Some(id)))?;
    super::check_acts_for(call, super::owner(&found)?, WHAT).await?;
    call.db.execute("DELETE FROM build_notifications_block WHERE id = ?", vec![id.into()]).await?;
    Ok(())
}
