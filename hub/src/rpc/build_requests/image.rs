//! Installation media and disk images.

use toji_hub_macros::rpc;
use toji_proto::{IntoValue, Struct, Value, ValueExt};

use super::{Call, FromArg, Rpc, task_opts};
use crate::error;
use crate::rpc::tasks::make::arches;
use crate::rpc::tasks::make_task;

/// Builds an image from a kickstart file. `img_type` is `livecd`, `appliance` or `livemedia`, also the permission
/// it needs (1004) and its channel. A livemedia may be for a list of arches.
#[rpc("buildImage(name, version, arch, target, ksfile, img_type, opts=None, priority=None)", write)]
pub async fn build_image(
    call: &mut Call,
    name: Value,
    version: Value,
    arch: Value,
    target: Value,
    ksfile: Value,
    img_type: Value,
    opts: Value,
    priority: Value,
) -> Rpc<i32> {
    let kind = match img_type.as_str() {
        Some(kind @ ("livecd" | "appliance" | "livemedia")) => kind.to_owned(),
        _ => return Err(error::generic(format!("Unrecognized image type: {}", img_type.repr()))),
    };
    let name = String::from_arg(name, "name")?;
    let ksfile = String::from_arg(ksfile, "ksfile")?;
    let version = String::from_arg(version, "version")?;
    call.assert_perm(&kind).await?;
    let mut task = task_opts(call, priority, Value::String(kind.clone())).await?;
    task.arch = Some(if kind == "livemedia" { "noarch".into() } else { arches(arch.clone())? });
    let params = [name.into_value(), version.into_value(), arch, target, ksfile.into_value(), opts];
    make_task(call, &kind, &params, task).await
}

/// Builds an image for a list of arches by installing from the tree at `inst_tree`. Needs the permission `image`.
#[rpc("buildImageOz(name, version, arches, target, inst_tree, opts=None, priority=None)", write)]
pub async fn build_image_oz(
    call: &mut Call,
    name: String,
    version: String,
    arches: Value,
    target: Value,
    inst_tree: String,
    opts: Value,
    priority: Value,
) -> Rpc<i32> {
    call.assert_perm("image").await?;
    let task = task_opts(call, priority, Value::String("image".into())).await?;
    let params = [name.into_value(), version.into_value(), arches, target, inst_tree.into_value(), opts];
    make_task(call, "image", &params, task).await
}

/// Builds an image from two others and a template, all of it told in `opts`. Needs the permission `image`.
///
/// Faults: neither `scratch` nor `indirection_template_url` in the options (1004).
#[rpc("buildImageIndirection(opts=None, priority=None)", write, perm = "image")]
pub async fn build_image_indirection(call: &mut Call, opts: Struct, priority: Value) -> Rpc<i32> {
    let mut task = task_opts(call, priority, Value::String("image".into())).await?;
    if !opts.contains_key("scratch") && !opts.contains_key("indirection_template_url") {
        return Err(error::denied("an image that is no scratch build needs the URL of its indirection template"));
    }
    if let Some(arch) = opts.get("arch") {
        task.arch = Some(arches(arch.clone())?);
    }
    make_task(call, "indirectionimage", &[Value::Struct(opts)], task).await
}
