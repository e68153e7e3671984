//! Messages on their way from the database to the hosts.
//!
//! A row of `toji_outbox` is written in the transaction of the change that it tells of. Here it is published
//! and, once the broker has it, deleted. A crash in between publishes it again.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use toji_migrations::entity::toji_outbox as row;
use toji_proto::message::HostMessage;
use toji_queue::Queue;
use tracing::error;

/// How many messages are published at a time.
const BATCH: u64 = 500;

/// Adds a message to a host in the current transaction.
pub async fn send<C: ConnectionTrait>(db: &C, host: &str, message: &HostMessage) -> Result<(), DbErr> {
    let payload = serde_json::to_value(message).map_err(|e| DbErr::Custom(e.to_string()))?;
    let message = row::ActiveModel {
        topic: Set("host".into()),
        host: Set(Some(host.into())),
        payload: Set(payload),
        ..Default::default()
    };
    row::Entity::insert(message).exec_without_returning(db).await?;
    Ok(())
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
