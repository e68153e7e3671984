//! RPMs: the ones of our builds, and external ones that buildroots got from elsewhere.

mod external;
mod get;
mod list;

pub mod components;
pub mod store;

use super::Method;

pub const METHODS: &[Method] = &[external::ADD_EXTERNAL_RPM, get::GET_RPM, list::LIST_BUILD_RPMS, list::LIST_RPMS];
