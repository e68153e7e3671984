//! What the scheduler did, for `koji scheduler-logs`: one row per decision, in the transaction of it.

use chrono::Utc;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};
use toji_migrations::entity::scheduler_log_messages as row;
use tracing::info;

/// A message about a task, a host, or a task on a host.
pub struct Note<'a> {
    pub task: Option<i32>,
    pub host: Option<i32>,
    pub text: &'a str,
}

/// Keeps one message.
pub async fn note<C: ConnectionTrait>(db: &C, task: Option<i32>, host: Option<i32>, text: &str) -> Result<(), DbErr> {
    notes(db, &[Note { task, host, text }]).await
}

/// Keeps several messages, in their order.
pub async fn notes<C: ConnectionTrait>(db: &C, notes: &[Note<'_>]) -> Result<(), DbErr> {
    let now = Utc::now();
    let rows: Vec<_> = notes
        .iter()
        .map(|note| {
            info!(task = note.task, host = note.host, "{}", note.text);
            row::ActiveModel {
                task_id: Set(note.task),
                host_id: Set(note.host),
                msg_time: Set(now),
                msg: Set(note.text.into()),
                ..Default::default()
            }
        })
        .collect();
    if !rows.is_empty() {
        row::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}
