//! Conditions on columns that hold JSON structs, on both databases.

use serde_json::Value as Json;

use super::{Db, Param};

/// The column's struct has every member of `part`, with the same value.
pub fn holds(db: &Db, column: &str, part: &Json) -> (String, Vec<Param>) {
    condition(db, column, column, "?", part)
}

/// The column's struct has no member that `whole` has not, with the same value.
pub fn within(db: &Db, column: &str, whole: &Json) -> (String, Vec<Param>) {
    condition(db, column, "?", column, whole)
}

/// The column's struct and the other one are the same.
pub fn equals(db: &Db, column: &str, other: &Json) -> (String, Vec<Param>) {
    let ((holds, mut params), (within, more)) = (self::holds(db, column, other), self::within(db, column, other));
    params.extend(more);
    (format!("({holds}) AND ({within})"), params)
}

fn condition(db: &Db, column: &str, whole: &str, part: &str, given: &Json) -> (String, Vec<Param>) {
    let sql = if db.is_postgres() {
        format!("{whole} @> {part}")
    } else {
        format!(
            "{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM json_each({part}) AS part WHERE NOT EXISTS (\
             SELECT 1 FROM json_each({whole}) AS whole WHERE whole.key = part.key AND whole.type = part.type \
             AND whole.value IS part.value))"
        )
    };
    (sql, vec![given.clone().into()])
}
