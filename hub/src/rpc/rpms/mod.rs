//! RPMs: the ones of our builds, and external ones that buildroots got from elsewhere.

mod changelog;
mod contents;
mod external;
mod get;
mod headers;
mod list;

pub mod components;
pub mod file;
pub mod store;

use super::Method;

pub const METHODS: &[Method] = &[
    changelog::GET_CHANGELOG_ENTRIES,
    contents::GET_RPM_DEPS,
    contents::GET_RPM_FILE,
    contents::LIST_RPM_FILES,
    external::ADD_EXTERNAL_RPM,
    get::GET_RPM,
    headers::GET_RPM_HEADERS,
    list::LIST_BUILD_RPMS,
    list::LIST_RPMS,
];
