//! Conditions that many queries share: which version of an entry with history counts, and lists.

use super::Param;

/// The version of a `table`'s entries that was in force at an event, or is now.
///
/// Entries with history have `create_event`, `revoke_event` and `active`; `active` is true for the present
/// version and null for all others.
pub fn active_or_at(table: &str, event: Option<i32>) -> (String, Vec<Param>) {
    match event {
        None => (format!("{table}.active = TRUE"), vec![]),
        Some(event) => (
            format!("{table}.create_event <= ? AND ({table}.revoke_event IS NULL OR ? < {table}.revoke_event)"),
            vec![event.into(), event.into()],
        ),
    }
}

/// `column` is one of `ids`: one parameter however many there are, so that the statement is prepared once.
pub fn in_list(postgres: bool, column: &str, ids: &[i32]) -> (String, Vec<Param>) {
    if postgres {
        (format!("{column} = ANY(?)"), vec![ids.to_vec().into()])
    } else {
        let json = serde_json::to_string(ids).unwrap_or_default();
        (format!("{column} IN (SELECT value FROM json_each(?))"), vec![json.into()])
    }
}

/// The same for texts.
pub fn in_strings(postgres: bool, column: &str, texts: &[String]) -> (String, Vec<Param>) {
    if postgres {
        (format!("{column} = ANY(?)"), vec![texts.to_vec().into()])
    } else {
        let json = serde_json::to_string(texts).unwrap_or_default();
        (format!("{column} IN (SELECT value FROM json_each(?))"), vec![json.into()])
    }
}
