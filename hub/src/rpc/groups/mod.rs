//! Comps groups: which packages a tag offers together, such as those that a buildroot begins with.
//!
//! A tag lists groups (`group_config`), and for each group packages by name (`group_package_listing`) and other
//! groups that it requires (`group_req_listing`). All three have history, and all three are inherited: of the
//! entries for the same thing, the first in the order of inheritance counts. An entry that blocks hides those
//! beyond it. Filters and `noconfig` of inheritance links do not matter here.
//!
//! A group's packages and requirements may outlive the group's own entry in a tag, which then hides them; they
//! show again when the tag, or one that it inherits from, lists the group.

mod get;
mod options;

pub mod list;
pub mod packages;
pub mod requirements;
pub mod store;

use super::{Call, Method, Rpc};

pub const METHODS: &[Method] = &[
    get::GET_TAG_GROUPS,
    list::GROUP_LIST_ADD,
    list::GROUP_LIST_BLOCK,
    list::GROUP_LIST_REMOVE,
    list::GROUP_LIST_UNBLOCK,
    packages::GROUP_PACKAGE_LIST_ADD,
    packages::GROUP_PACKAGE_LIST_BLOCK,
    packages::GROUP_PACKAGE_LIST_REMOVE,
    packages::GROUP_PACKAGE_LIST_UNBLOCK,
    requirements::GROUP_REQ_LIST_ADD,
    requirements::GROUP_REQ_LIST_BLOCK,
    requirements::GROUP_REQ_LIST_REMOVE,
    requirements::GROUP_REQ_LIST_UNBLOCK,
];
