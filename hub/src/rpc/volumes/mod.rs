//! Storage volumes: where builds lie below the top directory.
//!
//! A build's files lie on one volume. The default volume is the top directory itself; it has a link to every
//! build that lies elsewhere, so that clients find all of them there.

mod admin;
mod moves;

pub mod links;
pub mod policy;

use super::Method;

pub use moves::apply_policy;

pub const METHODS: &[Method] = &[
    admin::ADD_VOLUME,
    admin::GET_VOLUME,
    admin::LIST_VOLUMES,
    admin::REMOVE_VOLUME,
    moves::APPLY_VOLUME_POLICY,
    moves::CHANGE_BUILD_VOLUME,
];
