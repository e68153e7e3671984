//! `search`: finding things by parts of their names.
//!
//! Regular expressions come from anybody, so neither database gets to run them: they are matched here, by an
//! engine whose time grows only with the length of the text. That also makes both databases answer alike.

mod regexp;
mod sources;

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::{Call, Method, Rpc};
use crate::db::{QueryOpts, like};
use crate::error;

use sources::Source;

pub const METHODS: &[Method] = &[SEARCH];

/// Things whose names match: structs with `id` and `name`.
///
/// * `type`: `package`, `build` (by name-version-release), `tag`, `target`, `user`, `host`, `rpm` (by file
///   name), `maven` (archives, by file name or group-artifact-version) or `win` (archives, by file name or
///   path). `file` is no longer searched and finds nothing. Deleted tags and targets are not found.
/// * `matchType`: `glob` (`?` and `*`; `%` is a wildcard too), `regexp` (found anywhere in the name; no
///   look-around, no back references), both ignoring case; anything else asks for exactly `terms`.
///
/// Faults: no terms, an unknown type, a regular expression that is none or too costly (1000).
#[rpc("search(terms, type, matchType, queryOpts=None)", read)]
pub async fn search(
    call: &mut Call,
    terms: Option<String>,
    kind: String,
    match_type: Value,
    query_opts: Option<QueryOpts>,
) -> Rpc<Value> {
    let terms = terms.filter(|terms| !terms.is_empty()).ok_or_else(|| error::generic("The search terms are empty"))?;
    if kind == "file" {
        return query_opts.unwrap_or_default().apply(Vec::new());
    }
    let source = Source::of(&kind).ok_or_else(|| error::generic(format!("No such search type: {kind}")))?;
    let select = match match_type.as_str() {
        Some("glob") => source.matching(|text| like::glob(text, &terms)),
        Some("regexp") => {
            let found = regexp::find(&call.db, source, &terms).await?;
            source.select().is_in(&call.db, source.id, &found)
        }
        _ => source.matching(|text| (format!("{text} = ?"), vec![terms.as_str().into()])),
    };
    select.order("id").opts(query_opts).answer(&call.db).await
}
