//! Build notifications that users want.

use toji_hub_macros::rpc;
use toji_proto::Value;

use crate::db::{Insert, Param, Row, Select, Update};
use crate::error::{self, Rpc};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, NameOrId};

const WHAT: &str = "notifications";

fn select() -> Select {
    Select::from("build_notifications")
        .columns(&[("id", "id"), ("user_id", "user_id"), ("package_id", "package_id"), ("tag_id", "tag_id")])
        .columns(&[("success_only", "success_only"), ("email", "email")])
        .order("id")
}

/// A user's notifications, or the caller's: `id`, `user_id`, `package_id` and `tag_id` (nil: all),
/// `success_only`, `email`.
#[rpc("getBuildNotifications(userID=None)", read)]
pub async fn get_build_notifications(call: &mut Call, user: UserRef) -> Rpc<Value> {
    let user = users::get(call, &user).await?;
    select().clause("user_id = ?", [user.id.into()]).answer(&call.db).await
}

/// One notification; nothing if there is none, with `strict` fault 1000.
#[rpc("getBuildNotification(id, strict=False)", read)]
pub async fn get_build_notification(call: &mut Call, id: Option<i32>, strict: bool) -> Rpc<Option<Row>> {
    let found = select().clause("id = ?", [id.into()]).one(&call.db).await?;
    if found.is_none() && strict { Err(missing(id)) } else { Ok(found) }
}

fn missing(id: Option<i32>) -> error::Error {
    error::generic(format!("No notification with ID {} found", id.unwrap_or_default()))
}

/// Adds a notification for a user (`None`: the caller) of builds of a package (`None`: any) in a tag (`None`:
/// any). Only admins may add one for others. One that is there already is a fault.
#[rpc("createNotification(user_id, package_id, tag_id, success_only)", write)]
pub async fn create_notification(
    call: &mut Call,
    user: UserRef,
    package: Option<NameOrId>,
    tag: Option<NameOrId>,
    success_only: bool,
) -> Rpc<()> {
    let user = super::recipient(call, &user, WHAT).await?;
    let (package, tag) = super::resolve(call, package, tag).await?;
    refuse_twice(call, user.id, package, tag, success_only).await?;
    let email = match &call.hub.options.email_domain {
        Some(domain) => format!("{}@{domain}", user.name),
        None => user.name,
    };
    Insert::into("build_notifications")
        .set("user_id", user.id)
        .set("package_id", package)
        .set("tag_id", tag)
        .set("success_only", success_only)
        .set("email", email)
        .run(&call.db)
        .await
}

/// Changes what a notification is for. Only its user and admins may.
#[rpc("updateNotification(id, package_id, tag_id, success_only)", write)]
pub async fn update_notification(
    call: &mut Call,
    id: i32,
    package: Option<NameOrId>,
    tag: Option<NameOrId>,
    success_only: bool,
) -> Rpc<()> {
    super::caller(call)?;
    let user = own(call, id).await?;
    let (package, tag) = super::resolve(call, package, tag).await?;
    refuse_twice(call, user, package, tag, success_only).await?;
    Update::table("build_notifications")
        .set("package_id", package)
        .set("tag_id", tag)
        .set("success_only", success_only)
        .clause("id = ?", [id.into()])
        .run(&call.db)
        .await?;
    Ok(())
}

/// Removes a notification. Only its user and admins may.
#[rpc("deleteNotification(id)", write)]
pub async fn delete_notification(call: &mut Call, id: i32) -> Rpc<()> {
    own(call, id).await?;
    call.db.execute("DELETE FROM build_notifications WHERE id = ?", vec![id.into()]).await?;
    Ok(())
}

/// The user of a notification that the caller may change.
async fn own(call: &Call, id: i32) -> Rpc<i32> {
    let found = select().clause("id = ?", [id.into()]).one(&call.db).await?.ok_or_else(|| missing(Some(id)))?;
    let user = super::owner(&found)?;
    super::check_acts_for(call, user, WHAT).await?;
    Ok(user)
}

async fn refuse_twice(call: &Call, user: i32, package: Option<i32>, tag: Option<i32>, success_only: bool) -> Rpc<()> {
    let same = [Param::from(user), success_only.into()];
    let same = super::about(select().clause("user_id = ? AND success_only = ?", same), package, tag);
    if same.one(&call.db).await?.is_some() { Err(error::generic("notification already exists")) } else { Ok(()) }
}
