//! Commands in a buildroot.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom;
use toji_hub_macros::rpc;
use toji_proto::{Struct, Value, ValueExt, arch};

use super::{Call, FromArg, NameOrId, Rpc};
use crate::db::{Db, Select};
use crate::error;
use crate::rpc::host::push_named;
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::store::{self as tags, When};
use crate::rpc::tasks::make::{TaskOpts, arches, make_task};

/// Runs a command (text, or a list of words) in a buildroot of the tag. The other options are those of the task
/// kind `runroot`, such as `packages`, `mounts`, `repo_id` and `weight`. Needs the permission `runroot`.
///
/// The arch `noarch` leaves the choice to the scheduler, or, if not every builder's arch is one of the tag's, to
/// chance among those that the tag and the channel have.
#[rpc("runroot(tagInfo, arch, command, channel=None, **opts)", write, perm = "runroot")]
pub async fn runroot(
    call: &mut Call,
    tag_info: Value,
    arch: Value,
    command: Value,
    channel: Value,
    opts: Struct,
) -> Rpc<i32> {
    if arch.is_nil() {
        return Err(error::param("arch is missing"));
    }
    let mut task_arch = arches(arch)?;
    let given_arch = task_arch.clone();
    if !matches!(command, Value::String(_) | Value::Array(_)) {
        return Err(error::generic(format!("a command is text or a list of words, not {}", command.repr())));
    }
    let channel = if channel.is_true() { channel } else { Value::String("runroot".into()) };
    let channel = NameOrId::from_arg(channel, "channel")?;
    let tag = tags::get(&call.db, &NameOrId::from_arg(tag_info.clone(), "tagInfo")?, When::Now).await?;
    if given_arch == "noarch" {
        let own = tag.arches.filter(|arches| !arches.is_empty());
        let own = own.ok_or_else(|| error::generic(format!("no arches defined for tag {}", tag.name)))?;
        let own: Vec<&str> = own.split_whitespace().collect();
        if !all_arches(&call.db, None).await?.iter().all(|arch| own.contains(&arch.as_str())) {
            let channel = lookup::get(&call.db, Table::Channel, &channel).await?;
            let there = all_arches(&call.db, Some(channel.id)).await?;
            let choices: Vec<&str> = own.into_iter().filter(|arch| there.contains(*arch)).collect();
            let chosen = choices.choose(&mut rand::rng()).ok_or_else(|| {
                error::generic(format!("no common arches for tag/channel: {}/{}", tag.name, channel.name))
            })?;
            task_arch = arch::canonical(chosen).to_owned();
        }
    }
    let mut params = vec![tag_info, Value::String(given_arch), command];
    push_named(&mut params, opts);
    let task = TaskOpts { priority: Some(15), arch: Some(task_arch), channel: Some(channel), ..TaskOpts::default() };
    make_task(call, "runroot", &params, task).await
}

/// The arches of all hosts, or of a channel's enabled hosts.
async fn all_arches(db: &Db, channel: Option<i32>) -> Rpc<BTreeSet<String>> {
    let mut select = Select::from("host_config").distinct().column("arches", "arches").at_event("host_config", None);
    if let Some(channel) = channel {
        select = select.clause(
            "enabled = TRUE AND host_id IN (SELECT host_id FROM host_channels WHERE active = TRUE AND channel_id = ?)",
            [channel.into()],
        );
    }
    let lists: Vec<Option<String>> = select.values(db).await?;
    let arches = lists.iter().flatten().flat_map(|list| list.split_whitespace());
    Ok(arches.map(|a| arch::canonical(a).to_owned()).collect())
}
