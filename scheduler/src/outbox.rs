//! Messages on their way from the database to the hosts.
//!
//! A row of `toji_outbox` is written in the transaction of the change that it tells of. Here it is published
//! and, once the broker has it, deleted. A crash in between publishes it again.

use chrono::Utc;
use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use toji_migrations::entity::{host, toji_outbox as row, toji_workers};
use toji_proto::message::HostMessage;
use toji_queue::Queue;
use tracing::error;

/// How many messages are published at a time.
const BATCH: u64 = 500;

/// Adds messages to hosts, by name, in the current transaction.
pub async fn send<C: ConnectionTrait>(db: &C, messages: &[(&str, HostMessage)]) -> Result<(), DbErr> {
    let mut rows = Vec::with_capacity(messages.len());
    for (host, message) in messages {
        rows.push(row::ActiveModel {
            topic: Set("host".into()),
            host: Set(Some((*host).into())),
            payload: Set(serde_json::to_value(message).map_err(|e| DbErr::Custom(e.to_string()))?),
            created: Set(Utc::now()),
            ..Default::default()
        });
    }
    if !rows.is_empty() {
        row::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Adds a message to a host that listens, in the current transaction. Stock builders only poll.
pub async fn tell<C: ConnectionTrait>(db: &C, host: i32, message: &HostMessage) -> Result<(), DbErr> {
    let listening = Query::select().column(toji_workers::Column::HostId).from(toji_workers::Entity).to_owned();
    let name = host::Entity::find_by_id(host)
        .filter(host::Column::Id.in_subquery(listening))
        .select_only()
        .column(host::Column::Name)
        .into_tuple::<String>()
        .one(db)
        .await?;
    match name {
        Some(name) => send(db, &[(&name, message.clone())]).await,
        None => Ok(()),
    }
}

/// Publishes what waits, in the order it was written.
pub async fn relay(database: &DatabaseConnection, queue: &dyn Queue) -> anyhow::Result<()> {
    loop {
        let rows = row::Entity::find()
            .filter(row::Column::Topic.eq("host"))
            .order_by_asc(row::Column::Id)
            .limit(BATCH)
            .all(database)
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = rows.iter().map(|r| r.id).collect();
        let messages: Vec<_> = rows.into_iter().filter_map(message).collect();
        queue.publish(&messages).await?;
        row::Entity::delete_many().filter(row::Column::Id.is_in(ids)).exec(database).await?;
    }
}

fn message(row: row::Model) -> Option<(String, HostMessage)> {
    match (row.host, serde_json::from_value(row.payload)) {
        (Some(host), Ok(message)) => Some((host, message)),
        (_, Err(e)) => {
            error!(id = row.id, error = %e, "a message in the outbox cannot be read and is dropped");
            None
        }
        (None, Ok(_)) => None,
    }
}
