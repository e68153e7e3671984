//! Tags: what they are called, how they are configured, and what they inherit.
//!
//! A tag's name and id (`tag`) are for ever; it exists while it has a configuration in force
//! (`tag_config`). Deleting a tag revokes that and all that hangs on it; creating a tag of the same name
//! brings the id back. Configuration, extra settings (`tag_extra`) and inheritance links
//! (`tag_inheritance`) keep their history, so that each can be read as it was at any event.
//!
//! What other domains need is in `store` (a tag), `inheritance` (what it inherits from) and `access` (who may
//! tag builds with it).

mod access;
mod filters;
mod get;
mod get_inheritance;
mod list;
mod set_inheritance;

pub mod build_config;
pub mod changes;
pub mod create;
pub mod delete;
pub mod edit;
pub mod inheritance;
pub mod store;

use super::{Call, Method, Rpc};

pub use access::{Access, access, assert_access};
pub use filters::Filters;

pub const METHODS: &[Method] = &[
    access::CHECK_TAG_ACCESS,
    build_config::GET_BUILD_CONFIG,
    changes::TAG_CHANGED_SINCE_EVENT,
    changes::TAG_FIRST_CHANGE_EVENT,
    changes::TAG_LAST_CHANGE_EVENT,
    create::CREATE_TAG,
    delete::DELETE_TAG,
    edit::EDIT_TAG,
    edit::EDIT_TAG2,
    get::GET_TAG,
    get::GET_TAG_ID,
    get_inheritance::GET_FULL_INHERITANCE,
    get_inheritance::GET_INHERITANCE_DATA,
    list::LIST_TAGS,
    set_inheritance::SET_INHERITANCE_DATA,
];
