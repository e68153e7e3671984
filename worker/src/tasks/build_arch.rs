//! `buildArch`: the packages of one source package for one arch.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::in_root::{any_arch, check_arches, close, fetch_srpm, file_name, log_paths, repository, shown};
use crate::args;
use crate::buildroot::{Root, Wanted};
use crate::members;
use crate::rpms::{Header, content_hash};
use crate::task::{Handler, Task, TaskError};
use crate::value::{Value, ValueExt};

/// What a build weighs at least.
const WEIGHT: f64 = 1.5;
/// Each so many seconds that the package's builds usually take weigh one more, up to a limit.
const SECONDS_PER_WEIGHT: f64 = 4800.0;
const MOST_ADDED: f64 = 18.0;
/// How many months of earlier builds count.
const MONTHS: i32 = 6;
/// Where the hub looks for hashes of noarch packages.
const NOARCH_HASHES: &str = "noarch_rpmdiff.json";

pub struct BuildArch;

#[async_trait]
impl Handler for BuildArch {
    fn methods(&self) -> &'static [&'static str] {
        &["buildArch"]
    }

    fn weight(&self, _: &Task) -> f64 {
        WEIGHT
    }

    async fn check_host(&self, task: &Task) -> Result<(), String> {
        match task.args().ok().as_ref().and_then(|args| args.get("root")) {
            Some(tag) => check_arches(task, tag).await,
            None => Ok(()),
        }
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let (tag, arch) = (args.need("root")?, args.str("arch")?);
        let opts = args.opts("opts")?;
        let (repo_id, event) = repository(task, &opts).await?;
        let (srpm, header) = fetch_srpm(task, args.str("pkg")?).await?;
        weigh(task, &header.name).await?;
        let root_arch = match arch {
            // The parent may have chosen the arch of the task because the package forbids others.
            "noarch" => any_arch(task, tag, &event, Some(&task.arch)).await?,
            arch => arch.to_owned(),
        };
        let wanted = Wanted { group: "build", arch: &root_arch, network: false, credentials: None };
        let mut root = Root::open(task, tag, repo_id, &wanted).await?;
        let keep_srpm = args.flag("keep_srpm");
        let work = async {
            root.init().await?;
            root.build(&srpm, arch).await?;
            deliver(task, &root, keep_srpm).await
        };
        let used = work.await;
        close(root, used).await
    }
}

/// Long builds weigh more, going by earlier builds of the package.
async fn weigh(task: &Task, package: &str) -> Result<(), TaskError> {
    let named = members! { "age" => MONTHS };
    let average = task.hub.call_named("getAverageBuildDuration", args![package], named).await?;
    match average.as_f64() {
        Some(seconds) if seconds > 0.0 => {
            task.set_weight(WEIGHT + (seconds / SECONDS_PER_WEIGHT).min(MOST_ADDED)).await
        }
        _ => Ok(()),
    }
}

/// Uploads what was made and tells where it is.
async fn deliver(task: &Task, root: &Root, keep_srpm: bool) -> Result<Value, TaskError> {
    let (sources, packages) = root.results()?;
    let mut logs = root.logs();
    let mut hashes = BTreeMap::new();
    for path in packages.iter().filter(|path| file_name(path).ends_with(".noarch.rpm")) {
        hashes.insert(file_name(path), content_hash(path)?);
    }
    if !hashes.is_empty() {
        let path = task.workdir.join(NOARCH_HASHES);
        let text = serde_json::json!({ task.id.to_string(): hashes }).to_string();
        std::fs::write(&path, text).map_err(|error| TaskError::io(path.display(), error))?;
        task.upload_file(&path, None, None).await?;
        logs.push(NOARCH_HASHES.to_owned());
    }
    let mut rpms = Vec::new();
    for path in &packages {
        rpms.push(task.upload_file(path, None, None).await?);
    }
    let mut srpms = Vec::new();
    if keep_srpm {
        let srpm = match sources.as_slice() {
            [srpm] => srpm,
            [] => return Err(TaskError::build("the build kept no source package")),
            several => return Err(TaskError::build(format!("several source packages came out: {}", shown(several)))),
        };
        let header = Header::read_source(srpm)?;
        let tags = [("packager", header.packager), ("vendor", header.vendor), ("distribution", header.distribution)];
        if let Some((name, _)) = tags.iter().find(|(_, value)| value.is_none()) {
            return Err(TaskError::build(format!("the source package came out without its {name} tag")));
        }
        srpms.push(task.upload_file(srpm, None, None).await?);
    }
    Ok(Value::Struct(members! {
        "rpms" => rpms, "srpms" => srpms, "logs" => log_paths(task, logs), "brootid" => root.id,
    }))
}
