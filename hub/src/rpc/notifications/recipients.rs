//! Whom to tell of a build.

use std::collections::BTreeSet;

use toji_proto::states::{BuildState, UserStatus, UserType};

use crate::db::{RowExt, Select};
use crate::error::Rpc;
use crate::rpc::Call;
use crate::rpc::builds::store::Build;
use crate::rpc::packages;

/// The mail addresses of those who are to hear that a build ended, or was tagged, in `state`.
///
/// These are the users who want to be told of the package, of the tag or of both; unless NotifyOnSuccess is
/// off and there is success, also the build's owner and the package's in the tag; without those who block it.
/// Only people and groups who may log in are told. No address comes twice.
pub async fn of_build(call: &Call, build: &Build, tag_id: Option<i32>, state: BuildState) -> Rpc<Vec<String>> {
    let package_id = build.row.int("package_id")?;
    let mut told: BTreeSet<(i32, String)> = wanted(call, package_id, tag_id, state).await?;
    let options = &call.hub.options;
    if options.notify_on_success || state != BuildState::Complete {
        let domain = options.email_domain.as_deref().unwrap_or_default();
        told.insert((build.owner_id, format!("{}@{domain}", build.row.text("owner_name"))));
        if let Some(tag_id) = tag_id
            && let Some(entry) = packages::store::find(&call.db, tag_id, package_id, None).await?
            && let Some((id, name)) = entry.owner.filter(|_| !entry.blocked)
            && is_person(call, id).await?
        {
            told.insert((id, format!("{name}@{domain}")));
        }
    }
    let blocked: Vec<i32> = about(Select::from("build_notifications_block"), package_id, tag_id)
        .column("user_id", "user_id")
        .values(&call.db)
        .await?;
    told.retain(|(user, _)| !blocked.contains(user));
    let addresses: BTreeSet<String> = told.into_iter().map(|(_, address)| address).collect();
    Ok(addresses.into_iter().collect())
}

async fn wanted(call: &Call, package_id: i32, tag_id: Option<i32>, state: BuildState) -> Rpc<BTreeSet<(i32, String)>> {
    let mut select = about(Select::from("build_notifications"), package_id, tag_id)
        .join("users ON users.id = build_notifications.user_id")
        .columns(&[("user_id", "user_id"), ("email", "email")])
        .clause("users.status = ?", [UserStatus::Normal.code().into()])
        .clause("users.usertype IN (?, ?)", [UserType::Normal.code().into(), UserType::Group.code().into()]);
    if state != BuildState::Complete {
        select = select.clause("success_only = FALSE", []);
    }
    let rows = select.all(&call.db).await?;
    rows.iter().map(|row| Ok((row.int("user_id")?, row.text("email").to_string()))).collect()
}

fn about(select: Select, package_id: i32, tag_id: Option<i32>) -> Select {
    let select = select.clause("package_id = ? OR package_id IS NULL", [package_id.into()]);
    match tag_id {
        Some(tag_id) => select.clause("tag_id = ? OR tag_id IS NULL", [tag_id.into()]),
        None => select.clause("tag_id IS NULL", []),
    }
}

async fn is_person(call: &Call, user_id: i32) -> Rpc<bool> {
    let sql = "SELECT 1 FROM users WHERE id = ? AND status = ? AND usertype = ?";
    let params = vec![user_id.into(), UserStatus::Normal.code().into(), UserType::Normal.code().into()];
    call.db.exists(sql, params).await
}
