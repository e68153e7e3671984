//! Which host will not have which task.
//!
//! A soft refusal is forgotten after some time, a hard one when the task has ended. A host has at most one
//! refusal per task; a later one replaces its words, not its time.

use std::collections::HashSet;

use chrono::Utc;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
};
use toji_migrations::entity::scheduler_task_refusals as row;

use crate::limits::Limits;
use crate::{log, statement};

/// Why and how a host does not take a task.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Whether it will be forgotten.
    pub soft: bool,
    /// Whether the host itself said so.
    pub by_host: bool,
    pub reason: &'a str,
}

/// Keeps a refusal.
pub async fn refuse<C: ConnectionTrait>(db: &C, task: i32, host: i32, refusal: Refusal<'_>) -> Result<(), DbErr> {
    let Refusal { soft, by_host, reason } = refusal;
    let refused = row::ActiveModel {
        task_id: Set(task),
        host_id: Set(host),
        by_host: Set(by_host),
        soft: Set(soft),
        msg: Set(Some(reason.into())),
        time: Set(Utc::now()),
        ..Default::default()
    };
    let repeated = OnConflict::columns([row::Column::TaskId, row::Column::HostId])
        .update_columns([row::Column::ByHost, row::Column::Soft, row::Column::Msg])
        .to_owned();
    row::Entity::insert(refused).on_conflict(repeated).exec_without_returning(db).await?;
    log::note(db, Some(task), Some(host), &format!("Host refused task: {reason}")).await
}

/// Removes the refusals that have lapsed.
pub(crate) async fn forget<C: ConnectionTrait>(db: &C, limits: &Limits) -> Result<(), DbErr> {
    let lapsed = "DELETE FROM scheduler_task_refusals WHERE (soft = TRUE AND time < $1) \
         OR (SELECT state FROM task WHERE task.id = task_id) IN (2, 3, 5)";
    db.execute_raw(statement(db, lapsed, [(Utc::now() - limits.soft_refusal_timeout).into()])).await?;
    Ok(())
}

/// The refusals in force, as pairs of task and host.
pub(crate) async fn current<C: ConnectionTrait>(db: &C, limits: &Limits) -> Result<HashSet<(i32, i32)>, DbErr> {
    let pairs = row::Entity::find().select_only().columns([row::Column::TaskId, row::Column::HostId]).filter(
        Condition::any()
            .add(row::Column::Soft.eq(false))
            .add(row::Column::Time.gte(Utc::now() - limits.soft_refusal_timeout)),
    );
    Ok(pairs.into_tuple::<(i32, i32)>().all(db).await?.into_iter().collect())
}
