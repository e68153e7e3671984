//! A query put together from its parts, answered as the client's `queryOpts` ask.

use sea_orm::TryGetable;
use toji_proto::Value;

use super::row::{self, Kind, Row};
use super::{Db, Param, active_or_at, in_list, in_strings};
use crate::error::{self, Rpc};

/// The stock `queryOpts`. An `offset` or `limit` of 0 means none; `countOnly` counts what offset and limit
/// leave.
#[derive(Clone, Debug, Default)]
pub struct QueryOpts {
    pub count_only: bool,
    pub order: Option<String>,
    pub group: Option<String>,
    pub offset: Option<i64>,
    pub limit: Option<i64>,
    pub as_list: bool,
}

/// A `SELECT`. Parameters are `?`, in the order of their text.
///
/// ```ignore
/// Select::from("tag_config").join("tag ON tag.id = tag_config.tag_id")
///     .columns(&[("tag.id", "id"), ("tag.name", "name"), ("tag_config.arches", "arches")])
///     .at_event("tag_config", event).clause("tag.name = ?", [name.into()])
///     .order("id").opts(opts).answer(&call.db).await
/// ```
#[derive(Clone, Default)]
pub struct Select {
    with: Option<(String, Vec<Param>)>,
    columns: Vec<(String, String, Kind)>,
    distinct: bool,
    from: String,
    joins: String,
    join_params: Vec<Param>,
    clauses: Vec<String>,
    params: Vec<Param>,
    group: Option<String>,
    order: String,
    orderable: Vec<(String, String)>,
    lock: bool,
    opts: QueryOpts,
}

impl Select {
    pub fn from(tables: impl Into<String>) -> Self {
        Self { from: tables.into(), ..Self::default() }
    }

    /// Common table expressions that stand before the query: `name AS (…)`.
    pub fn with(mut self, recursive_ctes: impl Into<String>, params: Vec<Param>) -> Self {
        self.with = Some((recursive_ctes.into(), params));
        self
    }

    /// `table ON condition`, with `LEFT JOIN` and the like before it if it is no plain join.
    pub fn join(self, join: &str) -> Self {
        self.join_with(join, vec![])
    }

    pub fn join_with(mut self, join: &str, params: Vec<Param>) -> Self {
        let plain = !join.to_ascii_uppercase().contains("JOIN ");
        self.joins.push_str(if plain { " JOIN " } else { " " });
        self.joins.push_str(join);
        self.join_params.extend(params);
        self
    }

    /// An expression and the name it gets in the answer.
    pub fn column(mut self, expr: &str, alias: &str) -> Self {
        self.columns.push((expr.into(), alias.into(), Kind::Auto));
        self
    }

    pub fn columns(mut self, columns: &[(&str, &str)]) -> Self {
        self.columns.extend(columns.iter().map(|(e, a)| (e.to_string(), a.to_string(), Kind::Auto)));
        self
    }

    /// A column whose type does not tell how to read it; see `Kind`.
    pub fn column_as(mut self, expr: &str, alias: &str, kind: Kind) -> Self {
        self.columns.push((expr.into(), alias.into(), kind));
        self
    }

    /// A time as seconds since 1970.
    pub fn epoch(self, expr: &str, alias: &str) -> Self {
        self.column_as(expr, alias, Kind::Epoch)
    }

    pub fn distinct(mut self) -> Self {
        self.distinct = true;
        self
    }

    /// A condition; all of them must hold.
    pub fn clause(mut self, clause: &str, params: impl Into<Vec<Param>>) -> Self {
        self.clauses.push(clause.into());
        self.params.extend(params.into());
        self
    }

    /// A condition that is only asked if there is something to compare with.
    pub fn clause_if<T: Into<Param>>(self, clause: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.clause(clause, vec![value.into()]),
            None => self,
        }
    }

    /// `column` is one of `ids`.
    pub fn is_in(self, db: &Db, column: &str, ids: &[i32]) -> Self {
        let (clause, params) = in_list(db.is_postgres(), column, ids);
        self.clause(&clause, params)
    }

    /// `column` is one of `texts`.
    pub fn is_in_strings(self, db: &Db, column: &str, texts: &[String]) -> Self {
        let (clause, params) = in_strings(db.is_postgres(), column, texts);
        self.clause(&clause, params)
    }

    /// The version of `table`'s entries in force at the event, or now.
    pub fn at_event(self, table: &str, event: Option<i32>) -> Self {
        let (clause, params) = active_or_at(table, event);
        self.clause(&clause, params)
    }

    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.into());
        self
    }

    /// The order, by alias (`-` before it for descending), unless the client asks for another.
    pub fn order(mut self, order: &str) -> Self {
        self.order = order.into();
        self
    }

    /// Lets the client order by an expression that is no column of the answer, by this name.
    pub fn orderable(mut self, expr: &str, name: &str) -> Self {
        self.orderable.push((expr.into(), name.into()));
        self
    }

    /// Locks the rows until the end of the transaction (SQLite: the transaction has the lock already).
    pub fn lock(mut self) -> Self {
        self.lock = true;
        self
    }

    /// What the client asked for.
    pub fn opts(mut self, opts: impl Into<Option<QueryOpts>>) -> Self {
        self.opts = opts.into().unwrap_or_default();
        self
    }

    /// The answer for the client: structs, lists (`asList`, columns by name) or a number (`countOnly`).
    pub async fn answer(self, db: &Db) -> Rpc<Value> {
        self.answer_with(db, Ok).await
    }

    /// The same, each row passed through `change` first.
    pub async fn answer_with(self, db: &Db, change: impl Fn(Row) -> Rpc<Row>) -> Rpc<Value> {
        if self.opts.count_only {
            let (sql, params) = self.sql(db)?;
            let count = db.value::<i64>(&sql, params).await?;
            return Ok(toji_proto::value::int(count.unwrap_or(0)));
        }
        let as_list = self.opts.as_list;
        let records = self.all(db).await?.into_iter().map(change);
        let shaped = records.map(|record| {
            record.map(|r| if as_list { Value::Array(r.into_values().collect()) } else { Value::Struct(r) })
        });
        Ok(Value::Array(shaped.collect::<Rpc<_>>()?))
    }

    /// All rows.
    pub async fn all(self, db: &Db) -> Rpc<Vec<Row>> {
        let (sql, params) = self.sql(db)?;
        let rows = db.query(&sql, params).await?;
        let columns = &self.columns;
        rows.iter()
            .map(|r| columns.iter().enumerate().map(|(i, (_, a, k))| Ok((a.clone(), row::value(r, i, *k)?))).collect())
            .collect()
    }

    /// The first row, if there is one.
    pub async fn one(self, db: &Db) -> Rpc<Option<Row>> {
        Ok(self.all(db).await?.into_iter().next())
    }

    /// The first column of the first row.
    pub async fn value<T: TryGetable>(self, db: &Db) -> Rpc<Option<T>> {
        let (sql, params) = self.sql(db)?;
        db.value(&sql, params).await
    }

    /// The first column of every row.
    pub async fn values<T: TryGetable>(self, db: &Db) -> Rpc<Vec<T>> {
        let (sql, params) = self.sql(db)?;
        db.values(&sql, params).await
    }

    /// How many rows there are.
    pub async fn count(mut self, db: &Db) -> Rpc<i64> {
        self.opts.count_only = true;
        let (sql, params) = self.sql(db)?;
        Ok(db.value(&sql, params).await?.unwrap_or(0))
    }

    fn sql(&self, db: &Db) -> Rpc<(String, Vec<Param>)> {
        let mut params = Vec::new();
        let mut sql = String::new();
        if let Some((with, with_params)) = &self.with {
            sql.push_str(&format!("WITH RECURSIVE {with} "));
            params.extend(with_params.iter().cloned());
        }
        let group = self.opts.group.as_ref().or(self.group.as_ref());
        let cut = self.opts.offset.is_some_and(|n| n != 0) || self.opts.limit.is_some_and(|n| n != 0);
        let counted_whole = self.opts.count_only && !cut && group.is_none() && !self.distinct;
        let mut body = String::from("SELECT ");
        if self.distinct {
            body.push_str("DISTINCT ");
        }
        if counted_whole {
            body.push_str("count(*)");
        } else {
            let columns: Vec<_> = self.columns.iter().map(|(e, a, _)| format!("{e} AS \"{a}\"")).collect();
            body.push_str(&columns.join(", "));
        }
        body.push_str(&format!(" FROM {}{}", self.from, self.joins));
        params.extend(self.join_params.iter().cloned());
        if !self.clauses.is_empty() {
            body.push_str(&format!(" WHERE ({})", self.clauses.join(") AND (")));
            params.extend(self.params.iter().cloned());
        }
        if let Some(group) = group {
            body.push_str(&format!(" GROUP BY {group}"));
        }
        if !self.opts.count_only {
            body.push_str(&self.order_by()?);
        }
        match (self.opts.limit.filter(|n| *n != 0), self.opts.offset.filter(|n| *n != 0)) {
            (Some(limit), _) if limit < 0 => return Err(error::param(format!("limit must not be negative: {limit}"))),
            (_, Some(offset)) if offset < 0 => {
                return Err(error::param(format!("offset must not be negative: {offset}")));
            }
            (Some(limit), offset) => body.push_str(&format!(" LIMIT {limit} OFFSET {}", offset.unwrap_or(0))),
            (None, Some(offset)) => {
                let all = if db.is_postgres() { "ALL" } else { "-1" };
                body.push_str(&format!(" LIMIT {all} OFFSET {offset}"));
            }
            (None, None) => {}
        }
        if self.opts.count_only && !counted_whole {
            body = format!("SELECT count(*) FROM ({body}) AS counted");
        } else if self.lock && db.is_postgres() {
            body.push_str(" FOR UPDATE");
        }
        sql.push_str(&body);
        Ok((sql, params))
    }

    /// Nulls sort as the greatest, as they do in PostgreSQL.
    fn order_by(&self) -> Rpc<String> {
        let asked = self.opts.order.as_deref().filter(|o| !o.is_empty()).unwrap_or(&self.order);
        if asked.is_empty() {
            return Ok(String::new());
        }
        let mut terms = Vec::new();
        for term in asked.split(',') {
            let (name, direction) = match term.strip_prefix('-') {
                Some(name) => (name, "DESC NULLS FIRST"),
                None => (term, "ASC NULLS LAST"),
            };
            let columns = self.columns.iter().map(|(expr, alias, _)| (expr, alias));
            let others = self.orderable.iter().map(|(expr, alias)| (expr, alias));
            let (expr, _) = columns
                .chain(others)
                .find(|(expr, alias)| *alias == name || *expr == name)
                .ok_or_else(|| error::generic(format!("Invalid order: {name}")))?;
            terms.push(format!("{expr} {direction}"));
        }
        Ok(format!(" ORDER BY {}", terms.join(", ")))
    }
}
