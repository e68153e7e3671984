//! Users, passwords, permissions and hosts, without a hub: what a new site needs first.
//!
//! Each function is one transaction. Changes are recorded as made by the user whom they are about, since
//! nobody is logged in.

use chrono::Utc;
use sea_orm::DatabaseConnection;
use toji_proto::arch;
use toji_proto::states::{UserStatus, UserType};

use crate::db::{Db, Insert, Update};
use crate::error::{self, Rpc};
use crate::names;
use crate::options::Options;
use crate::rpc::users::store;

/// Creates a person's account, or gives an existing one the password and the permissions.
pub async fn create_user(
    database: &DatabaseConnection,
    options: &Options,
    name: &str,
    password: Option<&str>,
    permissions: &[String],
) -> Rpc<()> {
    names::check_user(options, name)?;
    in_transaction(database, async |db| {
        let user = find_or_create_user(db, name, password, UserType::Normal).await?;
        for permission in permissions {
            grant_in(db, user, permission).await?;
        }
        Ok(())
    })
    .await
}

/// Sets the password of a person or host.
pub async fn set_password(database: &DatabaseConnection, name: &str, password: &str) -> Rpc<()> {
    in_transaction(database, async |db| {
        let user = user_id(db, name).await?;
        let group = "SELECT 1 FROM users WHERE id = ? AND usertype = ?";
        if db.exists(group, vec![user.into(), UserType::Group.code().into()]).await? {
            return Err(error::generic(format!("{name} is a group, and groups do not log in")));
        }
        Update::table("users").set("password", password).clause("id = ?", [user.into()]).run(db).await?;
        Ok(())
    })
    .await
}

/// Grants a permission; one that the user has stays as it is.
pub async fn grant(database: &DatabaseConnection, name: &str, permission: &str) -> Rpc<()> {
    in_transaction(database, async |db| grant_in(db, user_id(db, name).await?, permission).await).await
}

/// Revokes a permission.
pub async fn revoke(database: &DatabaseConnection, name: &str, permission: &str) -> Rpc<()> {
    in_transaction(database, async |db| {
        let user = user_id(db, name).await?;
        let event = new_event(db).await?;
        let revoked = Update::table("user_perms")
            .set_null("active")
            .set("revoke_event", event)
            .set("revoker_id", user)
            .clause("active = TRUE AND user_id = ?", [user.into()])
            .clause("perm_id = ?", [permission_id(db, permission).await?.into()])
            .run(db)
            .await?;
        if revoked == 0 {
            Err(error::generic(format!("user {name} does not have permission {permission}")))
        } else {
            Ok(())
        }
    })
    .await
}

/// Creates a builder host, enabled, with its user and password; an existing one gets the password, and the
/// channels that it lacks.
pub async fn create_host(
    database: &DatabaseConnection,
    options: &Options,
    name: &str,
    password: &str,
    arches: &[String],
    channels: &[String],
    capacity: f64,
) -> Rpc<()> {
    names::check_host(options, name)?;
    let arches = arches.join(" ");
    let arches = arch::parse_list(&arches).map_err(|e| error::generic(e.to_string()))?.join(" ");
    if arches.is_empty() || !capacity.is_finite() || capacity <= 1.0 {
        return Err(error::generic("a host needs an arch, and a capacity greater than 1"));
    }
    in_transaction(database, async |db| {
        let user = find_or_create_user(db, name, Some(password), UserType::Host).await?;
        let event = new_event(db).await?;
        let known = db.value::<i32>("SELECT id FROM host WHERE name = ?", vec![name.into()]).await?;
        let host = match known {
            Some(id) => id,
            None => {
                let id = Insert::into("host").set("user_id", user).set("name", name).returning_id(db).await?;
                Insert::into("host_config")
                    .set("host_id", id)
                    .set("arches", arches)
                    .set("capacity", capacity)
                    .set("create_event", event)
                    .set("creator_id", user)
                    .set("active", true)
                    .run(db)
                    .await?;
                id
            }
        };
        for channel in std::iter::once("default").chain(channels.iter().map(String::as_str)) {
            join_channel(db, host, channel, event, user).await?;
        }
        Ok(())
    })
    .await
}

async fn join_channel(db: &Db, host: i32, channel: &str, event: i32, user: i32) -> Rpc<()> {
    let id = db
        .value::<i32>("SELECT id FROM channels WHERE name = ?", vec![channel.into()])
        .await?
        .ok_or_else(|| error::generic(format!("there is no channel {channel}")))?;
    let member = "SELECT 1 FROM host_channels WHERE host_id = ? AND channel_id = ? AND active = TRUE";
    if db.exists(member, vec![host.into(), id.into()]).await? {
        return Ok(());
    }
    Insert::into("host_channels")
        .set("host_id", host)
        .set("channel_id", id)
        .set("create_event", event)
        .set("creator_id", user)
        .set("active", true)
        .run(db)
        .await
}

/// An existing user must be of the kind.
async fn find_or_create_user(db: &Db, name: &str, password: Option<&str>, kind: UserType) -> Rpc<i32> {
    let Some(user) = store::find_by_name(db, name).await? else {
        return Insert::into("users")
            .set("name", name)
            .set("password", password.map(str::to_string))
            .set("status", UserStatus::Normal.code())
            .set("usertype", kind.code())
            .returning_id(db)
            .await;
    };
    if user.user_type != Some(kind.code()) {
        return Err(error::generic(format!("{name} is there already, and is not of type {}", kind.name())));
    }
    if let Some(password) = password {
        Update::table("users").set("password", password).clause("id = ?", [user.id.into()]).run(db).await?;
    }
    Ok(user.id)
}

async fn grant_in(db: &Db, user: i32, permission: &str) -> Rpc<()> {
    let permission = permission_id(db, permission).await?;
    let has = "SELECT 1 FROM user_perms WHERE user_id = ? AND perm_id = ? AND active = TRUE";
    if db.exists(has, vec![user.into(), permission.into()]).await? {
        return Ok(());
    }
    Insert::into("user_perms")
        .set("user_id", user)
        .set("perm_id", permission)
        .set("create_event", new_event(db).await?)
        .set("creator_id", user)
        .set("active", true)
        .run(db)
        .await
}

async fn user_id(db: &Db, name: &str) -> Rpc<i32> {
    db.value("SELECT id FROM users WHERE name = ?", vec![name.into()])
        .await?
        .ok_or_else(|| error::generic(format!("there is no user {name}")))
}

async fn permission_id(db: &Db, name: &str) -> Rpc<i32> {
    db.value("SELECT id FROM permissions WHERE name = ?", vec![name.into()])
        .await?
        .ok_or_else(|| error::generic(format!("there is no permission {name}")))
}

async fn new_event(db: &Db) -> Rpc<i32> {
    Insert::into("events").set("time", Utc::now()).returning_id(db).await
}

async fn in_transaction(database: &DatabaseConnection, work: impl AsyncFnOnce(&Db) -> Rpc<()>) -> Rpc<()> {
    let db = Db::new(database, true);
    match work(&db).await {
        Ok(()) => db.commit().await,
        Err(e) => {
            db.rollback().await?;
            Err(e)
        }
    }
}
