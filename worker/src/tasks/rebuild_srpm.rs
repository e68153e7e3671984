//! `rebuildSRPM`: an uploaded source package, made anew in the tag's own root.

use async_trait::async_trait;

use super::in_root::{any_arch, check_arches, close, deliver_srpm, fetch_srpm, file_name, repository};
use crate::buildroot::{Root, Wanted};
use crate::members;
use crate::task::{Handler, Task, TaskError};
use crate::value::{IntoValue, Value};

pub struct RebuildSrpm;

#[async_trait]
impl Handler for RebuildSrpm {
    fn methods(&self) -> &'static [&'static str] {
        &["rebuildSRPM"]
    }

    async fn check_host(&self, task: &Task) -> Result<(), String> {
        match task.args().ok().as_ref().and_then(|args| args.get("build_tag")) {
            Some(tag) => check_arches(task, tag).await,
            None => Ok(()),
        }
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let tag = args.need("build_tag")?;
        let (repo_id, event) = repository(task, &args.opts("opts")?).await?;
        let (srpm, _) = fetch_srpm(task, args.str("srpm")?).await?;
        let arch = any_arch(task, tag, &event, None).await?;
        let wanted = Wanted { group: "srpm-build", arch: &arch, network: false, credentials: None };
        let mut root = Root::open(task, tag, repo_id, &wanted).await?;
        let work = async {
            root.init().await?;
            root.rebuild_srpm(&srpm).await?;
            let (made, mut result) = deliver_srpm(task, &root).await?;
            let name = file_name(&made);
            result.insert("source".into(), members! { "source" => &name, "url" => &name }.into_value());
            Ok(Value::Struct(result))
        };
        let used = work.await;
        close(root, used).await
    }
}
