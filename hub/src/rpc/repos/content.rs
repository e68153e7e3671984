//! What belongs to a repository, and the lists of it that builders read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use toji_proto::json::to_json_text;
use toji_proto::nvr::{Nvr, Nvra, is_debuginfo};
use toji_proto::paths::{self, BuildPlace, Tree};
use toji_proto::{Value, arch};

use super::comps::comps;
use super::maven::{self, Artifact};
use super::options::RepoOpts;
use super::{Call, Rpc};
use crate::db::{Row, RowExt};
use crate::error::Error;
use crate::files;
use crate::rpc::groups::store as groups;
use crate::rpc::packages::store as packages;
use crate::rpc::tagging::list_rpms;
use crate::rpc::tagging::listing::{Latest, Listing};
use crate::rpc::tags::store::Tag;

/// The link to the top of the file tree with which paths of RPMs begin.
const TOPLINK: &str = "toplink";

/// What belongs to a repository.
pub struct Content {
    opts: RepoOpts,
    arches: BTreeSet<String>,
    rpms: Vec<Rpm>,
    /// Names of packages.
    blocked: Vec<String>,
    groups: Vec<groups::Group>,
    artifacts: Vec<Artifact>,
}

struct Rpm {
    /// Below the top of the file tree.
    path: PathBuf,
    arch: String,
    row: Row,
}

impl Content {
    /// Reads it as of an event. Of each package the build that was tagged last belongs to it or, with the tag's
    /// setting `repo_include_all`, all of them.
    pub async fn read(call: &Call, tag: &Tag, event: i32, opts: &RepoOpts) -> Rpc<Self> {
        let db = &call.db;
        let all = tag.settings().get("repo_include_all").is_some_and(toji_proto::ValueExt::is_true);
        let listing = Listing {
            event: Some(event),
            inherit: true,
            latest: if all { Latest::All } else { Latest::Only(1.0) },
            ..Listing::of(tag.id)
        };
        let (rpms, builds) = list_rpms::rpms(db, &listing, None, false, true).await?;
        let list = packages::Wanted {
            tag_id: Some(tag.id),
            event: Some(event),
            inherit: true,
            with_owners: false,
            ..packages::Wanted::default()
        };
        let blocked = packages::read(db, &list).await?.into_iter().filter(|entry| entry.blocked);
        Ok(Self {
            opts: opts.clone(),
            arches: arches(tag, opts),
            rpms: located(&builds, rpms, opts)?,
            blocked: blocked.map(|entry| entry.package).collect(),
            groups: groups::unblocked(db, tag.id, Some(event), groups::Wanted::ALL).await?,
            artifacts: if opts.is_on("maven") { maven::artifacts(db, tag.id, event).await? } else { vec![] },
        })
    }
}

/// The arches that get lists of their own.
fn arches(tag: &Tag, opts: &RepoOpts) -> BTreeSet<String> {
    let own = tag.arches.as_deref().unwrap_or("").split_whitespace().map(arch::canonical);
    let source = opts.is_on("separate_src").then_some("src");
    own.filter(|arch| !matches!(*arch, "src" | "noarch")).chain(source).map(Into::into).collect()
}

/// The RPMs that may be in the repository, with their paths.
fn located(builds: &[Row], rows: Vec<Row>, opts: &RepoOpts) -> Rpc<Vec<Rpm>> {
    let tree = Tree::new("");
    let mut places: HashMap<i32, PathBuf> = HashMap::new();
    for build in builds {
        let place = BuildPlace {
            name: build.text("name"),
            version: build.text("version"),
            release: build.text("release"),
            volume: build.opt_text("volume_name"),
        };
        places.insert(build.int("build_id")?, tree.build(&place)?);
    }
    let mut rpms = Vec::new();
    for row in rows {
        if !opts.is_on("debuginfo") && is_debuginfo(row.text("name")) {
            continue;
        }
        let Some(place) = places.get(&row.int("build_id")?) else { continue };
        let text = |column: &str| row.text(column).to_owned();
        let nvr = Nvr { name: text("name"), version: text("version"), release: text("release"), epoch: None };
        let path = place.join(paths::rpm(&Nvra { nvr, arch: text("arch"), location: None })?);
        rpms.push(Rpm { path, arch: text("arch"), row });
    }
    Ok(rpms)
}

/// Writes the lists, the groups and the Maven artifacts into the repository's directory.
pub fn write(content: &Content, directory: &Path, top: &Path) -> Rpc<()> {
    let failed = || Error::io(format!("cannot write the lists of {}", directory.display()));
    let groups = directory.join("groups");
    let written = std::fs::create_dir(&groups)
        .and_then(|()| comps(content.groups.clone()))
        .and_then(|document| std::fs::write(groups.join("comps.xml"), document));
    written.map_err(failed())?;
    let mut lists = BTreeMap::new();
    for arch in &content.arches {
        lists.insert(arch.as_str(), Lists::create(&directory.join(arch), top, &content.blocked).map_err(failed())?);
    }
    for rpm in &content.rpms {
        let line = to_json_text(&Value::Struct(rpm.row.clone()));
        for arch in places(rpm, content) {
            if let Some(lists) = lists.get_mut(arch) {
                lists.add(&rpm.path, &line).map_err(failed())?;
            }
        }
    }
    lists.into_values().try_for_each(Lists::finish).map_err(failed())?;
    maven::write(&content.artifacts, directory, top)
}

/// The arches whose lists an RPM belongs to.
fn places<'a>(rpm: &'a Rpm, content: &'a Content) -> Vec<&'a str> {
    let binary = || content.arches.iter().map(String::as_str).filter(|arch| *arch != "src");
    match rpm.arch.as_str() {
        "src" => {
            let all = if content.opts.is_on("src") { binary().collect() } else { Vec::new() };
            let own = (content.opts.is_on("src") || content.opts.is_on("separate_src")).then_some("src");
            all.into_iter().chain(own).collect()
        }
        "noarch" => binary().collect(),
        arch => vec![arch::canonical(arch)],
    }
}

/// The lists of one arch, open for writing.
struct Lists {
    paths: BufWriter<File>,
    rpms: BufWriter<File>,
}

impl Lists {
    /// Makes the arch's directory.
    fn create(directory: &Path, top: &Path, blocked: &[String]) -> std::io::Result<Self> {
        std::fs::create_dir(directory)?;
        std::os::unix::fs::symlink(files::relative(directory, top), directory.join(TOPLINK))?;
        let blocked: String = blocked.iter().map(|name| format!("{name}\n")).collect();
        std::fs::write(directory.join("blocklist"), blocked)?;
        let create = |name: &str| File::create(directory.join(name)).map(BufWriter::new);
        Ok(Self { paths: create("pkglist")?, rpms: create("rpmlist.jsonl")? })
    }

    fn add(&mut self, path: &Path, row: &str) -> std::io::Result<()> {
        writeln!(self.paths, "{TOPLINK}/{}", path.display())?;
        writeln!(self.rpms, "{row}")
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.paths.flush()?;
        self.rpms.flush()
    }
}
