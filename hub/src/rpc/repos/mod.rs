//! Repositories: the packages of a tag at an event, for builds to use (`repos/TAG/ID`), and dist repositories,
//! made of signed packages for others to use (`repos-dist/TAG/ID`).
//!
//! Life of a repository:
//!
//! * INIT: `host.repoInit` (or `distRepo`) made the row and the directory; builders make the metadata;
//! * READY: `host.repoDone` put the metadata in place. Of the ready ones without custom options the latest is
//!   where the link `latest` leads. It shows the tag at `create_event` for ever; `end_event` is set when the tag
//!   has changed since (`currency`);
//! * EXPIRED: nobody starts to use it any more; PROBLEM: it did not come about;
//! * DELETED: nobody uses it any more. Its files go some time later.
//!
//! What lies in a directory belongs to the row of the same id. A call that fails may leave a directory behind: it
//! is swept away later, and its id is not used again until then.

mod comps;
mod content;
mod currency;
mod dist;
mod dist_move;
mod done;
mod get;
mod init;
mod maven;
mod new;
mod state;

pub mod options;
pub mod requests;
pub mod store;

use super::{Call, Method, Rpc};

pub use currency::update_end_events;

pub const METHODS: &[Method] = &[
    currency::UPDATE_END_EVENTS_NOW,
    dist::DIST_REPO,
    dist_move::DIST_REPO_MOVE,
    done::REPO_DONE,
    get::GET,
    get::GET_ACTIVE_REPOS,
    get::GET_REPO,
    get::QUERY,
    get::REFERENCES,
    get::REPO_INFO,
    init::REPO_INIT,
    new::NEW_REPO,
    state::REPO_DELETE,
    state::REPO_EXPIRE,
    state::REPO_PROBLEM,
    state::SET_STATE,
];
