//! Looking hosts up.

use std::collections::BTreeSet;

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt, arch};

use crate::db::{Db, Param, QueryOpts, Row, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{AtEvent, Call, FromArg, NameOrId};

use super::store;

/// A host: `id`, `user_id`, `name`, `arches` (text), `capacity`, `description`, `comment`, `enabled`, `ready`,
/// `task_load`, `update_ts` (the last check-in, seconds).
///
/// With `event` its configuration then. Nothing if there is none; with `strict` fault 1000.
#[rpc("getHost(hostInfo, strict=False, event=None)", read)]
pub async fn get_host(call: &mut Call, host: NameOrId, strict: bool, event: AtEvent) -> Rpc<Option<Row>> {
    let found = store::find(&call.db, &host, event.0).await?;
    if found.is_none() && strict { Err(error::generic(format!("Invalid hostInfo: {host}"))) } else { Ok(found) }
}

/// Hosts as `getHost` tells them: those of one of the arches (whole words), in the channel, ready or not,
/// enabled or not, of the user. The last edited comes last. Query options are not looked at.
#[rpc("listHosts(arches=None, channelID=None, ready=None, enabled=None, userID=None, queryOpts=None)", read)]
pub async fn list_hosts(
    call: &mut Call,
    arches: Value,
    channel: Option<NameOrId>,
    ready: Option<bool>,
    enabled: Option<bool>,
    user: Option<UserRef>,
    _query_opts: Value,
) -> Rpc<Value> {
    let mut select = store::select(None);
    match arches {
        Value::Nil => {}
        none if !none.is_true() => return Err(error::generic("arches must not be empty")),
        one @ Value::String(_) => {
            select = any_arch(select, &call.db, Vec::from_arg(Value::Array(vec![one]), "arches")?)
        }
        several => select = any_arch(select, &call.db, Vec::from_arg(several, "arches")?),
    }
    if let Some(channel) = channel {
        let channel = lookup::get(&call.db, Table::Channel, &channel).await?;
        select = select
            .join("host_channels ON host_channels.host_id = host.id AND host_channels.active = TRUE")
            .clause("host_channels.channel_id = ?", [channel.id.into()]);
    }
    if let Some(user) = user {
        select = select.clause("host.user_id = ?", [users::get(call, &user).await?.id.into()]);
    }
    let select = select.clause_if("host.ready = ?", ready).clause_if("host_config.enabled = ?", enabled);
    let by_edit = select.column("host_config.create_event", "edited").order("edited,id");
    by_edit
        .answer_with(&call.db, |mut host| {
            host.remove("edited");
            Ok(host)
        })
        .await
}

/// Arches stand in the database as words with spaces between them.
fn any_arch(select: Select, db: &Db, arches: Vec<String>) -> Select {
    let position = if db.is_postgres() { "strpos" } else { "instr" };
    let one = format!("{position}(' ' || host_config.arches || ' ', ?) > 0");
    let params: Vec<Param> = arches.iter().map(|arch| format!(" {arch} ").into()).collect();
    select.clause(&vec![one; arches.len()].join(" OR "), params)
}

/// When a host last called the hub, as text or with `ts` in seconds; nothing if it never did.
#[rpc("getLastHostUpdate(hostID, ts=False)", read)]
pub async fn get_last_host_update(call: &mut Call, host: i32, ts: bool) -> Rpc<Value> {
    let select = Select::from("sessions").join("host ON host.user_id = sessions.user_id");
    let select = match ts {
        true => select.epoch("sessions.update_time", "last"),
        false => select.column("sessions.update_time", "last"),
    };
    let latest = QueryOpts { limit: Some(1), ..QueryOpts::default() };
    let found = select.clause("host.id = ?", [host.into()]).order("-last").opts(latest).one(&call.db).await?;
    Ok(found.and_then(|mut row| row.remove("last")).unwrap_or(Value::Nil))
}

/// The arches of all hosts, each by the name of its family: i686 is i386.
#[rpc("getAllArches()", read)]
pub async fn get_all_arches(call: &mut Call) -> Rpc<Vec<String>> {
    let sql = "SELECT DISTINCT arches FROM host_config WHERE active = TRUE AND arches IS NOT NULL";
    let lists: Vec<String> = call.db.values(sql, vec![]).await?;
    let arches: BTreeSet<&str> = lists.iter().flat_map(|list| list.split_whitespace()).map(arch::canonical).collect();
    Ok(arches.into_iter().map(str::to_string).collect())
}
