//! The one list of every method.

use std::collections::BTreeMap;

use super::dispatch::is_multicall;
use super::{
    Method, Signature, archives, build_requests, buildroots, builds, cg, channels, events, external_repos, groups,
    history, host, hosts, imports, meta, notifications, packages, policy, repos, rpms, scheduler, search, sessions,
    sidetags, signatures, snapshots, system, tagging, tags, targets, tasks, uploads, users, volumes,
};

/// A method with its parsed signature.
pub struct Entry {
    pub method: Method,
    pub signature: Signature,
}

/// All methods by name.
pub struct Registry {
    entries: BTreeMap<String, Entry>,
}

impl Registry {
    pub fn new() -> Self {
        let entries = METHODS.iter().flat_map(|group| group.iter()).map(|method| {
            let signature = Signature::parse(method.signature);
            (signature.name.clone(), Entry { method: *method, signature })
        });
        Self { entries: entries.collect() }
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Whether it can be called: multiCalls can, although they are no methods.
    pub fn knows(&self, name: &str) -> bool {
        is_multicall(name) || self.entries.contains_key(name)
    }

    /// The methods that the lists tell of, by name.
    pub fn listed(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| entry.method.listed)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

/// Each domain lists its own.
const METHODS: &[&[Method]] = &[
    archives::METHODS,
    build_requests::METHODS,
    buildroots::METHODS,
    builds::METHODS,
    cg::METHODS,
    channels::METHODS,
    events::METHODS,
    external_repos::METHODS,
    groups::METHODS,
    history::METHODS,
    host::METHODS,
    hosts::METHODS,
    imports::METHODS,
    meta::METHODS,
    notifications::METHODS,
    packages::METHODS,
    policy::METHODS,
    repos::METHODS,
    repos::requests::METHODS,
    rpms::METHODS,
    scheduler::METHODS,
    search::METHODS,
    sessions::METHODS,
    sidetags::METHODS,
    signatures::METHODS,
    snapshots::METHODS,
    system::METHODS,
    tagging::METHODS,
    tags::METHODS,
    targets::METHODS,
    tasks::METHODS,
    uploads::METHODS,
    users::METHODS,
    volumes::METHODS,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_signatures_parse() {
        let mut seen = HashSet::new();
        for method in METHODS.iter().flat_map(|g| g.iter()) {
            let name = Signature::parse(method.signature).name;
            assert!(seen.insert(name.clone()), "{name} is declared twice");
        }
    }
}
