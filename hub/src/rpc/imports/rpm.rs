//! One RPM becomes part of a build.

use std::path::Path;

use toji_proto::json::to_json_text;
use toji_proto::nvr::{self, Nvra};
use toji_proto::states::BuildState;
use toji_proto::value::Record;
use toji_proto::{Struct, Value, paths};

use crate::db::Insert;
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::builds::new::{self, NewBuild};
use crate::rpc::builds::store::{self, Build};
use crate::rpc::rpms::store::{self as rpms, RpmRef};
use crate::rpc::signatures;
use crate::rpc::{Call, rpms::store::RpmEntry};
use crate::rpmfile::{Facts, RpmFile};

/// What an RPM is imported into.
pub enum Into<'a> {
    /// The build that its source package says; a source package makes one if there is none.
    Own,
    /// This build, whose source package it must come from.
    Build(&'a Build),
    /// This build, whatever its source package: RPMs that wrap a Maven build.
    Wrapped(&'a Build),
}

/// An RPM that was imported.
pub struct Imported {
    pub rpm: RpmEntry,
    pub build: Build,
    facts: Facts,
    buildroot: Option<i32>,
}

impl Imported {
    /// The answer of `importRPM`.
    pub fn into_struct(self) -> Struct {
        let mut row = Record(self.rpm.row);
        for column in ["extra", "metadata_only", "external_repo_name"] {
            row.0.remove(column);
        }
        row.set("build", Value::Struct(self.build.row))
            .set("brootid", self.buildroot)
            .set("sourcepackage", self.facts.source.then_some(1))
            .set("sourcerpm", self.facts.source_rpm)
            .0
    }
}

/// Imports an uploaded RPM: enters it with the signature that it carries, and puts its file in its place.
///
/// Faults (1000): no RPM, or not named as its header says; no build for it, or one that FAILED, is CANCELED
/// or DELETED; it has been imported before.
pub async fn add_rpm(
    call: &mut Call,
    path: &Path,
    into: Into<'_>,
    buildroot: Option<i32>,
    extra: Option<&Value>,
) -> Rpc<Imported> {
    files::upload_size(path).await?;
    let file = RpmFile::open(path).await?;
    let facts = file.facts()?;
    let basename = path.file_name().unwrap_or_default().to_string_lossy();
    let expected = format!("{}.rpm", facts.nvra);
    if basename != expected {
        return Err(error::generic(format!("bad filename: {basename} (expected {expected})")));
    }
    let build = match into {
        Into::Own => own_build(call, &facts).await?,
        Into::Wrapped(build) => build.clone(),
        Into::Build(build) => {
            check_source(&facts, build, path, &basename)?;
            build.clone()
        }
    };
    if matches!(build.state, BuildState::Failed | BuildState::Canceled | BuildState::Deleted) {
        return Err(error::generic(format!("Build is {}: {}", build.state, build.nvr())));
    }
    refuse_second(call, &facts.nvra, &build).await?;
    store::add_type_named(&call.db, build.id, "rpm").await?;
    let Nvra { nvr, arch, .. } = &facts.nvra;
    let id = Insert::into("rpminfo")
        .set("build_id", build.id)
        .set("draft", build.draft)
        .set("buildroot_id", buildroot)
        .set("name", nvr.name.clone())
        .set("version", nvr.version.clone())
        .set("release", nvr.release.clone())
        .set("epoch", facts.epoch)
        .set("arch", arch.clone())
        .set("external_repo_id", 0)
        .set("payloadhash", facts.payload_hash.clone())
        .set("size", file.size as i64)
        .set("buildtime", facts.build_time)
        .set("extra", extra.map(to_json_text))
        .returning_id(&call.db)
        .await?;
    let rpm = rpms::get(&call.db, &RpmRef::from(id)).await?;
    let place = call.hub.tree.build(&build.place())?.join(paths::rpm(&facts.nvra)?);
    files::take_over(call, path, &place).await?;
    signatures::store::add(call, &rpm, &build, &file).await?;
    Ok(Imported { rpm, build, facts, buildroot })
}

async fn own_build(call: &mut Call, facts: &Facts) -> Rpc<Build> {
    let source = match &facts.source_rpm {
        None => facts.nvra.nvr.clone(),
        Some(name) => Nvra::parse(name).map_err(|e| error::generic(format!("{}: {e}", facts.nvra)))?.nvr,
    };
    match store::find(&call.db, &store::BuildRef::Nvr(source.clone())).await? {
        Some(build) => Ok(build),
        None if facts.source => {
            let id = new::create(call, NewBuild::complete(call, source, facts.epoch)?, false).await?;
            store::get(&call.db, &id.into()).await
        }
        None => Err(error::generic(format!("No such build: {source}"))),
    }
}

/// Refuses an RPM that does not come from the build's source package.
fn check_source(facts: &Facts, build: &Build, path: &Path, basename: &str) -> Rpc<()> {
    let release = match build.draft {
        true => nvr::target_release(&build.release).map_err(|e| error::generic(e.to_string()))?,
        false => &build.release,
    };
    let expected = format!("{}-{}-{release}.src.rpm", build.name, build.version);
    let source = if facts.source { basename } else { facts.source_rpm.as_deref().unwrap_or_default() };
    if source == expected {
        return Ok(());
    }
    Err(error::generic(format!("srpm mismatch for {}: {source} (expected {expected})", path.display())))
}

/// A draft may have what the regular build has, but nothing twice.
async fn refuse_second(call: &Call, nvra: &Nvra, build: &Build) -> Rpc<()> {
    let same = rpms::find_all(&call.db, &RpmRef::named(nvra.clone(), None)).await?;
    let taken =
        same.iter().any(|rpm| rpm.build_id == Some(build.id) || !(rpm.is_external() || rpm.draft || build.draft));
    if taken { Err(error::generic(format!("RPM {nvra} is there already"))) } else { Ok(()) }
}
