//! Builds: a package's version and release, from the first task to deletion.
//!
//! A build is BUILDING until its task completes or fails it; it then is COMPLETE, FAILED or CANCELED. The
//! last two may be built again under the same id (`new`); a COMPLETE one may become DELETED, which keeps its
//! name taken.

mod btypes;
mod create;
mod duration;
mod edit;
mod get;
mod image;
mod list;
mod logs;
mod maven;
mod notify;
mod promote;
mod references;
mod remove;
mod typed;
mod windows;

pub mod cancel;
pub mod complete;
pub mod new;
pub mod next_release;
pub mod store;
pub mod types;
pub mod under_way;

use super::Method;

pub use image::add_rpms as add_archive_rpms;

pub const METHODS: &[Method] = &[
    btypes::ADD_BTYPE,
    btypes::LIST_BTYPES,
    cancel::CANCEL_BUILD,
    complete::HOST_COMPLETE_BUILD,
    create::CREATE_EMPTY_BUILD,
    duration::GET_AVERAGE_BUILD_DURATION,
    edit::SET_BUILD_OWNER,
    edit::SET_BUILD_TIMESTAMP,
    get::FIND_BUILD_ID,
    get::GET_BUILD,
    image::HOST_COMPLETE_IMAGE_BUILD,
    image::HOST_IMPORT_IMAGE,
    image::HOST_INIT_IMAGE_BUILD,
    list::LIST_BUILDS,
    list::UNTAGGED_BUILDS,
    logs::GET_BUILD_LOGS,
    maven::HOST_COMPLETE_MAVEN_BUILD,
    maven::HOST_CREATE_MAVEN_BUILD,
    maven::HOST_INIT_MAVEN_BUILD,
    next_release::GET_NEXT_RELEASE,
    promote::PROMOTE_BUILD,
    references::BUILD_REFERENCES,
    remove::DELETE_BUILD,
    remove::RESET_BUILD,
    types::CREATE_IMAGE_BUILD,
    types::CREATE_MAVEN_BUILD,
    types::CREATE_WIN_BUILD,
    types::GET_BUILD_TYPE,
    types::GET_IMAGE_BUILD,
    types::GET_MAVEN_BUILD,
    types::GET_WIN_BUILD,
    under_way::HOST_FAIL_BUILD,
    under_way::HOST_INIT_BUILD,
    windows::HOST_COMPLETE_WIN_BUILD,
    windows::HOST_INIT_WIN_BUILD,
];
