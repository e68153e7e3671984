//! Buildroots: where things are built, and from what.

mod archives;
mod maven;
mod new;
mod query;
mod rpms;

pub mod store;

use super::Method;

pub use archives::add as add_archives;
pub use rpms::insert as add_rpms;

pub const METHODS: &[Method] = &[
    archives::HOST_UPDATE_BUILDROOT_ARCHIVES,
    maven::HOST_UPDATE_MAVEN_BUILD_ROOT_LIST,
    new::HOST_NEW_BUILD_ROOT,
    new::HOST_SET_BUILD_ROOT_STATE,
    query::GET_BUILDROOT,
    query::LIST_BUILDROOTS,
    rpms::GET_BUILDROOT_LISTING,
    rpms::HOST_SET_BUILD_ROOT_LIST,
    rpms::HOST_UPDATE_BUILD_ROOT_LIST,
];
