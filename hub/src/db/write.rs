//! Statements that write.

use super::{Db, Param};
use crate::error::Rpc;

/// An `INSERT` of one row.
pub struct Insert {
    table: String,
    columns: Vec<String>,
    params: Vec<Param>,
}

impl Insert {
    pub fn into(table: &str) -> Self {
        Self { table: table.into(), columns: vec![], params: vec![] }
    }

    pub fn set(mut self, column: &str, value: impl Into<Param>) -> Self {
        self.columns.push(column.into());
        self.params.push(value.into());
        self
    }

    pub async fn run(self, db: &Db) -> Rpc<()> {
        let sql = self.sql();
        db.execute(&sql, self.params).await?;
        Ok(())
    }

    /// Inserts and returns the new row's `id`.
    pub async fn returning_id(self, db: &Db) -> Rpc<i32> {
        let sql = format!("{} RETURNING id", self.sql());
        let id = db.value::<i32>(&sql, self.params).await?;
        db.touched();
        id.ok_or_else(|| crate::error::internal(format!("no id came back from {sql}")))
    }

    fn sql(&self) -> String {
        let marks = vec!["?"; self.columns.len()].join(", ");
        format!("INSERT INTO {} ({}) VALUES ({marks})", self.table, self.columns.join(", "))
    }
}

/// An `UPDATE`.
pub struct Update {
    table: String,
    sets: Vec<String>,
    set_params: Vec<Param>,
    clauses: Vec<String>,
    params: Vec<Param>,
}

impl Update {
    pub fn table(table: &str) -> Self {
        Self { table: table.into(), sets: vec![], set_params: vec![], clauses: vec![], params: vec![] }
    }

    pub fn set(mut self, column: &str, value: impl Into<Param>) -> Self {
        self.sets.push(format!("{column} = ?"));
        self.set_params.push(value.into());
        self
    }

    /// Sets a column to null, whatever its type.
    pub fn set_null(mut self, column: &str) -> Self {
        self.sets.push(format!("{column} = NULL"));
        self
    }

    /// A condition; all of them must hold.
    pub fn clause(mut self, clause: &str, params: impl Into<Vec<Param>>) -> Self {
        self.clauses.push(clause.into());
        self.params.extend(params.into());
        self
    }

    /// Updates and returns the number of rows; nothing to set changes nothing.
    pub async fn run(self, db: &Db) -> Rpc<u64> {
        if self.sets.is_empty() {
            return Ok(0);
        }
        let clauses = if self.clauses.is_empty() { "1 = 1".to_string() } else { self.clauses.join(") AND (") };
        let sql = format!("UPDATE {} SET {} WHERE ({clauses})", self.table, self.sets.join(", "));
        let params = self.set_params.into_iter().chain(self.params).collect();
        db.execute(&sql, params).await
    }
}
