//! One round of placing at a time, whoever runs it: a hub for a builder that asks, or the scheduler.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::statement;

/// Takes the stock lock `scheduler` until the end of the transaction. Without `wait`, false if somebody
/// else has it. On SQLite a transaction that writes is alone anyway.
pub async fn take<C: ConnectionTrait>(db: &C, wait: bool) -> Result<bool, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    let skip = if wait { "" } else { " SKIP LOCKED" };
    let sql = format!("SELECT name FROM locks WHERE name = 'scheduler' FOR UPDATE{skip}");
    Ok(db.query_one_raw(statement(db, &sql, [])).await?.is_some())
}
