//! `buildSRPMFromSCM`: a source package from git, Subversion or CVS.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::in_root::{any_arch, check_arches, close, deliver_srpm, repository};
use crate::args;
use crate::buildroot::{Root, SourceTree, Wanted, regular_files};
use crate::members;
use crate::scm::{Checkout, Scm};
use crate::task::{Handler, Task, TaskError};
use crate::value::{IntoValue, Lookup, Value, ValueExt};

pub struct BuildSrpmFromScm;

#[async_trait]
impl Handler for BuildSrpmFromScm {
    fn methods(&self) -> &'static [&'static str] {
        &["buildSRPMFromSCM"]
    }

    async fn check_host(&self, task: &Task) -> Result<(), String> {
        match task.args().ok().as_ref().and_then(|args| args.get("build_tag")) {
            Some(tag) => check_arches(task, tag).await,
            None => Ok(()),
        }
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let (tag, opts) = (args.need("build_tag")?, args.opts("opts")?);
        let scm = allowed(task, args.str("url")?, &opts).await?;
        let (repo_id, event) = repository(task, &opts).await?;
        let arch = any_arch(task, tag, &event, None).await?;
        // The command that fetches sources may need a lookaside cache.
        let credentials = task.config.scm_credentials_dir.clone().filter(|dir| dir.is_dir());
        let wanted = Wanted { group: "srpm-build", arch: &arch, network: true, credentials };
        let mut root = Root::open(task, tag, repo_id, &wanted).await?;
        let work = async {
            root.init().await?;
            let (source, checkout) = fetch(task, &scm).await?;
            root.build_srpm(&source).await?;
            let (_, mut result) = deliver_srpm(task, &root).await?;
            if let Some(Value::Array(logs)) = result.get_mut("logs") {
                logs.push(format!("{}/checkout.log", task.upload_dir()).into_value());
            }
            result.insert("source".into(), Value::Struct(checkout.source));
            Ok(Value::Struct(result))
        };
        let used = work.await;
        close(root, used).await
    }
}

/// The sources' address, if both gates let it pass.
async fn allowed(task: &Task, url: &str, opts: &Value) -> Result<Scm, TaskError> {
    let config = &task.config;
    let mut scm = Scm::parse(url, config.allow_password_in_scm_url)?;
    if config.allowed_scms_use_config {
        scm.check_list(&config.allowed_scms)?;
    }
    if config.allowed_scms_use_policy {
        let strict = members! { "strict" => true };
        let channel = task.hub.call_named("getChannel", args![task.channel_id], strict).await?;
        let mut data = scm.policy_data();
        data.extend(members! {
            "user_id" => task.owner,
            "channel" => channel.get_str("name"),
            "scratch" => opts.get("scratch").cloned(),
        });
        let answer = task.hub.call("evalPolicy", args!["build_from_scm", data]).await?;
        scm.check_policy(answer.as_str().unwrap_or_default())?;
    }
    Ok(scm)
}

/// Checks the sources out and finds the spec file in them.
async fn fetch(task: &Task, scm: &Scm) -> Result<(SourceTree, Checkout), TaskError> {
    let top = task.workdir.join("scmroot");
    std::fs::create_dir_all(&top).map_err(|error| TaskError::io(top.display(), error))?;
    let log = task.workdir.join("checkout.log");
    task.logs.follow(&log, "checkout.log");
    let checkout = scm.checkout(&top, &log, &task.cancel).await?;
    let dir = &checkout.source_dir;
    let layout = task.config.support_rpm_source_layout;
    let spec = find_spec(&top, dir, layout)?;
    let sources = dir.join("SOURCES");
    let sources = if layout && top.join(&sources).is_dir() { sources } else { dir.clone() };
    let source = SourceTree { top, dir: dir.clone(), spec, sources, command: scm.source_cmd.clone() };
    Ok((source, checkout))
}

/// The spec file beside the sources, or in `SPECS`. Of several, the one named like the folder.
fn find_spec(top: &Path, dir: &Path, layout: bool) -> Result<PathBuf, TaskError> {
    let in_dir = |dir: PathBuf| {
        let names = regular_files(top, &dir).map_err(|error| TaskError::io(dir.display(), error))?;
        let specs = names.into_iter().filter(|name| name.to_string_lossy().ends_with(".spec"));
        Ok::<Vec<PathBuf>, TaskError>(specs.map(|name| dir.join(name)).collect())
    };
    let mut specs = in_dir(dir.to_owned())?;
    if specs.is_empty() && layout {
        specs = in_dir(dir.join("SPECS"))?;
    }
    if specs.len() <= 1 {
        return specs.pop().ok_or_else(|| TaskError::build("there is no spec file in the sources"));
    }
    let folder = dir.file_name().unwrap_or_default().to_string_lossy();
    let wanted = format!("{folder}.spec");
    let named = specs.iter().find(|spec| spec.file_name().is_some_and(|name| name.to_string_lossy() == wanted));
    named.cloned().ok_or_else(|| {
        TaskError::build(format!("there are {} spec files in the sources and none is named {wanted}", specs.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_spec_file() {
        let top = tempfile::tempdir().unwrap();
        let dir = Path::new("rpms/foo");
        let touch = |name: &str| {
            let path = top.path().join(dir).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        touch("Makefile");
        let find = |layout| find_spec(top.path(), dir, layout).map_err(|error| error.to_string());
        assert!(find(true).unwrap_err().contains("no spec file"));
        touch("SPECS/x.spec");
        assert_eq!(find(true).unwrap(), dir.join("SPECS/x.spec"));
        assert!(find(false).is_err());
        touch("y.spec");
        assert_eq!(find(true).unwrap(), dir.join("y.spec"));
        touch("z.spec");
        assert!(find(true).unwrap_err().contains("foo.spec"));
        touch("foo.spec");
        assert_eq!(find(true).unwrap(), dir.join("foo.spec"));
        std::os::unix::fs::symlink("/etc", top.path().join(dir).join("out")).unwrap();
        assert!(find_spec(top.path(), &dir.join("out"), true).is_err(), "a link is no folder");
    }
}
