//! Images that kiwi builds.

use toji_hub_macros::rpc;
use toji_proto::value::Record;
use toji_proto::{IntoValue, Value, ValueExt, arch};

use super::{Call, FromArg, NameOrId, Rpc, task_opts};
use crate::error;
use crate::rpc::targets::store as targets;
use crate::rpc::tasks::{self, make_task};

/// Builds images for a list of arches from the description at `desc_path` in the sources of `desc_url`. Those of
/// `optional_arches` may fail. Needs the permission `image`.
///
/// Faults: a target that does not exist, arches that are none (1000).
#[rpc(
    "kiwiBuild(target, arches, desc_url, desc_path, optional_arches=None, profile=None, scratch=False, priority=None, make_prep=False, repos=None, release=None, type=None, type_attr=None, result_bundle_name_format=None, use_buildroot_repo=True, version=None, repo_releasever=None)",
    write,
    perm = "image"
)]
pub async fn kiwi_build(
    call: &mut Call,
    target: NameOrId,
    arches: Value,
    desc_url: String,
    desc_path: String,
    optional_arches: Value,
    profile: Option<String>,
    scratch: bool,
    priority: Value,
    make_prep: bool,
    repos: Value,
    release: Option<String>,
    r#type: Value,
    type_attr: Value,
    result_bundle_name_format: Value,
    use_buildroot_repo: bool,
    version: Option<String>,
    repo_releasever: Option<String>,
) -> Rpc<i32> {
    let mut opts = Record::new();
    for (name, list) in [("repos", repos), ("type_attr", type_attr)] {
        if list.is_true() {
            opts.put(name, Vec::<Value>::from_arg(list, name)?);
        }
    }
    if result_bundle_name_format.is_true() {
        let format = String::from_arg(result_bundle_name_format, "result_bundle_name_format")?;
        opts.put("result_bundle_name_format", format);
    }
    targets::get(&call.db, &target, None).await?;
    if arches.is_nil() {
        return Err(error::param("arches is missing"));
    }
    let (arches, optional) = (list(arches)?, list(optional_arches)?);
    let task = task_opts(call, priority, Value::String("image".into())).await?;
    for (name, text) in
        [("profile", profile), ("version", version), ("release", release), ("repo_releasever", repo_releasever)]
    {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            opts.put(name, text);
        }
    }
    for (name, wanted) in [("scratch", scratch), ("make_prep", make_prep), ("use_buildroot_repo", use_buildroot_repo)] {
        if wanted {
            opts.put(name, true);
        }
    }
    if !optional.is_empty() {
        opts.put("optional_arches", optional);
    }
    if r#type.is_true() {
        opts.put("type", r#type);
    }
    let target = match target {
        NameOrId::Id(id) => id.into_value(),
        NameOrId::Name(name) => name.into_value(),
    };
    let params = [target, arches.into_value(), desc_url.into_value(), desc_path.into_value(), opts.into_value()];
    make_task(call, "kiwiBuild", &params, task).await
}

/// Arches, given as a list or as text.
fn list(arches: Value) -> Rpc<Vec<String>> {
    let text = tasks::make::arches(arches)?;
    let arches = arch::parse_stored(&text).map_err(|why| error::generic(why.to_string()))?;
    Ok(arches.into_iter().map(str::to_owned).collect())
}
