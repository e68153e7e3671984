//! Tagging builds, and what tags hold.
//!
//! A tag's builds (`tag_listing`, with history) count from the last tagged on; tagging a build again moves it
//! to the front. What is listed also passes the tag's package list, inherited or not: builds of packages that
//! are not in it, or blocked, are passed over although they are tagged.
//!
//! People ask for a tag by `tagBuild`, which checks all that can be checked at once and makes a task; a
//! builder plays it and calls `host.tagBuild`, which acts as the task's owner. The bypasses skip the task and
//! the package list.

mod by_host;
mod bypass;
mod list_archives;
mod list_builds;
mod mass;
mod notify;
mod request;
mod untag;

pub mod list_maven;
pub mod list_rpms;
pub mod listing;
pub mod store;

use super::{Call, Method, Rpc};

pub use list_maven::archives as maven_archives;

pub const METHODS: &[Method] = &[
    by_host::HOST_TAG_BUILD,
    by_host::HOST_TAG_NOTIFICATION,
    bypass::TAG_BUILD_BYPASS,
    bypass::UNTAG_BUILD_BYPASS,
    list_archives::LIST_TAGGED_ARCHIVES,
    list_builds::GET_LATEST_BUILDS,
    list_builds::LIST_TAGGED,
    list_maven::GET_LATEST_MAVEN_ARCHIVES,
    list_rpms::GET_LATEST_RPMS,
    list_rpms::LIST_TAGGED_RPMS,
    mass::MASS_TAG,
    request::MOVE_ALL_BUILDS,
    request::MOVE_BUILD,
    request::TAG_BUILD,
    untag::UNTAG_BUILD,
];
