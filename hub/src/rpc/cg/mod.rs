//! Content generators: other build systems whose results are imported.
//!
//! An import is read and checked as a whole (`metadata`, `buildroots`, `outputs`, `components`) before anything
//! is written. A generator may reserve its build first (`reserve`).

mod access;
mod buildroots;
mod components;
mod import;
mod metadata;
mod outputs;
mod reserve;

use crate::rpc::Method;

pub const METHODS: &[Method] = &[
    access::GRANT_CG_ACCESS,
    access::LIST_CGS,
    access::REVOKE_CG_ACCESS,
    import::CG_IMPORT,
    reserve::CG_INIT_BUILD,
    reserve::CG_REFUND_BUILD,
];
