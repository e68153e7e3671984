//! A generator's build is imported.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::json::to_json_text;
use toji_proto::nvr::draft_release;
use toji_proto::paths::BuildPlace;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt, value};

use super::metadata::{Metadata, Told, need};
use super::outputs::{Kind, Output};
use super::{buildroots, reserve};
use crate::db::{Row, RowExt, Update, in_list};
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::archives::{self, Content, NewArchive};
use crate::rpc::builds::new::{self, NewBuild};
use crate::rpc::builds::store::{self as builds, Build, BuildRef};
use crate::rpc::builds::types;
use crate::rpc::imports::{self, Into};
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, NameOrId, volumes};

/// Imports a build that a content generator made elsewhere; returns it, as `getBuild`.
///
/// `metadata` tells of it, its buildroots and its files (a struct, JSON text, or the name of a file among the
/// uploads), which lie in the upload directory `directory`. `token` is needed if the build was reserved. Faults:
/// the caller may not import for the generator (1002), or the policy `cg_import` says no (1004); the build exists;
/// files and metadata that do not agree (1000).
#[rpc("CGImport(metadata, directory, token=None)", write)]
pub async fn cg_import(call: &mut Call, metadata: Value, directory: String, token: Option<String>) -> Rpc<Row> {
    let metadata = Metadata::read(call, metadata, &directory).await?;
    match need(&metadata.all, "metadata_version")? {
        Value::Integer(0) => {}
        other => return Err(error::generic(format!("No such metadata version: {}", other.repr()))),
    }
    let mut log = Vec::new();
    let told_buildroots = metadata.list("buildroots")?;
    let cg = reserve::access(call, &NameOrId::Name(buildroots::generator(&told_buildroots)?)).await?;
    let mut told = Told::read(&metadata)?;
    let reserved = target(call, &told, &cg, token.as_deref()).await?;
    let types = told.types();
    for btype in types.keys() {
        lookup::get(&call.db, Table::BuildType, &NameOrId::Name(btype.clone())).await?;
    }
    let owner = match told.owner.take() {
        Some(name) => users::get(call, &UserRef::Text(name)).await?.id,
        None => call.user_id()?,
    };
    let (told_outputs, roots) = (metadata.list("output")?, told_buildroots);
    let roots = read_buildroots(call, roots, &told_outputs, &mut log).await?;
    let mut outputs = Vec::new();
    for output in told_outputs {
        let output = Output::read(call, &metadata, output, &types, &mut log).await?;
        if !roots.iter().any(|root| root.key == output.buildroot) {
            return Err(error::generic(format!("Missing buildroot metadata for id {}", output.buildroot)));
        }
        outputs.push(output);
    }
    assert_policy(call, &told, &cg, outputs.iter().any(|output| output.metadata_only)).await?;
    let volume = volume(call, &told, &cg).await?;
    refuse_directory(call, &told, volume.as_ref()).await?;

    let build = match reserved {
        Some(reserved) => complete(call, reserved, &told, owner, volume).await?,
        None => create(call, &told, owner, &cg, volume).await?,
    };
    set_types(call, &build, types, outputs.iter().any(|output| matches!(output.kind, Kind::Rpm))).await?;
    let mut ids = BTreeMap::new();
    for root in roots {
        ids.insert(root.key.clone(), root.insert(call, cg.id).await?);
    }
    for output in outputs {
        let buildroot = ids.get(&output.buildroot).copied();
        import_output(call, &build, output, buildroot).await?;
    }
    volumes::links::to_build(call, &build).await?;
    let folder = call.hub.tree.build(&build.place())?;
    files::write(call, &folder.join("metadata.json"), metadata.raw.into_bytes()).await?;
    if !log.is_empty() {
        log.push("CG import was SUCCESSFUL.\n".into());
        files::write(call, &folder.join("data/logs/cg_import.log"), log.join("\n").into_bytes()).await?;
    }
    Ok(build.row)
}

/// The reserved build that is to be completed; nothing if a new one is to be made.
async fn target(call: &Call, told: &Told, cg: &Named, token: Option<&str>) -> Rpc<Option<Build>> {
    let Some(id) = told.build_id else {
        if token.is_some() {
            return Err(error::generic("Reservation token given, but no build_id in metadata"));
        }
        return match builds::find(&call.db, &BuildRef::Nvr(told.nvr.clone())).await? {
            Some(build) if !build.state.can_be_rebuilt() => {
                Err(error::generic(format!("Build already exists: {} (id={})", build.nvr(), build.id)))
            }
            _ => Ok(None),
        };
    };
    let build = builds::get(&call.db, &id.into()).await?;
    reserve::check_token(call, &build, cg, token).await?;
    let nvr = build.nvr();
    let refused = |why: String| Err(error::generic(format!("Build {nvr} ({id}) {why}")));
    if build.task_id.is_some() && build.task_id != told.task_id {
        return refused("is owned by another task".into());
    }
    if build.state != BuildState::Building {
        return refused("is not in BUILDING state".into());
    }
    if build.draft != told.draft {
        return refused("is a draft, or the metadata tell of one, but not both".into());
    }
    let release = match build.draft {
        true => draft_release(&told.nvr.release, id.into()),
        false => told.nvr.release.clone(),
    };
    if (&build.name, &build.version, &build.release) != (&told.nvr.name, &told.nvr.version, &release) {
        return refused(format!("is reserved, the metadata tell of {}", told.nvr));
    }
    if told.epoch_told && build.epoch != told.epoch {
        return refused("has another epoch".into());
    }
    Ok(Some(build))
}

async fn read_buildroots(
    call: &Call,
    told: Vec<Struct>,
    outputs: &[Struct],
    log: &mut Vec<String>,
) -> Rpc<Vec<buildroots::Told>> {
    let mut used = BTreeSet::new();
    for output in outputs {
        used.insert(need(output, "buildroot_id")?.repr().to_string());
    }
    let mut roots: Vec<buildroots::Told> = Vec::new();
    for root in told {
        let root = buildroots::Told::read(call, root, log).await?;
        if !used.contains(&root.key) {
            return Err(error::generic(format!("Buildroot id not used in output: {}", root.key)));
        }
        if roots.iter().any(|other| other.key == root.key) {
            return Err(error::generic(format!("Duplicate buildroot id in metadata: {}", root.key)));
        }
        roots.push(root);
    }
    Ok(roots)
}

async fn assert_policy(call: &Call, told: &Told, cg: &Named, metadata_only: bool) -> Rpc<()> {
    let data = Struct::from([
        ("package".into(), value!(&told.nvr.name)),
        ("version".into(), value!(&told.nvr.version)),
        ("release".into(), value!(&told.nvr.release)),
        ("btypes".into(), value!(told.types().into_keys().collect::<Vec<_>>())),
        ("source".into(), value!(told.source.clone())),
        ("draft".into(), value!(told.draft)),
        ("metadata_only".into(), value!(metadata_only)),
        ("cg_list".into(), value!([cg.id])),
    ]);
    call.assert_policy("cg_import", data, false).await
}

async fn volume(call: &Call, told: &Told, cg: &Named) -> Rpc<Option<Named>> {
    let data = Struct::from([
        ("package".into(), value!(&told.nvr.name)),
        ("version".into(), value!(&told.nvr.version)),
        ("release".into(), value!(&told.nvr.release)),
        ("source".into(), value!(told.source.clone())),
        ("cg_list".into(), value!([cg.id])),
        ("import".into(), value!(true)),
        ("import_type".into(), value!("cg")),
    ]);
    volumes::policy::chosen(call, data, false).await
}

/// What lies in the build's place already belongs to somebody else, unless an old build of that name is made
/// anew, whose remains go.
async fn refuse_directory(call: &Call, told: &Told, volume: Option<&Named>) -> Rpc<()> {
    let nvr = &told.nvr;
    let volume = volume.map(|volume| volume.name.as_str());
    let place = BuildPlace { name: &nvr.name, version: &nvr.version, release: &nvr.release, volume };
    let path = call.hub.tree.build(&place)?;
    if tokio::fs::symlink_metadata(&path).await.is_ok() {
        return Err(error::generic(format!("Destination directory already exists: {}", path.display())));
    }
    Ok(())
}

async fn create(call: &mut Call, told: &Told, owner: i32, cg: &Named, volume: Option<Named>) -> Rpc<Build> {
    let new = NewBuild {
        draft: told.draft,
        owner,
        task_id: told.task_id,
        volume_id: volume.map_or(0, |volume| volume.id),
        cg_id: Some(cg.id),
        source: told.source.clone(),
        extra: Some(Value::Struct(told.extra.clone())),
        start_time: Some(told.start_time),
        completion_time: Some(told.end_time),
        ..NewBuild::complete(call, told.nvr.clone(), told.epoch)?
    };
    let id = new::create(call, new, false).await?;
    builds::get(&call.db, &id.into()).await
}

/// A reserved build keeps when it was begun, and was completed just now.
async fn complete(call: &mut Call, build: Build, told: &Told, owner: i32, volume: Option<Named>) -> Rpc<Build> {
    let mut update = Update::table("build")
        .set("state", BuildState::Complete.code())
        .set("completion_time", Utc::now())
        .set("extra", to_json_text(&Value::Struct(told.extra.clone())))
        .set("owner", owner)
        .set("source", told.source.clone())
        .set("task_id", told.task_id);
    if let Some(volume) = volume {
        update = update.set("volume_id", volume.id);
    }
    update.clause("id = ?", [build.id.into()]).run(&call.db).await?;
    reserve::clear(call, build.id).await?;
    builds::get(&call.db, &build.id.into()).await
}

async fn set_types(call: &mut Call, build: &Build, types: Struct, has_rpms: bool) -> Rpc<()> {
    let names_rpm = types.contains_key("rpm");
    for (btype, info) in types {
        match btype.as_str() {
            "maven" => types::set_maven(call, build, info).await?,
            "win" => types::set_win(call, build.id, info).await?,
            "image" => types::set_image(call, build.id).await?,
            other => builds::add_type_named(&call.db, build.id, other).await?,
        }
    }
    if has_rpms && !names_rpm {
        builds::add_type_named(&call.db, build.id, "rpm").await?;
    }
    Ok(())
}

async fn import_output(call: &mut Call, build: &Build, output: Output, buildroot: Option<i32>) -> Rpc<()> {
    let Output { path, filename, size, sum, metadata_only, subdir, extra, kind, .. } = output;
    match kind {
        Kind::Rpm if metadata_only => Err(error::generic("Metadata-only imports are not supported for rpms")),
        Kind::Rpm => imports::add_rpm(call, &path, Into::Build(build), buildroot, extra.as_ref()).await.map(drop),
        Kind::Log if metadata_only => Ok(()),
        Kind::Log => imports::import_log(call, &path, build, subdir.as_deref()).await,
        Kind::Archive { btype, info, components } => {
            let content = match metadata_only {
                true => Content::MetadataOnly { filename, size, sum },
                false => Content::Upload { path, sum: Some(sum) },
            };
            let new = NewArchive {
                build,
                btype: &btype,
                type_info: &info,
                content,
                buildroot,
                extra: extra.as_ref(),
                subdir: subdir.as_deref(),
            };
            let archive = archives::add(call, new).await?.int("id")?;
            crate::rpc::builds::add_archive_rpms(call, &[archive], components.rpms).await?;
            add_parts(call, archive, components.archives).await
        }
    }
}

/// Notes which archives are in an archive.
async fn add_parts(call: &Call, archive: i32, parts: BTreeSet<i32>) -> Rpc<()> {
    let parts: Vec<i32> = parts.into_iter().collect();
    let (clause, among) = in_list(call.db.is_postgres(), "archiveinfo.id", &parts);
    let sql = format!(
        "INSERT INTO archive_components (archive_id, component_id) \
         SELECT {archive}, archiveinfo.id FROM archiveinfo WHERE {clause} ORDER BY archiveinfo.id"
    );
    call.db.execute(&sql, among).await?;
    Ok(())
}
