//! The database as the methods see it: one transaction, rows as XML-RPC structs.
//!
//! * `Db` is the transaction of one request. It notes whether anything was written: only then is the
//!   call number kept and the transaction committed.
//! * `Select` puts a query together and answers it with the client's `queryOpts`.
//! * `write` inserts, updates, and opens and revokes versions of entries with history.
//!
//! SQL is written once for both databases, with `?` for parameters.

mod in_memory;
pub mod json;
pub mod like;
mod row;
mod select;
mod versions;
mod view;
mod write;

pub use in_memory::compare;
pub use row::{Kind, Row, RowExt};
pub use select::{QueryOpts, Select};
pub use versions::{active_or_at, in_list, in_strings};
pub use view::{Field, Holds, View};
pub use write::{Insert, Update};

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};

use tokio::sync::OnceCell;

use crate::error::Rpc;

/// A bound parameter.
pub type Param = sea_orm::Value;

/// The transaction of one request, begun when first used.
pub struct Db {
    connection: DatabaseConnection,
    writes: bool,
    tx: OnceCell<DatabaseTransaction>,
    dirty: AtomicBool,
}

impl Db {
    /// A transaction that may write takes SQLite's write lock at once, so that it cannot fail half-way because
    /// another got there first.
    pub fn new(connection: &DatabaseConnection, writes: bool) -> Self {
        Self { connection: connection.clone(), writes, tx: OnceCell::new(), dirty: AtomicBool::new(false) }
    }

    /// For sea-orm's entities. A caller that writes through it says so with `touched`.
    pub async fn tx(&self) -> Rpc<&DatabaseTransaction> {
        let begin = || {
            let mode = if self.writes { SqliteTransactionMode::Immediate } else { SqliteTransactionMode::Deferred };
            let options = TransactionOptions { sqlite_transaction_mode: Some(mode), ..Default::default() };
            self.connection.begin_with_options(options)
        };
        Ok(self.tx.get_or_try_init(begin).await?)
    }

    /// Whether it was begun for writing.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// Notes that something was written.
    pub fn touched(&self) {
        self.dirty.store(true, Ordering::Relaxed);
    }

    /// Whether anything was written.
    pub fn dirty(&self) -> bool {
        self.dirty.load(Ordering::Relaxed)
    }

    /// Whether the database is PostgreSQL; otherwise it is SQLite.
    pub fn is_postgres(&self) -> bool {
        self.connection.get_database_backend() == DbBackend::Postgres
    }

    /// The condition that a time column compares so (`<`, `>`, …) with a parameter. On SQLite times are text, of
    /// which not all was written by us.
    pub fn compare_time(&self, column: &str, comparison: &str) -> String {
        if self.is_postgres() {
            format!("{column} {comparison} ?")
        } else {
            format!("julianday({column}) {comparison} julianday(?)")
        }
    }

    /// Runs a query with `?` parameters and returns its rows.
    pub async fn query(&self, sql: &str, params: Vec<Param>) -> Rpc<Vec<QueryResult>> {
        Ok(self.tx().await?.query_all_raw(self.statement(sql, params)).await?)
    }

    /// Runs a query with `?` parameters and returns its rows as structs, named as the columns are.
    pub async fn rows(&self, sql: &str, params: Vec<Param>) -> Rpc<Vec<Row>> {
        let rows = self.query(sql, params).await?;
        rows.iter().map(row::whole).collect()
    }

    /// Like `rows`, for at most one row.
    pub async fn row(&self, sql: &str, params: Vec<Param>) -> Rpc<Option<Row>> {
        match self.tx().await?.query_one_raw(self.statement(sql, params)).await? {
            Some(found) => Ok(Some(row::whole(&found)?)),
            None => Ok(None),
        }
    }

    /// The first column of the first row.
    pub async fn value<T: sea_orm::TryGetable>(&self, sql: &str, params: Vec<Param>) -> Rpc<Option<T>> {
        match self.tx().await?.query_one_raw(self.statement(sql, params)).await? {
            Some(found) => Ok(found.try_get_by_index::<Option<T>>(0)?),
            None => Ok(None),
        }
    }

    /// The first column of every row.
    pub async fn values<T: sea_orm::TryGetable>(&self, sql: &str, params: Vec<Param>) -> Rpc<Vec<T>> {
        let rows = self.query(sql, params).await?;
        Ok(rows.iter().map(|r| r.try_get_by_index::<T>(0)).collect::<Result<_, _>>()?)
    }

    /// Whether the query has a row.
    pub async fn exists(&self, sql: &str, params: Vec<Param>) -> Rpc<bool> {
        Ok(self.tx().await?.query_one_raw(self.statement(sql, params)).await?.is_some())
    }

    /// Runs a statement that writes; returns the number of rows it changed.
    pub async fn execute(&self, sql: &str, params: Vec<Param>) -> Rpc<u64> {
        let done = self.tx().await?.execute_raw(self.statement(sql, params)).await?;
        if done.rows_affected() > 0 {
            self.touched();
        }
        Ok(done.rows_affected())
    }

    /// Opens a savepoint, for one item of a multiCall.
    pub async fn savepoint(&self, name: &str) -> Rpc<()> {
        self.tx().await?.execute_unprepared(&format!("SAVEPOINT {name}")).await?;
        Ok(())
    }

    /// Undoes everything since the savepoint.
    pub async fn rollback_to(&self, name: &str) -> Rpc<()> {
        self.tx().await?.execute_unprepared(&format!("ROLLBACK TO SAVEPOINT {name}")).await?;
        self.release(name).await
    }

    /// Forgets the savepoint, keeping what was done.
    pub async fn release(&self, name: &str) -> Rpc<()> {
        self.tx().await?.execute_unprepared(&format!("RELEASE SAVEPOINT {name}")).await?;
        Ok(())
    }

    pub async fn commit(self) -> Rpc<()> {
        match self.tx.into_inner() {
            Some(tx) => Ok(tx.commit().await?),
            None => Ok(()),
        }
    }

    pub async fn rollback(self) -> Rpc<()> {
        match self.tx.into_inner() {
            Some(tx) => Ok(tx.rollback().await?),
            None => Ok(()),
        }
    }

    fn statement(&self, sql: &str, params: Vec<Param>) -> Statement {
        Statement::from_sql_and_values(self.connection.get_database_backend(), numbered(sql), params)
    }
}

/// `?` becomes `$1`, `$2`, …, which both databases understand; quoted text is left alone.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 8);
    let mut n = 0;
    let mut quoted = false;
    for c in sql.chars() {
        match c {
            '\'' => quoted = !quoted,
            '?' if !quoted => {
                n += 1;
                out.push('$');
                out.push_str(&n.to_string());
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn parameters_are_numbered_outside_quotes() {
        assert_eq!(numbered("a = ? AND b = '?' AND c IN (?, ?)"), "a = $1 AND b = '?' AND c IN ($2, $3)");
    }
}
