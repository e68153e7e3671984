//! A generator reserves a build's name before it knows what will be in it.

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::nvr::Nvr;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt, value};

use super::metadata::text;
use crate::db::{Insert, Update};
use crate::error::{self, Rpc};
use crate::rpc::builds::new::{self, NewBuild};
use crate::rpc::builds::store::{self as builds, Build, BuildRef};
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{Call, FromArg, NameOrId};

/// Reserves a build for a generator that the caller may import for: `data` has `name`, `version`, `release`, and
/// may have `epoch`, `source`, `extra`, `task_id` and `draft`. Returns a struct with `build_id` and `token`,
/// which the import or the refund has to show.
///
/// A build that FAILED or was CANCELED is used again. Faults: not for the caller (1002); the build exists or is
/// reserved (1000).
#[rpc("CGInitBuild(cg, data)", write)]
pub async fn cg_init_build(call: &mut Call, cg: NameOrId, data: Struct) -> Rpc<Value> {
    let cg = access(call, &cg).await?;
    let name = data.get("name").filter(|name| name.is_true());
    let name = name.ok_or_else(|| error::generic("No name or package id provided for build"))?;
    let nvr = Nvr {
        name: String::from_arg(name.clone(), "name")?,
        version: text(&data, "version")?,
        release: text(&data, "release")?,
        epoch: None,
    };
    nvr.check().map_err(|e| error::generic(e.to_string()))?;
    let optional = |key: &str| data.get(key).cloned().unwrap_or(Value::Nil);
    let epoch = Option::<i32>::from_arg(optional("epoch"), "epoch")?;
    let build = NewBuild {
        state: BuildState::Building,
        completion_time: None,
        cg_id: Some(cg.id),
        draft: optional("draft").is_true(),
        source: Option::<String>::from_arg(optional("source"), "source")?,
        task_id: Option::<i32>::from_arg(optional("task_id"), "task_id")?,
        extra: Some(optional("extra")).filter(|extra| !extra.is_nil()),
        ..NewBuild::complete(call, nvr, epoch)?
    };
    let build_id = new::create(call, build, false).await?;
    if token_of(call, build_id).await?.is_some() {
        return Err(error::generic("Build is already reserved"));
    }
    let token = hex::encode(rand::random::<[u8; 32]>());
    Insert::into("build_reservations")
        .set("build_id", build_id)
        .set("token", token.clone())
        .set("created", Utc::now())
        .run(&call.db)
        .await?;
    Ok(value!({ "build_id": build_id, "token": token }))
}

/// Gives up a reservation: the build FAILED (3), or is CANCELED (4).
///
/// Faults: not for the caller (1002); another state, a build that is not under way, another's token, another
/// generator's build (1000).
#[rpc("CGRefundBuild(cg, build_id, token, state=3)", write)]
pub async fn cg_refund_build(call: &mut Call, cg: NameOrId, build: BuildRef, token: Value, state: Value) -> Rpc<()> {
    let ended = [BuildState::Failed, BuildState::Canceled];
    let state = ended.into_iter().find(|ended| state.as_i64() == Some(ended.code().into())).ok_or_else(|| {
        error::generic(format!("Only FAILED/CANCELED build states are allowed, not {}", state.repr()))
    })?;
    let cg = access(call, &cg).await?;
    let build = builds::get(&call.db, &build).await?;
    if build.state != BuildState::Building {
        return Err(error::generic(format!("Build ID {} is not in BUILDING state", build.id)));
    }
    check_token(call, &build, &cg, token.as_str()).await?;
    Update::table("build")
        .set("state", state.code())
        .set("completion_time", Utc::now())
        .clause("id = ?", [build.id.into()])
        .run(&call.db)
        .await?;
    clear(call, build.id).await
}

/// The generator, if the caller may import for it (1002); admins are no exception.
pub async fn access(call: &Call, cg: &NameOrId) -> Rpc<Named> {
    let cg = lookup::get(&call.db, Table::ContentGenerator, cg).await?;
    let user = call.identity.user().ok_or_else(|| error::auth("Not logged-in"))?;
    let sql = "SELECT 1 FROM cg_users WHERE active = TRUE AND cg_id = ? AND user_id = ?";
    if call.db.exists(sql, vec![cg.id.into(), user.user_id.into()]).await? {
        return Ok(cg);
    }
    Err(error::auth(format!("Content generator access required ({})", cg.name)))
}

/// Refuses who does not know the token of the build's reservation, or comes from another generator.
pub async fn check_token(call: &Call, build: &Build, cg: &Named, token: Option<&str>) -> Rpc<()> {
    let own = token_of(call, build.id).await?;
    if own.is_none() || own.as_deref() != token {
        return Err(error::generic(format!("Token doesn't match build ID {}", build.id)));
    }
    if build.cg_id != Some(cg.id) {
        return Err(error::generic(format!("Build ID {} is not reserved by this CG", build.id)));
    }
    Ok(())
}

async fn token_of(call: &Call, build_id: i32) -> Rpc<Option<String>> {
    call.db.value("SELECT token FROM build_reservations WHERE build_id = ?", vec![build_id.into()]).await
}

/// Ends a reservation.
pub async fn clear(call: &Call, build_id: i32) -> Rpc<()> {
    call.db.execute("DELETE FROM build_reservations WHERE build_id = ?", vec![build_id.into()]).await?;
    Ok(())
}
