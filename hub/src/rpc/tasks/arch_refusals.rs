//! Hosts that cannot build for a tag although a task is `noarch`.
//!
//! Such a task still needs a buildroot of one of the tag's arches. Hosts of the channel that have none of them
//! refuse it for good when it is made.

use toji_proto::tasks::parse_task_params;
use toji_proto::{Struct, Value, arch};
use toji_scheduler::refusals::{self, Refusal};

use super::{Call, Rpc};
use crate::db::{Db, RowExt, Select};
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::store::When;
use crate::rpc::tags::{build_config, store as tags};
use crate::rpc::{FromArg, NameOrId};

/// Keeps the refusals of the channel's enabled hosts. A request that names no usable tag gets none: the task
/// itself will tell what is wrong.
pub async fn refuse(call: &Call, task: i32, method: &str, params: &[Value], channel: i32) -> Rpc<()> {
    let Some(tag) = build_tag(&call.db, method, params).await? else { return Ok(()) };
    let Some(tag) = tags::find(&call.db, &tag, When::Now).await? else { return Ok(()) };
    let config = build_config::inherited(&call.db, tag).await?;
    let arches = config.tag.arches.unwrap_or_default();
    let wanted: Vec<&str> = arches.split_whitespace().map(arch::canonical).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let hosts = Select::from("host_channels")
        .join("host_config ON host_config.host_id = host_channels.host_id AND host_config.active = TRUE")
        .columns(&[("host_channels.host_id", "id"), ("host_config.arches", "arches")])
        .at_event("host_channels", None)
        .clause("host_config.enabled = TRUE AND host_channels.channel_id = ?", [channel.into()])
        .order("id")
        .all(&call.db)
        .await?;
    let refusal = Refusal { soft: false, by_host: false, reason: "automatic arch refusal" };
    for host in hosts {
        if !host.text("arches").split_whitespace().any(|own| wanted.contains(&own)) {
            refusals::refuse(call.db.tx().await?, task, host.int("id")?, refusal).await?;
        }
    }
    Ok(())
}

/// The tag whose buildroot the task will need.
async fn build_tag(db: &Db, method: &str, params: &[Value]) -> Rpc<Option<NameOrId>> {
    let field = match method {
        "buildMaven" | "buildSRPMFromSCM" | "rebuildSRPM" => "build_tag",
        "buildArch" => "root",
        "wrapperRPM" => "build_target",
        _ => return Ok(None),
    };
    let Ok(params) = parse_task_params(method, params) else { return Ok(None) };
    let Some(named) = named(&params, field) else { return Ok(None) };
    if method != "wrapperRPM" {
        return Ok(Some(named));
    }
    let Some(target) = lookup::find(db, Table::Target, &named).await? else { return Ok(None) };
    let sql = "SELECT build_tag FROM build_target_config WHERE build_target_id = ? AND active = TRUE";
    Ok(db.value(sql, vec![target.id.into()]).await?.map(NameOrId::Id))
}

fn named(params: &Struct, field: &str) -> Option<NameOrId> {
    NameOrId::from_arg(params.get(field)?.clone(), field).ok()
}
