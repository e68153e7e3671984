//! What a build is besides its RPMs: a Maven, Windows or image build, or of a type that somebody added.

use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, ValueExt};

use super::new::{self, NewBuild};
use super::store::{self, Build, BuildRef};
use crate::db::{Insert, Row, RowExt, Select, Update};
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg};

/// Makes a build a Maven build: `maven_info` has `group_id`, `artifact_id` and `version`.
///
/// If there is no such build, one is made from a struct with `name`, `version`, `release` and `epoch`.
/// Faults: a draft; Maven is off; other data than the build already has (1005).
#[rpc("createMavenBuild(build_info, maven_info)", write, perm = "maven-import")]
pub async fn create_maven_build(call: &mut Call, build_info: Value, maven_info: Value) -> Rpc<()> {
    if !call.hub.options.enable_maven {
        return Err(error::generic("Maven support not enabled"));
    }
    let build = existing_or_new(call, build_info).await?;
    set_maven(call, &build, maven_info).await
}

/// Makes a build a Windows build: `win_info` has `platform`, which replaces one that it may already have.
///
/// If there is no such build, one is made from a struct with `name`, `version`, `release` and `epoch`.
/// Faults: a draft; Windows builds are off.
#[rpc("createWinBuild(build_info, win_info)", write, perm = "win-import")]
pub async fn create_win_build(call: &mut Call, build_info: Value, win_info: Value) -> Rpc<()> {
    if !call.hub.options.enable_win {
        return Err(error::generic("Windows support not enabled"));
    }
    let build = existing_or_new(call, build_info).await?;
    set_win(call, build.id, win_info).await
}

/// Makes a build an image build.
///
/// If there is no such build, one is made from a struct with `name`, `version`, `release` and `epoch`.
/// Faults: a draft.
#[rpc("createImageBuild(build_info)", write, perm = "image-import")]
pub async fn create_image_build(call: &mut Call, build_info: Value) -> Rpc<()> {
    let build = existing_or_new(call, build_info).await?;
    set_image(call, build.id).await
}

/// What a build is as a Maven build: a struct with `build_id`, `group_id`, `artifact_id` and `version`, or nil.
///
/// With `strict` a build that does not exist, or is no Maven build, is a fault.
#[rpc("getMavenBuild(buildInfo, strict=False)", read)]
pub async fn get_maven_build(call: &mut Call, build: BuildRef, strict: bool) -> Rpc<Option<Row>> {
    let columns = [("group_id", "group_id"), ("artifact_id", "artifact_id"), ("version", "version")];
    typed(call, &build, strict, "maven", &columns).await
}

/// What a build is as a Windows build: a struct with `build_id` and `platform`, or nil.
///
/// With `strict` a build that does not exist, or is no Windows build, is a fault.
#[rpc("getWinBuild(buildInfo, strict=False)", read)]
pub async fn get_win_build(call: &mut Call, build: BuildRef, strict: bool) -> Rpc<Option<Row>> {
    typed(call, &build, strict, "win", &[("platform", "platform")]).await
}

/// A struct with `build_id` if the build is an image build, else nil.
///
/// With `strict` a build that does not exist, or is no image build, is a fault.
#[rpc("getImageBuild(buildInfo, strict=False)", read)]
pub async fn get_image_build(call: &mut Call, build: BuildRef, strict: bool) -> Rpc<Option<Row>> {
    typed(call, &build, strict, "image", &[]).await
}

/// The types of a build: a struct whose keys are their names, whose values what is known of the build as such.
///
/// For `maven`, `win` and `image` these are the structs of `getMavenBuild` and so on, for others what stands
/// in the build's `extra` under `typeinfo`. Nil if there is no such build; a fault with `strict`.
#[rpc("getBuildType(buildInfo, strict=False)", read)]
pub async fn get_build_type(call: &mut Call, build_info: Value, strict: bool) -> Rpc<Option<Struct>> {
    let (id, extra) = match &build_info {
        // The answer of getBuild is taken as it is.
        Value::Struct(given) if given.contains_key("extra") && given.contains_key("id") => {
            (i32::from_arg(given["id"].clone(), "id")?, given["extra"].clone())
        }
        _ => {
            let build = BuildRef::from_arg(build_info, "buildInfo")?;
            match store::find(&call.db, &build).await? {
                Some(mut build) => (build.id, build.row.remove("extra").unwrap_or(Value::Nil)),
                None if strict => return Err(store::no_such(&build)),
                None => return Ok(None),
            }
        }
    };
    of_build(call, id, &extra).await.map(Some)
}

/// See `getBuildType`; `extra` is the build's.
pub async fn of_build(call: &mut Call, build_id: i32, extra: &Value) -> Rpc<Struct> {
    let names: Vec<String> = call
        .db
        .values(
            "SELECT btype.name FROM btype JOIN build_types ON btype_id = btype.id WHERE build_id = ?",
            vec![build_id.into()],
        )
        .await?;
    let told = |name: &str| extra.get("typeinfo").and_then(|t| t.get(name)).cloned().unwrap_or(Value::Nil);
    let mut types: Struct = names.into_iter().map(|name| (name.clone(), told(&name))).collect();
    let build = BuildRef::from(build_id);
    for (name, known) in [
        ("maven", get_maven_build(call, build.clone(), false).await?),
        ("win", get_win_build(call, build.clone(), false).await?),
        ("image", get_image_build(call, build, false).await?),
    ] {
        if let Some(known) = known {
            types.insert(name.into(), Value::Struct(known));
        }
    }
    Ok(types)
}

/// The build, made if there is none; a draft is refused.
async fn existing_or_new(call: &mut Call, info: Value) -> Rpc<Build> {
    let reference = BuildRef::from_arg(info.clone(), "build_info")?;
    let build = match store::find(&call.db, &reference).await? {
        Some(build) => build,
        None => {
            let (BuildRef::Nvr(nvr), Value::Struct(info)) = (&reference, info) else {
                return Err(error::generic(format!(
                    "No such build: {reference}; a new one is made from a struct with name, version, release, epoch"
                )));
            };
            if info.get("draft").is_some_and(ValueExt::is_true) {
                return Err(draft_refused(&nvr.to_string()));
            }
            let epoch = info
                .get("epoch")
                .ok_or_else(|| error::generic(format!("build_info of {nvr} does not have the mandatory epoch")))?;
            let epoch = Option::<i32>::from_arg(epoch.clone(), "epoch")?;
            let id = new::create(call, NewBuild::complete(call, nvr.clone(), epoch)?, false).await?;
            store::get(&call.db, &id.into()).await?
        }
    };
    refuse_draft(&build)?;
    Ok(build)
}

/// Only RPM builds may be drafts.
pub fn refuse_draft(build: &Build) -> Rpc<()> {
    if build.draft { Err(draft_refused(&build.nvr())) } else { Ok(()) }
}

fn draft_refused(nvr: &str) -> error::Error {
    error::generic(format!("{nvr} is a draft build, which is not supported here"))
}

/// Makes a build a Maven build; see `createMavenBuild`.
pub async fn set_maven(call: &mut Call, build: &Build, info: Value) -> Rpc<()> {
    let info = type_info(info, "maven_info")?;
    let known = get_maven_build(call, build.id.into(), false).await?;
    let field = |name: &str| match info.get(name) {
        Some(value) => String::from_arg(value.clone(), name),
        None => Err(error::generic(format!("maven_info does not have the mandatory {name}"))),
    };
    let (group, artifact, version) = (field("group_id")?, field("artifact_id")?, field("version")?);
    if let Some(known) = known {
        for (name, new) in [("group_id", &group), ("artifact_id", &artifact), ("version", &version)] {
            let current = known.text(name);
            if current != new {
                return Err(error::build(format!("{name} mismatch (current: {current}, new: {new})")));
            }
        }
        return Ok(());
    }
    Insert::into("maven_builds")
        .set("build_id", build.id)
        .set("group_id", group)
        .set("artifact_id", artifact)
        .set("version", version)
        .run(&call.db)
        .await?;
    store::add_type_named(&call.db, build.id, "maven").await
}

/// Makes a build a Windows build; see `createWinBuild`.
pub async fn set_win(call: &mut Call, build_id: i32, info: Value) -> Rpc<()> {
    let info = type_info(info, "win_info")?;
    let platform = match info.get("platform") {
        Some(value) => String::from_arg(value.clone(), "platform")?,
        None => return Err(error::generic("win_info does not have the mandatory platform")),
    };
    let known = get_win_build(call, build_id.into(), false).await?;
    if known.is_some() {
        Update::table("win_builds")
            .set("platform", platform)
            .clause("build_id = ?", [build_id.into()])
            .run(&call.db)
            .await?;
        return Ok(());
    }
    Insert::into("win_builds").set("build_id", build_id).set("platform", platform).run(&call.db).await?;
    store::add_type_named(&call.db, build_id, "win").await
}

/// Makes a build an image build.
pub async fn set_image(call: &mut Call, build_id: i32) -> Rpc<()> {
    if get_image_build(call, build_id.into(), false).await?.is_some() {
        return Ok(());
    }
    Insert::into("image_builds").set("build_id", build_id).run(&call.db).await?;
    store::add_type_named(&call.db, build_id, "image").await
}

fn type_info(info: Value, name: &str) -> Rpc<Struct> {
    match info {
        Value::Struct(info) if info.is_empty() => Err(error::generic(format!("{name} is empty"))),
        Value::Struct(info) => Ok(info),
        other => Err(error::generic(format!("Invalid type for {name}: {}", other.repr()))),
    }
}

async fn typed(
    call: &mut Call,
    build: &BuildRef,
    strict: bool,
    kind: &str,
    columns: &[(&str, &str)],
) -> Rpc<Option<Row>> {
    let Some(id) = store::find_id(&call.db, build).await? else {
        return if strict { Err(store::no_such(build)) } else { Ok(None) };
    };
    let row = Select::from(format!("{kind}_builds"))
        .column("build_id", "build_id")
        .columns(columns)
        .clause("build_id = ?", [id.into()])
        .one(&call.db)
        .await?;
    match row {
        None if strict => Err(error::generic(format!("no such {kind} build: {build}"))),
        row => Ok(row),
    }
}
