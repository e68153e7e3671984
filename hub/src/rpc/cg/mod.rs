//! Content generators: other build systems whose results are imported.

mod access;

use crate::rpc::Method;

pub const METHODS: &[Method] = &[access::GRANT_CG_ACCESS, access::LIST_CGS, access::REVOKE_CG_ACCESS];
