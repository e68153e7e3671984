//! How a host is, and what it has to do.

use chrono::Utc;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use toji_hub_macros::rpc;
use toji_migrations::entity::{scheduler_host_data, toji_workers};
use toji_proto::json::{from_json_text, to_json};
use toji_proto::states::TaskState;
use toji_proto::{Struct, Value, ValueExt, value};

use super::{Call, Rpc};
use crate::db::{Kind, Row, RowExt, Select, Update};
use crate::error;
use crate::rpc::NameOrId;
use crate::rpc::hosts::store as hosts;
use crate::rpc::scheduler::round;

/// The heartbeat: the load of the host's tasks, whether it takes more, and (a struct, kept until the next one)
/// what the scheduler may know of it, such as `maxjobs`.
///
/// A `toji` in the data, a struct with `instance` (text, one per life of the process) and `version`, tells that
/// the host reads messages from the queue; others are expected to poll.
#[rpc("host.updateHost(task_load, ready, data=None)", write, host)]
pub async fn update_host(call: &mut Call, task_load: f64, ready: Value, data: Value) -> Rpc<()> {
    let host = call.assert_host().await?;
    let ready = match ready {
        Value::Boolean(ready) => ready,
        Value::Integer(n) => n != 0,
        other => {
            return Err(error::param(format!("Invalid type for ready: expected a truth value, got {}", other.repr())));
        }
    };
    let data = match data {
        Value::Nil => None,
        given => Some(host_data(given)?),
    };
    let before = Select::from("host")
        .join("LEFT JOIN toji_workers ON toji_workers.host_id = host.id")
        .join("LEFT JOIN scheduler_host_data ON scheduler_host_data.host_id = host.id")
        .columns(&[("host.ready", "ready"), ("toji_workers.instance", "instance")])
        .column_as("scheduler_host_data.data", "data", Kind::Json)
        .clause("host.id = ?", [host.into()])
        .one(&call.db)
        .await?
        .unwrap_or_default();
    Update::table("host")
        .set("task_load", task_load)
        .set("ready", ready)
        .set("update_time", Utc::now())
        .clause("id = ?", [host.into()])
        .run(&call.db)
        .await?;
    note_worker(call, host, before.opt_text("instance"), data.as_ref()).await?;
    if let Some(data) = data.map(Value::Struct)
        && before.get("data") != Some(&data)
    {
        keep(call, host, &data).await?;
    }
    if ready && !before.is("ready") {
        call.wake_scheduler();
    }
    Ok(())
}

/// Keeps what the scheduler may know of the host: a struct, or JSON text of one.
#[rpc("host.setHostData(hostdata)", write, host)]
pub async fn set_host_data(call: &mut Call, hostdata: Value) -> Rpc<()> {
    let host = call.assert_host().await?;
    let data = match hostdata {
        Value::String(text) => {
            from_json_text(&text).map_err(|why| error::param(format!("hostdata is no JSON: {why}")))?
        }
        other => other,
    };
    keep(call, host, &Value::Struct(host_data(data)?)).await
}

fn host_data(data: Value) -> Rpc<Struct> {
    match data {
        Value::Struct(data) => Ok(data),
        other => Err(error::param(format!("host data is a struct, not {}", other.repr()))),
    }
}

async fn keep(call: &mut Call, host: i32, data: &Value) -> Rpc<()> {
    use scheduler_host_data::{ActiveModel, Column, Entity};
    let row = ActiveModel { host_id: Set(host), data: Set(Some(to_json(data))) };
    let again = OnConflict::column(Column::HostId).update_column(Column::Data).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(call.db.tx().await?).await?;
    call.db.touched();
    Ok(())
}

/// Keeps that a worker of ours serves the host, or that something else does. `known` is the instance that did so
/// far.
async fn note_worker(call: &Call, host: i32, known: Option<&str>, data: Option<&Struct>) -> Rpc<()> {
    use toji_workers::{ActiveModel, Column, Entity};
    let told = data.and_then(|data| data.get("toji"));
    let text = |name: &str| told?.get(name)?.as_str();
    let now = Utc::now();
    match (text("instance"), known) {
        (None, None) => {}
        (None, Some(_)) => {
            call.db.execute("DELETE FROM toji_workers WHERE host_id = ?", vec![host.into()]).await?;
        }
        (Some(instance), Some(known)) if instance == known => {
            Update::table("toji_workers")
                .set("last_seen", now)
                .clause("host_id = ?", [host.into()])
                .run(&call.db)
                .await?;
        }
        (Some(instance), _) => {
            let row = ActiveModel {
                host_id: Set(host),
                instance: Set(instance.into()),
                version: Set(text("version").map(str::to_owned)),
                started: Set(Some(now)),
                last_seen: Set(now),
                data: Set(None),
            };
            let again = OnConflict::column(Column::HostId)
                .update_columns([Column::Instance, Column::Version, Column::Started, Column::LastSeen])
                .to_owned();
            Entity::insert(row).on_conflict(again).exec_without_returning(call.db.tx().await?).await?;
        }
    }
    Ok(())
}

/// The tasks that are assigned to the host and wait to be opened, the most urgent first: structs with `id`,
/// `state`, `channel_id`, `host_id`, `arch`, `method`, `priority` and `create_ts`. If there are none the
/// scheduler runs first, unless it just has.
#[rpc("host.getTasks()", write, host)]
pub async fn get_tasks(call: &mut Call) -> Rpc<Vec<Row>> {
    let host = call.assert_host().await?;
    let tasks = assigned(call, host).await?;
    if !tasks.is_empty() || !round(call, false).await? {
        return Ok(tasks);
    }
    assigned(call, host).await
}

async fn assigned(call: &Call, host: i32) -> Rpc<Vec<Row>> {
    let columns = ["id", "state", "channel_id", "host_id", "arch", "method", "priority"].map(|c| (c, c));
    Select::from("task")
        .columns(&columns)
        .epoch("create_time", "create_ts")
        .clause("host_id = ? AND state = ?", [host.into(), TaskState::Assigned.code().into()])
        .order("priority,create_ts,id")
        .all(&call.db)
        .await
}

/// For older builders: a list of one host, this one (as `host.getHost`, with the ids of its `channels`), and the
/// list of `host.getTasks`.
#[rpc("host.getLoadData()", write, host)]
pub async fn get_load_data(call: &mut Call) -> Rpc<Value> {
    let id = call.assert_host().await?;
    let mut host = hosts::get(&call.db, &NameOrId::Id(id)).await?;
    let channels = Select::from("host_channels")
        .column("channel_id", "id")
        .at_event("host_channels", None)
        .clause("host_id = ?", [id.into()])
        .order("id");
    host.insert("channels".into(), value!(channels.values::<i32>(&call.db).await?));
    let tasks = get_tasks(call).await?;
    Ok(value!([value!([host]), tasks]))
}

/// The tasks that are open on the host: structs with `id`, `waiting` and `weight`, and a true `alert` where a
/// child that the task waits for has ended.
#[rpc("host.getHostTasks()", read, host)]
pub async fn get_host_tasks(call: &mut Call) -> Rpc<Vec<Row>> {
    let host = call.assert_host().await?;
    let columns = ["id", "waiting", "weight"].map(|c| (c, c));
    let mut tasks = Select::from("task")
        .columns(&columns)
        .clause("host_id = ? AND state = ?", [host.into(), TaskState::Open.code().into()])
        .order("id")
        .all(&call.db)
        .await?;
    let waiting: Vec<i32> = tasks.iter().filter(|t| t.is("waiting")).filter_map(|t| t.opt_int("id")).collect();
    if !waiting.is_empty() {
        let alerted: Vec<i32> = Select::from("task")
            .distinct()
            .column("parent", "parent")
            .is_in(&call.db, "parent", &waiting)
            .clause("awaited = TRUE AND state IN (2, 3, 5)", [])
            .values(&call.db)
            .await?;
        for task in &mut tasks {
            if task.is("waiting") && task.opt_int("id").is_some_and(|id| alerted.contains(&id)) {
                task.insert("alert".into(), Value::Boolean(true));
            }
        }
    }
    Ok(tasks)
}
