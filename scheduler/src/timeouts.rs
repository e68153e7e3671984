//! What becomes of tasks whose host does not answer.
//!
//! Only tasks that the scheduler placed (that have an active run) on an enabled host are taken back: one that
//! somebody assigned by hand, or that a builder opened by itself, is left alone.

use chrono::Utc;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use toji_proto::states::TaskState;

use crate::limits::Limits;
use crate::refusals::{self, Refusal};
use crate::{log, statement, transition};

/// Marks hosts as not ready that have been silent too long.
pub async fn hosts<C: ConnectionTrait>(db: &C, limits: &Limits) -> Result<(), DbErr> {
    let silent = "UPDATE host SET ready = FALSE WHERE ready = TRUE AND (update_time IS NULL OR update_time < $1) \
         AND id IN (SELECT host_id FROM host_config WHERE active = TRUE AND enabled = TRUE) RETURNING id";
    let rows = db.query_all_raw(statement(db, silent, [(Utc::now() - limits.ready_timeout).into()])).await?;
    for row in rows {
        log::note(db, None, Some(row.try_get_by_index(0)?), "Marking host not ready").await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Overdue {
    task_id: i32,
    host_id: i32,
    /// Whether the host has been heard of since the task was placed there.
    heard: bool,
}

/// Takes back tasks that were not opened in time, and those of hosts that are gone; returns how many.
pub async fn tasks<C: ConnectionTrait>(db: &C, limits: &Limits) -> Result<usize, DbErr> {
    let now = Utc::now();
    let placed = |state: TaskState, due: &str| {
        format!(
            "SELECT task.id AS task_id, task.host_id AS host_id, \
                    COALESCE(host.update_time > min(run.create_time), FALSE) AS heard \
             FROM task \
             JOIN scheduler_task_runs run ON run.task_id = task.id AND run.active = TRUE \
             JOIN host ON host.id = task.host_id \
             JOIN host_config ON host_config.host_id = host.id AND host_config.active = TRUE \
                  AND host_config.enabled = TRUE \
             WHERE task.state = {} GROUP BY task.id, task.host_id, host.update_time HAVING {due} ORDER BY task.id",
            state.code()
        )
    };
    let not_opened = placed(TaskState::Assigned, "min(run.create_time) < $1");
    let not_opened = statement(db, &not_opened, [(now - limits.assign_timeout).into()]);
    let not_opened = Overdue::find_by_statement(not_opened).all(db).await?;
    for late in &not_opened {
        if late.heard {
            // The host lives and does not want it.
            let refusal = Refusal { soft: true, by_host: false, reason: "assignment timeout" };
            refusals::refuse(db, late.task_id, late.host_id, refusal).await?;
        }
        take_back(db, late, "Task assignment timeout").await?;
    }
    let silent = placed(TaskState::Open, "COALESCE(host.update_time, min(run.create_time)) < $1");
    let silent = statement(db, &silent, [(now - limits.host_timeout).into()]);
    let silent = Overdue::find_by_statement(silent).all(db).await?;
    for lost in &silent {
        take_back(db, lost, "Freeing task from unresponsive host").await?;
    }
    Ok(not_opened.len() + silent.len())
}

async fn take_back<C: ConnectionTrait>(db: &C, task: &Overdue, why: &str) -> Result<(), DbErr> {
    log::note(db, Some(task.task_id), Some(task.host_id), why).await?;
    if let Some(standing) = transition::standing(db, task.task_id).await?
        && standing.host == Some(task.host_id)
    {
        transition::free(db, &standing).await?;
    }
    Ok(())
}

/// Ends the runs of tasks that are on no host any more, looking at those from `oldest` on; returns the oldest
/// run that goes on. Runs are begun with rising ids, so the next look can begin there.
pub async fn runs<C: ConnectionTrait>(db: &C, oldest: i32) -> Result<i32, DbErr> {
    let over = "UPDATE scheduler_task_runs SET active = FALSE WHERE active = TRUE AND id >= $1 \
         AND NOT EXISTS (SELECT 1 FROM task WHERE task.id = task_id AND task.state IN (1, 4))";
    db.execute_raw(statement(db, over, [oldest.into()])).await?;
    let going = "SELECT min(id) FROM scheduler_task_runs WHERE active = TRUE AND id >= $1";
    let row = db.query_one_raw(statement(db, going, [oldest.into()])).await?;
    let first = row.map(|row| row.try_get_by_index::<Option<i32>>(0)).transpose()?.flatten();
    Ok(first.unwrap_or(oldest))
}
