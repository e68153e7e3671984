//! RPMs: the ones of our builds, and external ones that buildroots got from elsewhere.

mod get;
mod list;

pub mod store;

use super::Method;

pub const METHODS: &[Method] = &[get::GET_RPM, list::LIST_BUILD_RPMS, list::LIST_RPMS];
