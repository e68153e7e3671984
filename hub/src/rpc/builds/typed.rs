//! What Maven, Windows and image builds of builders have in common: how they begin and how they end.

use chrono::Utc;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt};

use super::store::{self, Build};
use super::{new, next_release, notify, under_way};
use crate::db::Update;
use crate::error::{self, Error, Rpc};
use crate::rpc::{Call, FromArg, volumes};

/// How often the next release is tried while others take it.
const TRIES: i64 = 9;

/// Enters a build of a task that the calling host has open, as `info` (`name`, `version`, `release`, `epoch`)
/// describes it; without a release it gets the next one. Returns what was given, with `release`, `task_id`,
/// `owner`, `state`, `completion_time` (nil) and `id`.
pub async fn begin(call: &mut Call, task_id: i32, mut info: Struct) -> Rpc<Struct> {
    let id = if info.get("release").is_some_and(|release| !release.is_nil()) {
        let build = under_way::for_task(call, task_id, &info).await?;
        new::create(call, build, false).await?
    } else {
        with_next_release(call, task_id, &mut info).await?
    };
    let build = store::get(&call.db, &id.into()).await?;
    info.extend([
        ("id".into(), Value::Integer(id)),
        ("task_id".into(), Value::Integer(task_id)),
        ("owner".into(), Value::Integer(build.owner_id)),
        ("state".into(), Value::Integer(build.state.code())),
        ("completion_time".into(), Value::Nil),
    ]);
    Ok(info)
}

async fn with_next_release(call: &mut Call, task_id: i32, info: &mut Struct) -> Rpc<i32> {
    let part = |key: &str| match info.get(key) {
        Some(value) => String::from_arg(value.clone(), key),
        None => Err(error::generic(format!("No {key} value for build"))),
    };
    let (name, version) = (part("name")?, part("version")?);
    for incr in 1..=TRIES {
        let release = next_release::after_last(&call.db, &name, &version, incr).await?;
        info.insert("release".into(), Value::String(release));
        let build = under_way::for_task(call, task_id, info).await?;
        call.db.savepoint("next_release").await?;
        match new::create(call, build, false).await {
            Err(Error::Database(e)) if matches!(e.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) => {
                call.db.rollback_to("next_release").await?;
            }
            other => {
                call.db.release("next_release").await?;
                return other;
            }
        }
    }
    Err(error::generic(format!("Can't find available release of {name}-{version}")))
}

/// The build that a task is about to complete, moved to the volume that the policy chooses.
///
/// `kind` is what is imported: `maven`, `win` or `image`. A build that has ended otherwise is a general fault.
pub async fn about_to_complete(call: &mut Call, task_id: i32, build_id: i32, kind: &str) -> Rpc<Build> {
    let build = store::get(&call.db, &build_id.into()).await?;
    if !matches!(build.state, BuildState::Building | BuildState::Complete) {
        return Err(error::generic(format!("Unable to complete build {}: state is {}", build.nvr(), build.state)));
    }
    let mut data = Struct::from([
        ("build".into(), Value::Integer(build.id)),
        ("package".into(), Value::String(build.name.clone())),
        ("import".into(), Value::Boolean(true)),
        ("import_type".into(), Value::String(kind.into())),
    ]);
    volumes::policy::add_task(call, &mut data, Some(task_id)).await?;
    let volume = volumes::policy::chosen_or_default(call, data).await?;
    // What a complete build has stays where it is.
    if volume.id == build.volume_id || build.state == BuildState::Complete {
        return Ok(build);
    }
    Update::table("build").set("volume_id", volume.id).clause("id = ?", [build_id.into()]).run(&call.db).await?;
    store::get(&call.db, &build_id.into()).await
}

/// Marks a build COMPLETE, and tells everybody concerned.
pub async fn complete(call: &mut Call, task_id: i32, build: &Build) -> Rpc<()> {
    volumes::links::to_build(call, build).await?;
    Update::table("build")
        .set("state", BuildState::Complete.code())
        .set("completion_time", Utc::now())
        .clause("id = ?", [build.id.into()])
        .run(&call.db)
        .await?;
    notify::build_ended(call, task_id, build.id).await
}

/// A result's member; a fault (1019) names one that is missing.
pub fn field<T: FromArg>(results: &Struct, name: &str) -> Rpc<T> {
    let value = results.get(name).ok_or_else(|| error::param(format!("the results have no {name}")))?;
    T::from_arg(value.clone(), name)
}

/// Refuses a file whose name tells no type that is known (1005).
pub async fn check_file_type(call: &Call, name: &str) -> Rpc<()> {
    match crate::rpc::archives::type_of_file(&call.db, name).await? {
        Some(_) => Ok(()),
        None => Err(error::build(format!("unsupported file type: {name}"))),
    }
}
