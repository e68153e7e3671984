//! Builder hosts, as administrators see and change them.
//!
//! A host is a user of its own kind, with a configuration that has history: arches, capacity, description,
//! comment, and whether it is enabled. Which channels it serves has history as well.

mod add;
mod edit;
mod get;
mod own;

pub mod store;

use crate::rpc::Method;

pub const METHODS: &[Method] = &[
    add::ADD_HOST,
    edit::DISABLE_HOST,
    edit::EDIT_HOST,
    edit::ENABLE_HOST,
    get::GET_ALL_ARCHES,
    get::GET_HOST,
    get::GET_LAST_HOST_UPDATE,
    get::LIST_HOSTS,
    own::GET_HOST,
    own::GET_ID,
    own::IS_ENABLED,
];
