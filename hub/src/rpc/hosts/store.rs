//! Hosts and the versions of their configurations.

use toji_proto::Value;

use crate::db::{Db, Insert, Param, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::{Call, NameOrId};

/// The fields of a host's configuration.
const CONFIG: [&str; 5] = ["arches", "capacity", "description", "comment", "enabled"];

/// Hosts as `getHost` tells them, at the event or now.
pub fn select(event: Option<i32>) -> Select {
    Select::from("host_config")
        .join("host ON host.id = host_config.host_id")
        .columns(&[("host.id", "id"), ("host.user_id", "user_id"), ("host.name", "name")])
        .columns(&[("host.ready", "ready"), ("host.task_load", "task_load")])
        .columns(&[("host_config.arches", "arches"), ("host_config.capacity", "capacity")])
        .columns(&[("host_config.description", "description"), ("host_config.comment", "comment")])
        .column("host_config.enabled", "enabled")
        .epoch("host.update_time", "update_ts")
        .at_event("host_config", event)
        .order("id")
}

/// The host, if there is one, at the event or now.
pub async fn find(db: &Db, host: &NameOrId, event: Option<i32>) -> Rpc<Option<Row>> {
    let select = match host {
        NameOrId::Id(id) => select(event).clause("host.id = ?", [(*id).into()]),
        NameOrId::Name(name) => select(event).clause("host.name = ?", [name.clone().into()]),
    };
    select.one(db).await
}

/// The host now; a general fault if there is none.
pub async fn get(db: &Db, host: &NameOrId) -> Rpc<Row> {
    find(db, host, None).await?.ok_or_else(|| error::generic(format!("host does not exist: {host}")))
}

/// Replaces a host's configuration: `host` as `get` told it, with changed fields.
pub(super) async fn change_config(call: &mut Call, host: &Row) -> Rpc<()> {
    let id = host.int("id")?;
    call.revoke_versions("host_config", "host_id = ?", [id.into()]).await?;
    let mut insert = Insert::into("host_config").set("host_id", id);
    for field in CONFIG {
        insert = match host.get(field) {
            None | Some(Value::Nil) => insert,
            Some(value) => insert.set(field, param(field, value)?),
        };
    }
    call.open_version(insert).await
}

fn param(field: &str, value: &Value) -> Rpc<Param> {
    match value {
        Value::String(text) => Ok(text.clone().into()),
        Value::Double(number) => Ok((*number).into()),
        Value::Boolean(truth) => Ok((*truth).into()),
        _ => Err(error::internal(format!("{field} of a host holds neither text, number nor truth value"))),
    }
}
