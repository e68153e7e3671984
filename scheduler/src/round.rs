//! A whole round of the scheduler, and when it is due.

use chrono::Utc;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};
use serde_json::json;
use toji_migrations::entity::scheduler_sys_data as row;

use crate::limits::Limits;
use crate::{lock, placement, refusals, timeouts};

/// Where the time of the last round is kept, in seconds since 1970.
const LAST_RUN: &str = "last_run_ts";

/// What became of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    Ran,
    /// The last one was just before, or another is under way.
    NotDue,
    /// The last one was in the future: the clock was set back. The time is kept anew, and the round is left to the
    /// next call.
    ClockSetBack,
}

/// Looks after hosts, places free tasks, then takes back overdue ones: those go to others in the next round.
///
/// With `force` it waits for a round that is under way, and does not ask when the last one was.
pub async fn run<C: ConnectionTrait>(db: &C, limits: &Limits, force: bool) -> Result<Round, DbErr> {
    // Builders ask often, so what is most often so is asked first.
    if !force && due(db, limits).await? == Round::NotDue {
        return Ok(Round::NotDue);
    }
    if !lock::take(db, force).await? {
        return Ok(Round::NotDue);
    }
    if !force {
        let due = due(db, limits).await?;
        if due != Round::NotDue {
            note(db).await?;
        }
        if due != Round::Ran {
            return Ok(due);
        }
    }
    timeouts::hosts(db, limits).await?;
    refusals::forget(db, limits).await?;
    placement::run(db, &placement::free_tasks(db).await?, limits).await?;
    timeouts::tasks(db, limits).await?;
    timeouts::runs(db, 0).await?;
    Ok(Round::Ran)
}

/// What would become of a round that nobody forces.
async fn due<C: ConnectionTrait>(db: &C, limits: &Limits) -> Result<Round, DbErr> {
    let last = row::Entity::find_by_id(LAST_RUN).one(db).await?;
    let Some(age) = last.and_then(|row| row.data?.as_f64()).map(|last| now() - last) else { return Ok(Round::Ran) };
    Ok(match age {
        _ if age < 0.0 => Round::ClockSetBack,
        _ if age < limits.run_interval.num_seconds() as f64 => Round::NotDue,
        _ => Round::Ran,
    })
}

fn now() -> f64 {
    Utc::now().timestamp_micros() as f64 / 1e6
}

/// Notes that a round runs now, so that builders' calls need not start one.
pub async fn note<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    let last = row::ActiveModel { name: Set(LAST_RUN.into()), data: Set(Some(json!(now()))) };
    let again = OnConflict::column(row::Column::Name).update_column(row::Column::Data).to_owned();
    row::Entity::insert(last).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}
