//! Names that a regular expression matches.

use std::time::{Duration, Instant};

use regex::{Regex, RegexBuilder};

use super::sources::Source;
use crate::db::{Db, QueryOpts, Row, RowExt};
use crate::error::{self, Rpc};

/// How large a compiled expression may get, in bytes.
const LARGEST: usize = 1 << 20;
/// How many names are read at a time.
const BATCH: i64 = 5_000;
/// How long one search may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The ids of all that have a text which the expression matches somewhere, in upper or lower case.
pub async fn find(db: &Db, source: &Source, pattern: &str) -> Rpc<Vec<i32>> {
    let regex = compile(pattern)?;
    let begun = Instant::now();
    let mut found = Vec::new();
    let mut last = i32::MIN;
    loop {
        let rows = batch(db, source, last).await?;
        let Some(end) = rows.last() else { return Ok(found) };
        last = end.int("id")?;
        let regex = regex.clone();
        found.extend(tokio::task::spawn_blocking(move || matches(&regex, &rows)).await??);
        if begun.elapsed() > PATIENCE {
            return Err(error::generic(format!("The search for {pattern} takes too long")));
        }
    }
}

fn compile(pattern: &str) -> Rpc<Regex> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(LARGEST)
        .build()
        .map_err(|e| error::generic(format!("{pattern} is no regular expression for a search: {e}")))
}

/// The next few texts, in the order of their ids.
async fn batch(db: &Db, source: &Source, after: i32) -> Rpc<Vec<Row>> {
    let mut select = source.rows().column(source.id, "id");
    for (text, alias) in source.texts.iter().zip(["a", "b"]) {
        select = select.column(text, alias);
    }
    let few = QueryOpts { limit: Some(BATCH), ..QueryOpts::default() };
    select.clause(&format!("{} > ?", source.id), [after.into()]).order("id").opts(few).all(db).await
}

fn matches(regex: &Regex, rows: &[Row]) -> Rpc<Vec<i32>> {
    let hits = rows.iter().filter(|row| ["a", "b"].iter().any(|text| regex.is_match(row.text(text))));
    hits.map(|row| row.int("id")).collect()
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn expressions_are_cheap_or_refused() {
        assert!(compile("^py.*3").unwrap().is_match("Python-3"));
        assert!(compile("(a+)+$").unwrap().is_match("aaaa"));
        assert!(compile("(unclosed").is_err());
        assert!(compile(r"\w{1000}{1000}").is_err());
    }
}
