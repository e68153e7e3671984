//! `host.updateMavenBuildRootList`: which archives a Maven build used, found by what lies in its local repository.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::Regex;
use toji_hub_macros::rpc;
use toji_proto::states::BuildrootState;
use toji_proto::{Struct, Value, ValueExt};

use super::{archives, store};
use crate::db::{Db, RowExt};
use crate::error::{self, Rpc};
use crate::rpc::archives::store as archive_store;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::repos::store as repos;
use crate::rpc::tagging::listing::Listing;
use crate::rpc::tagging::maven_archives;
use crate::rpc::uploads::list_task_output;
use crate::rpc::{Call, FromArg};

/// Enters the archives that a task's buildroot used: `mavenlist` has structs with `maven_info` (`group_id,
/// artifact_id, version`) and `files` (structs with `filename`, `size` and `path`).
///
/// They come from the builds that the buildroot's repository had, or from `extra_deps`: builds, and tasks (by id)
/// whose uploads are used but are no archives. `ignore`, like `mavenlist`, has what else may be there. `project`:
/// they are dependencies of what is built, not of the environment.
///
/// Faults: not the caller's, or not the task's (1004); Maven is off, the buildroot is not BUILDING, an
/// unknown build (1000); a file that comes from nowhere or differs in size, unless `ignore_unknown` (1012).
#[rpc(
    "host.updateMavenBuildRootList(brootid, task_id, mavenlist, ignore=None, project=False, ignore_unknown=False, extra_deps=None)",
    write,
    host
)]
pub async fn host_update_maven_build_root_list(
    call: &mut Call,
    brootid: i32,
    task_id: i32,
    mavenlist: Vec<Value>,
    ignore: Option<Vec<Value>>,
    project: bool,
    ignore_unknown: bool,
    extra_deps: Option<Vec<Value>>,
) -> Rpc<()> {
    if !call.hub.options.enable_maven {
        return Err(error::generic("Maven support not enabled"));
    }
    let (buildroot, standard) = store::get_own(call, brootid, Some(task_id)).await?;
    let repo = repos::get(&call.db, standard.repo_id).await?;
    let mut sources = Sources::of_repo(&call.db, repo.tag_id, repo.create_event).await?;
    for entry in ignore.unwrap_or_default() {
        let entry = Entry::read(entry)?;
        entry.files.into_iter().for_each(|file| sources.ignore(&entry.gav, file));
    }
    for source in extra_deps.unwrap_or_default() {
        match source {
            Value::Integer(task) => sources.add_task(call, task).await?,
            build => sources.add_build(&call.db, &BuildRef::from_arg(build, "extra_deps")?).await?,
        }
    }
    let mut used = BTreeSet::new();
    for entry in mavenlist {
        let entry = Entry::read(entry)?;
        let known = sources.archives(&call.db, &entry.gav).await?;
        for file in entry.files {
            match known.get(&file.name) {
                Some((id, size)) if *size == file.size => {
                    used.insert(*id);
                }
                _ if ignore_unknown || sources.ignores(&entry.gav, &file) => {}
                _ => {
                    let File { path, name, size } = file;
                    let text = format!("Unknown file in the build environment: {path}/{name}, size {size}");
                    return Err(error::buildroot(text));
                }
            }
        }
    }
    buildroot.assert_state(BuildrootState::Building)?;
    archives::add(call, brootid, used, project).await
}

/// Group, artifact and version.
type Gav = (String, String, String);

/// What a local repository has of one project.
struct Entry {
    gav: Gav,
    files: Vec<File>,
}

struct File {
    /// Where it lies; only for messages.
    path: String,
    name: String,
    size: i64,
}

impl Entry {
    fn read(entry: Value) -> Rpc<Self> {
        let entry = Struct::from_arg(entry, "mavenlist")?;
        let info: Struct = member(&entry, "maven_info")?;
        let files = member::<Vec<Struct>>(&entry, "files")?.iter().map(File::read).collect::<Rpc<_>>()?;
        Ok(Self { gav: (member(&info, "group_id")?, member(&info, "artifact_id")?, member(&info, "version")?), files })
    }
}

impl File {
    fn read(file: &Struct) -> Rpc<Self> {
        let path = file.get("path").and_then(ValueExt::as_str).unwrap_or_default().to_string();
        Ok(Self { path, name: member(file, "filename")?, size: member(file, "size")? })
    }
}

fn member<T: FromArg>(fields: &Struct, name: &str) -> Rpc<T> {
    match fields.get(name) {
        Some(value) => T::from_arg(value.clone(), name),
        None => Err(error::param(format!("{name} is missing"))),
    }
}

/// Where the files of a local repository may come from.
#[derive(Default)]
struct Sources {
    builds: HashMap<Gav, i32>,
    ignored: HashMap<(Gav, String), i64>,
}

impl Sources {
    /// The builds that a repository of a tag had.
    async fn of_repo(db: &Db, tag_id: i32, event: i32) -> Rpc<Self> {
        let mut sources = Self::default();
        let listing = Listing { event: Some(event), inherit: true, ..Listing::of(tag_id) };
        for archive in maven_archives(db, &listing).await? {
            let text = |column: &str| archive.text(column).to_string();
            let gav = (text("group_id"), text("artifact_id"), text("version"));
            sources.builds.entry(gav).or_insert(archive.int("build_id")?);
        }
        Ok(sources)
    }

    /// Its archives win over those of the repository.
    async fn add_build(&mut self, db: &Db, build: &BuildRef) -> Rpc<()> {
        let build = builds::get(db, build).await?;
        let sql = "SELECT DISTINCT group_id, artifact_id, version FROM maven_archives \
             JOIN archiveinfo ON archiveinfo.id = maven_archives.archive_id WHERE build_id = ?";
        for row in db.rows(sql, vec![build.id.into()]).await? {
            let text = |column: &str| row.text(column).to_string();
            self.builds.insert((text("group_id"), text("artifact_id"), text("version")), build.id);
        }
        Ok(())
    }

    /// What a task uploaded in the layout of a Maven repository: `group/artifact/version/file`.
    async fn add_task(&mut self, call: &mut Call, task_id: i32) -> Rpc<()> {
        let Value::Struct(files) = list_task_output(call, Value::Integer(task_id), true, false, false).await? else {
            return Ok(());
        };
        for (path, about) in files {
            let mut parts: Vec<&str> = path.split('/').collect();
            let wanted = ![".log", ".md5", ".sha1"].iter().any(|end| path.ends_with(end));
            if let (true, Some(name), Some(version), Some(artifact)) = (wanted, parts.pop(), parts.pop(), parts.pop())
                && !parts.is_empty()
            {
                let gav = (parts.join("."), artifact.to_string(), version.to_string());
                let size = i64::from_arg(about.get("st_size").cloned().unwrap_or(Value::Nil), "st_size")?;
                self.ignore(&gav, File { path: String::new(), name: name.to_string(), size });
            }
        }
        Ok(())
    }

    /// A snapshot with a time in its name is there under its plain name as well.
    fn ignore(&mut self, gav: &Gav, file: File) {
        static SNAPSHOT: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"-\d{8}\.\d{6}-\d+").expect("a valid expression"));
        let plain = SNAPSHOT.replace_all(&file.name, "-SNAPSHOT").into_owned();
        self.ignored.insert((gav.clone(), plain), file.size);
        self.ignored.insert((gav.clone(), file.name), file.size);
    }

    fn ignores(&self, gav: &Gav, file: &File) -> bool {
        self.ignored.get(&(gav.clone(), file.name.clone())) == Some(&file.size)
    }

    /// The archives that a project's build has of it: id and size, by file name.
    async fn archives(&self, db: &Db, gav: &Gav) -> Rpc<HashMap<String, (i32, i64)>> {
        let Some(build_id) = self.builds.get(gav) else { return Ok(HashMap::new()) };
        let (group, artifact, version) = gav.clone();
        let rows = archive_store::select()
            .join("maven_archives ON maven_archives.archive_id = archiveinfo.id")
            .clause("archiveinfo.build_id = ?", [(*build_id).into()])
            .clause("group_id = ? AND artifact_id = ?", [group.into(), artifact.into()])
            .clause("version = ?", [version.into()])
            .all(db)
            .await?;
        let archive = |row: crate::db::Row| {
            let size = row.get("size").and_then(ValueExt::as_i64).unwrap_or(-1);
            Ok((row.text("filename").to_string(), (row.int("id")?, size)))
        };
        rows.into_iter().map(archive).collect()
    }
}
