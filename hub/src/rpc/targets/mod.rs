//! Build targets: the name under which one builds, the tag whose packages make the buildroot, and the tag
//! that the result gets.
//!
//! A target's name and id (`build_target`) are for ever; it exists while it has a configuration in force
//! (`build_target_config`), which keeps its history.

mod create;
mod delete;
mod edit;
mod get;

pub mod store;

use super::{Call, Method, Rpc};

pub const METHODS: &[Method] = &[
    create::CREATE_BUILD_TARGET,
    delete::DELETE_BUILD_TARGET,
    edit::EDIT_BUILD_TARGET,
    get::GET_BUILD_TARGET,
    get::GET_BUILD_TARGETS,
];
