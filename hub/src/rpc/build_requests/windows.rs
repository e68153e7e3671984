//! Windows programs.

use toji_hub_macros::rpc;
use toji_proto::{IntoValue, Struct, Value, value};

use super::{Call, FromArg, NameOrId, Rpc, assert_enabled, options, task_opts};
use crate::rpc::targets::store as targets;
use crate::rpc::tasks::make_task;

/// Builds a Windows program from a source URL in the virtual machine `vm`, if the policy `vm` allows it (1004).
///
/// Faults: a target that does not exist (1000).
#[rpc("winBuild(vm, url, target, opts=None, priority=None, channel='vm')", write, login)]
pub async fn win_build(
    call: &mut Call,
    vm: Value,
    url: Value,
    target: NameOrId,
    opts: Value,
    priority: Value,
    channel: Value,
) -> Rpc<i32> {
    assert_enabled(call.hub.options.enable_win, "Windows")?;
    let (vm, url) = (String::from_arg(vm, "vm")?, String::from_arg(url, "url")?);
    let found = targets::get(&call.db, &target, None).await?;
    let data = Struct::from([("vm_name".into(), value!(&vm)), ("tag".into(), value!(found.dest_tag))]);
    call.assert_policy("vm", data, false).await?;
    let target = match target {
        NameOrId::Id(id) => value!(id),
        NameOrId::Name(name) => value!(name),
    };
    let task = task_opts(call, priority, channel).await?;
    make_task(call, "winbuild", &[vm.into_value(), url.into_value(), target, options(opts)], task).await
}
