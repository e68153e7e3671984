//! Who may import for which content generator.

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::{Value, value};

use crate::db::{Insert, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, NameOrId};

/// The content generators that somebody may import for, by name: `id` and `users` (names) of each.
#[rpc("listCGs()", read)]
pub async fn list_cgs(call: &mut Call) -> Rpc<BTreeMap<String, Value>> {
    let rows = Select::from("cg_users")
        .join("content_generator ON content_generator.id = cg_users.cg_id")
        .join("users ON users.id = cg_users.user_id")
        .columns(&[("content_generator.id", "id"), ("content_generator.name", "name"), ("users.name", "user")])
        .column("users.id", "user_id")
        .at_event("cg_users", None)
        .order("id,user_id")
        .all(&call.db)
        .await?;
    let mut generators: BTreeMap<String, (i32, Vec<String>)> = BTreeMap::new();
    for row in rows {
        let id = row.int("id")?;
        let (_, users) = generators.entry(row.text("name").into()).or_insert_with(|| (id, vec![]));
        users.push(row.text("user").into());
    }
    Ok(generators.into_iter().map(|(name, (id, users))| (name, value!({ "id": id, "users": users }))).collect())
}

/// Lets a user import for a content generator, which `create` makes if there is none. One who may already is a
/// fault.
#[rpc("grantCGAccess(user, cg, create=False)", write, perm = "admin")]
pub async fn grant_cg_access(call: &mut Call, user: UserRef, cg: NameOrId, create: bool) -> Rpc<()> {
    let user = users::get(call, &user).await?;
    let cg = match create {
        true => lookup::get_or_create(&call.db, Table::ContentGenerator, &cg).await?,
        false => lookup::get(&call.db, Table::ContentGenerator, &cg).await?,
    };
    let has = "SELECT 1 FROM cg_users WHERE active = TRUE AND cg_id = ? AND user_id = ?";
    if call.db.exists(has, vec![cg.id.into(), user.id.into()]).await? {
        return Err(error::generic(format!("User already has access to content generator {}", cg.name)));
    }
    call.open_version(Insert::into("cg_users").set("cg_id", cg.id).set("user_id", user.id)).await
}

/// Ends a user's right to import for a content generator; who has none keeps none.
#[rpc("revokeCGAccess(user, cg)", write, perm = "admin")]
pub async fn revoke_cg_access(call: &mut Call, user: UserRef, cg: NameOrId) -> Rpc<()> {
    let user = users::get(call, &user).await?;
    let cg = lookup::get(&call.db, Table::ContentGenerator, &cg).await?;
    call.revoke_versions("cg_users", "cg_id = ? AND user_id = ?", [cg.id.into(), user.id.into()]).await?;
    Ok(())
}
