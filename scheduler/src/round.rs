//! A whole round of the scheduler, and when it is due.

use chrono::Utc;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};
use serde_json::json;
use toji_migrations::entity::scheduler_sys_data as row;

use crate::limits::Limits;
use crate::{lock, placement, timeouts};

/// Where the time of the last round is kept, in seconds since 1970.
const LAST_RUN: &str = "last_run_ts";

/// Looks after hosts, places free tasks, then takes back overdue ones: those go to others in the next round.
///
/// False if it did not run: because another round is under way or was just done. With `force` it waits for the
/// former and does not ask for the latter.
pub async fn run<C: ConnectionTrait>(db: &C, limits: &Limits, force: bool) -> Result<bool, DbErr> {
    if !lock::take(db, force).await? || (!force && !begin(db, limits).await?) {
        return Ok(false);
    }
    timeouts::hosts(db, limits).await?;
    placement::run(db, limits).await?;
    timeouts::tasks(db, limits).await?;
    timeouts::runs(db, 0).await?;
    Ok(true)
}

/// Whether the last round is long enough ago; then this one is the last now.
async fn begin<C: ConnectionTrait>(db: &C, limits: &Limits) -> Result<bool, DbErr> {
    let now = Utc::now().timestamp_micros() as f64 / 1e6;
    let last = row::Entity::find_by_id(LAST_RUN).one(db).await?.and_then(|row| row.data).and_then(|d| d.as_f64());
    let age = now - last.unwrap_or(0.0);
    if (0.0..limits.run_interval.num_seconds() as f64).contains(&age) {
        return Ok(false);
    }
    note(db).await?;
    // After the clock was set back the time is kept anew, but the round is left to the next call.
    Ok(age >= 0.0)
}

/// Notes that a round runs now, so that builders' calls need not start one.
pub async fn note<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    let now = Utc::now().timestamp_micros() as f64 / 1e6;
    let last = row::ActiveModel { name: Set(LAST_RUN.into()), data: Set(Some(json!(now))) };
    let again = OnConflict::column(row::Column::Name).update_column(row::Column::Data).to_owned();
    row::Entity::insert(last).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}
