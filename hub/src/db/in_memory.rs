//! The client's `queryOpts` for rows that are already there.

use std::cmp::Ordering;

use toji_proto::{Value, ValueExt};

use super::{QueryOpts, Row};
use crate::error::{self, Rpc};

impl QueryOpts {
    /// The answer from rows: ordered (by one column, `-` before it for descending), cut, counted. `asList` has
    /// no meaning here. Negative bounds count from the end.
    pub fn apply(&self, mut rows: Vec<Row>) -> Rpc<Value> {
        if let Some(order) = self.order.as_deref().filter(|order| !order.is_empty()) {
            sort(&mut rows, order)?;
        }
        if let Some(offset) = self.offset.filter(|n| *n != 0) {
            rows.drain(..bound(offset, rows.len()));
        }
        if let Some(limit) = self.limit.filter(|n| *n != 0) {
            rows.truncate(bound(limit, rows.len()));
        }
        if self.count_only {
            return Ok(toji_proto::value!(rows.len()));
        }
        Ok(Value::Array(rows.into_iter().map(Value::Struct).collect()))
    }

    /// The same; with `asList` the rows are lists of these columns.
    pub fn apply_to_columns(&self, rows: Vec<Row>, columns: &[&str]) -> Rpc<Value> {
        let answer = self.apply(rows)?;
        let (true, Value::Array(rows)) = (self.as_list, &answer) else { return Ok(answer) };
        let cells = |row: &Value| columns.iter().map(|column| row.get(column).cloned().unwrap_or(Value::Nil)).collect();
        Ok(Value::Array(rows.iter().map(|row| Value::Array(cells(row))).collect()))
    }
}

/// Where a bound lies in a list; negative ones count from its end.
fn bound(n: i64, len: usize) -> usize {
    let size = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    if n < 0 { len.saturating_sub(size) } else { size.min(len) }
}

/// Sorts by a column that all rows must have. Equal ones keep their order, also in descending order.
fn sort(rows: &mut [Row], order: &str) -> Rpc<()> {
    let (column, descending) = match order.strip_prefix('-') {
        Some(column) => (column, true),
        None => (order, false),
    };
    if rows.iter().any(|row| !row.contains_key(column)) {
        return Err(error::param(format!("Invalid order: {column}")));
    }
    rows.sort_by(|a, b| {
        let ordering = compare(a.get(column), b.get(column));
        if descending { ordering.reverse() } else { ordering }
    });
    Ok(())
}

/// Numbers by size, texts by their bytes; nil is the greatest, as in PostgreSQL.
pub fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let rank = |value: Option<&Value>| match value {
        None | Some(Value::Nil) => 3,
        Some(Value::String(_)) => 2,
        Some(Value::Boolean(_) | Value::Integer(_) | Value::Long(_) | Value::Double(_)) => 1,
        Some(_) => 0,
    };
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
        (Some(Value::Boolean(a)), Some(Value::Boolean(b))) => a.cmp(b),
        (Some(a), Some(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => rank(Some(a)).cmp(&rank(Some(b))),
            },
        },
        _ => rank(a).cmp(&rank(b)),
    }
}

#[cfg(test)]
mod tests {
    use toji_proto::value;

    use super::*;

    fn answer(opts: QueryOpts) -> Value {
        let row = |n: Value| Row::from([("n".to_string(), n)]);
        opts.apply([2, 1, 3].map(|n| row(value!(n))).into_iter().chain([row(Value::Nil)]).collect()).unwrap()
    }

    fn numbers(answer: Value) -> Vec<Option<i64>> {
        answer.as_array().unwrap().iter().map(|row| row.get("n").and_then(ValueExt::as_i64)).collect()
    }

    #[test]
    fn rows_are_ordered_cut_and_counted() {
        let opts =
            |order: &str, offset, limit| QueryOpts { order: Some(order.into()), offset, limit, ..Default::default() };
        assert_eq!(numbers(answer(opts("n", None, None))), [Some(1), Some(2), Some(3), None]);
        assert_eq!(numbers(answer(opts("-n", Some(1), Some(2)))), [Some(3), Some(2)]);
        assert_eq!(numbers(answer(opts("n", Some(-1), None))), [None]);
        assert_eq!(numbers(answer(opts("", Some(0), Some(0)))).len(), 4);
        assert_eq!(answer(QueryOpts { limit: Some(3), count_only: true, ..Default::default() }), value!(3));
        assert!(opts("nosuch", None, None).apply(vec![Row::new()]).is_err());
    }
}
