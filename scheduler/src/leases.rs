//! Workers of ours that are gone.
//!
//! A worker reports itself every few seconds (`toji_workers.last_seen`). One that has not done so for the time
//! of a lease is taken for dead: its host is not ready, and its tasks go to others. Should it live after all,
//! it cannot end them any more, and learns so at its next look at the hub.

use std::time::Duration;

use chrono::Utc;
use sea_orm::{ConnectionTrait, DbErr};

use crate::{log, statement, transition};

/// Takes the tasks from workers that were last seen before `lease`; returns how many.
pub async fn run<C: ConnectionTrait>(db: &C, lease: Duration) -> Result<usize, DbErr> {
    let lost = "SELECT task.id, task.host_id FROM toji_workers \
         JOIN task ON task.host_id = toji_workers.host_id AND task.state IN (1, 4) \
         WHERE toji_workers.last_seen < $1 ORDER BY task.id";
    let before = Utc::now() - lease;
    let rows = db.query_all_raw(statement(db, lost, [before.into()])).await?;
    for row in &rows {
        let (task, host): (i32, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if let Some(standing) = transition::standing(db, task).await?
            && standing.host == Some(host)
            && transition::free(db, &standing).await?
        {
            log::note(db, Some(task), Some(host), "Freeing task from a worker that is gone").await?;
        }
    }
    let silent = "UPDATE host SET ready = FALSE WHERE ready = TRUE \
         AND id IN (SELECT host_id FROM toji_workers WHERE last_seen < $1)";
    db.execute_raw(statement(db, silent, [before.into()])).await?;
    Ok(rows.len())
}
