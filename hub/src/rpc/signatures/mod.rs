//! Signatures of RPMs.
//!
//! An RPM is kept once, as it was imported. For each key its signature header is kept beside it; a signed copy
//! is the file with that header, written when asked for. The unsigned state is the empty key.

mod add;
mod checksums;
mod delete;
mod query;
mod write;

pub mod store;

use super::Method;

pub const METHODS: &[Method] = &[
    add::ADD_RPM_SIG,
    checksums::GET_RPM_CHECKSUMS,
    delete::DELETE_RPM_SIG,
    delete::RENAME_RPM_SIG,
    query::QUERY_RPM_SIGS,
    write::HOST_WRITE_SIGNED_RPM,
    write::WRITE_SIGNED_RPM,
];
