//! A row as an XML-RPC struct.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::QueryResult;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _, TypeInfo, ValueRef};
use toji_proto::Value;

use crate::error::{Rpc, internal};

/// A row, by column name.
pub type Row = BTreeMap<String, Value>;

/// How a column's content is to be read, where its type does not say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// As its type says: times as text `2026-01-31 12:00:00.123456+00:00`, JSON as values.
    Auto,
    /// A truth value: SQLite keeps those that come out of an expression as integers.
    Bool,
    /// A time, as seconds since 1970, a double.
    Epoch,
    /// JSON kept as text, as values; what does not parse stays text.
    Json,
}

/// Typed access to a row's columns.
pub trait RowExt {
    /// The integer in a column that cannot be null.
    fn int(&self, column: &str) -> Rpc<i32>;
    /// The integer in a column, if there is one.
    fn opt_int(&self, column: &str) -> Option<i32>;
    /// The text in a column; empty if it is null or no text.
    fn text(&self, column: &str) -> &str;
    /// The text in a column, if there is one.
    fn opt_text(&self, column: &str) -> Option<&str>;
    /// Whether a column holds a true truth value.
    fn is(&self, column: &str) -> bool;
    /// Whether a column is null or absent.
    fn is_null(&self, column: &str) -> bool;
}

impl RowExt for Row {
    fn int(&self, column: &str) -> Rpc<i32> {
        self.opt_int(column).ok_or_else(|| internal(format!("column {column} holds no integer")))
    }

    fn opt_int(&self, column: &str) -> Option<i32> {
        match self.get(column) {
            Some(Value::Integer(n)) => Some(*n),
            _ => None,
        }
    }

    fn text(&self, column: &str) -> &str {
        self.opt_text(column).unwrap_or("")
    }

    fn opt_text(&self, column: &str) -> Option<&str> {
        match self.get(column) {
            Some(Value::String(s)) => Some(s),
            _ => None,
        }
    }

    fn is(&self, column: &str) -> bool {
        matches!(self.get(column), Some(Value::Boolean(true)))
    }

    fn is_null(&self, column: &str) -> bool {
        matches!(self.get(column), None | Some(Value::Nil))
    }
}

/// The whole row, each column by its type.
pub fn whole(row: &QueryResult) -> Rpc<Row> {
    let names = column_names(row);
    names.into_iter().enumerate().map(|(i, name)| Ok((name, value(row, i, Kind::Auto)?))).collect()
}

fn column_names(row: &QueryResult) -> Vec<String> {
    if let Some(row) = row.try_as_pg_row() {
        row.columns().iter().map(|c| c.name().to_string()).collect()
    } else if let Some(row) = row.try_as_sqlite_row() {
        row.columns().iter().map(|c| c.name().to_string()).collect()
    } else {
        Vec::new()
    }
}

/// One column of a row.
pub fn value(row: &QueryResult, index: usize, kind: Kind) -> Rpc<Value> {
    let raw = if let Some(row) = row.try_as_pg_row() {
        from_postgres(row, index, kind)
    } else if let Some(row) = row.try_as_sqlite_row() {
        from_sqlite(row, index, kind)
    } else {
        return Err(internal("a row of an unknown database"));
    };
    let raw = raw.map_err(|e| internal(format!("column {index}: {e}")))?;
    Ok(match (kind, raw) {
        (Kind::Bool, Value::Integer(n)) => Value::Boolean(n != 0),
        (Kind::Json, Value::String(text)) => match serde_json::from_str(&text) {
            Ok(parsed) => toji_proto::json::from_json(parsed),
            Err(_) => Value::String(text),
        },
        (_, raw) => raw,
    })
}

fn from_postgres(row: &PgRow, i: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Value::Nil);
    }
    let type_name = raw.type_info().name().to_string();
    Ok(match type_name.as_str() {
        "INT4" => Value::Integer(row.try_get(i)?),
        "INT8" => toji_proto::value::int(row.try_get(i)?),
        "INT2" => Value::Integer(row.try_get::<i16, _>(i)?.into()),
        "BOOL" => Value::Boolean(row.try_get(i)?),
        "FLOAT8" => Value::Double(row.try_get(i)?),
        "FLOAT4" => Value::Double(row.try_get::<f32, _>(i)?.into()),
        "TIMESTAMPTZ" => time(row.try_get(i)?, kind),
        "JSON" | "JSONB" => toji_proto::json::from_json(row.try_get(i)?),
        "INT4[]" => Value::Array(row.try_get::<Vec<i32>, _>(i)?.into_iter().map(Value::Integer).collect()),
        "TEXT[]" | "VARCHAR[]" => {
            Value::Array(row.try_get::<Vec<String>, _>(i)?.into_iter().map(Value::String).collect())
        }
        _ => Value::String(row.try_get_unchecked(i)?),
    })
}

fn from_sqlite(row: &SqliteRow, i: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Value::Nil);
    }
    let stored = raw.type_info().name().to_string();
    let declared = row.column(i).type_info().name().to_string();
    Ok(match (declared.as_str(), stored.as_str()) {
        ("BOOLEAN", _) => Value::Boolean(row.try_get_unchecked::<i64, _>(i)? != 0),
        ("DATETIME", _) => time(parse_time(&row.try_get_unchecked::<String, _>(i)?)?, kind),
        (_, "TEXT") if kind == Kind::Epoch => time(parse_time(&row.try_get_unchecked::<String, _>(i)?)?, kind),
        (_, "INTEGER" | "INT4" | "BOOLEAN") => toji_proto::value::int(row.try_get_unchecked(i)?),
        (_, "REAL") => Value::Double(row.try_get_unchecked(i)?),
        _ => Value::String(row.try_get_unchecked(i)?),
    })
}

/// SQLite keeps times as text: ours in RFC 3339, its own `current_timestamp` without zone, and what was typed by
/// hand perhaps as PostgreSQL writes it.
fn parse_time(text: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"))
        .map(|t| t.to_utc())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|t| t.and_utc()))
        .map_err(|e| sqlx::Error::Decode(format!("the time {text:?}: {e}").into()))
}

fn time(t: DateTime<Utc>, kind: Kind) -> Value {
    if kind == Kind::Epoch { Value::Double(t.timestamp_micros() as f64 / 1e6) } else { Value::String(time_text(t)) }
}

/// A time as clients know it: `2026-01-31 12:00:00.123456+00:00`, the fraction only if there is one.
pub fn time_text(t: DateTime<Utc>) -> String {
    let format =
        if t.timestamp_subsec_micros() == 0 { "%Y-%m-%d %H:%M:%S+00:00" } else { "%Y-%m-%d %H:%M:%S.%6f+00:00" };
    t.format(format).to_string()
}
