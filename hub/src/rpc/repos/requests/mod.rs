//! Requests for repositories (`repo_queue`).
//!
//! A request names a tag, an event that the repository must not be older than (or must be at), and options. It is
//! active until a repository serves it, or until too many tasks for it have failed:
//!
//! * `repo.request` answers at once if there is a repository to use, or a request that asks for the same;
//! * `queue` makes `newRepo` tasks for active requests, the smallest priority first, only so many at a time, and
//!   again when one fails;
//! * a repository that becomes ready serves all requests that it fits (`store::serve`), whoever asked for it;
//! * `auto` makes requests for tags whose settings say `repo.auto`.
//!
//! A request that is served or given up stays for a while, so that its owner can see what came of it.

mod auto;
mod check;
mod min_event;
mod queue;
mod request;

pub mod store;

use super::{Call, Method, Rpc};

pub use auto::request_automatic;
pub use queue::run_queue;
pub use request::request;

pub const METHODS: &[Method] = &[
    auto::AUTO_REQUESTS,
    check::CHECK_REQUEST,
    check::QUERY_QUEUE,
    check::SET_REQUEST_PRIORITY,
    queue::CHECK_QUEUE,
    request::REQUEST,
];
