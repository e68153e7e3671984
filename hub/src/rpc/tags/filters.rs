//! Package filters of inheritance links, applied.

use std::collections::HashMap;

use fancy_regex::Regex;

use super::Rpc;
use super::inheritance::Step;
use crate::error;

/// The filters of a walk's steps, ready for use.
pub struct Filters(HashMap<String, Regex>);

impl Filters {
    /// Fails, naming it, on a filter that is no regular expression.
    pub fn of(steps: &[Step]) -> Rpc<Self> {
        let mut compiled = HashMap::new();
        for filter in steps.iter().flat_map(|step| &step.filters) {
            if !compiled.contains_key(filter) {
                compiled.insert(filter.clone(), compile(filter)?);
            }
        }
        Ok(Self(compiled))
    }

    /// Whether a package comes through to where the step leads.
    pub fn pass(&self, step: &Step, package: &str) -> Rpc<bool> {
        for filter in step.filters.iter().filter_map(|filter| self.0.get(filter)) {
            let passes = filter.is_match(package);
            if !passes.map_err(|e| error::generic(format!("The filter {} failed: {e}", filter.as_str())))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A filter as a regular expression that matches where a name begins. Python's, which may look around.
fn compile(filter: &str) -> Rpc<Regex> {
    let wrong = |e| error::generic(format!("The filter {filter} is no regular expression: {e}"));
    Regex::new(&format!(r"\A(?:{filter})")).map_err(wrong)
}
