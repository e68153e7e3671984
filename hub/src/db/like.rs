//! Conditions on text that ignore case, on both databases.

use super::Param;

/// `column` matches a glob as stock hubs read it: `?` and `*` are wildcards, `_` is itself, and `%` is a
/// wildcard too.
pub fn glob(column: &str, pattern: &str) -> (String, Vec<Param>) {
    let pattern = pattern.replace('\\', "\\\\").replace('_', "\\_").replace('?', "_").replace('*', "%");
    like(column, pattern)
}

/// `column` begins with a prefix, in which `_` and `%` are wildcards, as for stock hubs.
pub fn prefix(column: &str, prefix: &str) -> (String, Vec<Param>) {
    like(column, format!("{prefix}%"))
}

fn like(column: &str, pattern: String) -> (String, Vec<Param>) {
    (format!("lower({column}) LIKE lower(?) ESCAPE '\\'"), vec![pattern.into()])
}
