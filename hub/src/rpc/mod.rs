//! The XML-RPC API.
//!
//! Life of a call: the body is parsed, the method looked up, the session found, the arguments bound, the
//! caller's right checked, the handler run, and its transaction committed once, if it wrote anything.
//! A multiCall is one such call whose items run one after another, each in a savepoint with an event of its
//! own.

mod args;
mod call;
mod dispatch;
mod registry;
mod signature;

pub mod archives;
pub mod build_requests;
pub mod buildroots;
pub mod builds;
pub mod cg;
pub mod channels;
pub mod events;
pub mod external_repos;
pub mod groups;
pub mod history;
pub mod host;
pub mod hosts;
pub mod imports;
pub mod lookup;
pub mod meta;
pub mod notifications;
pub mod packages;
pub mod policy;
pub mod repos;
pub mod rpms;
pub mod scheduler;
pub mod search;
pub mod sessions;
pub mod sidetags;
pub mod signatures;
pub mod snapshots;
pub mod system;
pub mod tagging;
pub mod tags;
pub mod targets;
pub mod tasks;
pub mod times;
pub mod uploads;
pub mod users;
pub mod volumes;

use futures::future::BoxFuture;

pub use args::{Arches, Args, AtEvent, FromArg, NameOrId, Struct};
pub use call::{Call, groups_of, permissions_of};
pub use dispatch::{Request, answer, run_own};
pub use registry::Registry;
pub use signature::{Parameter, Signature};
pub use toji_proto::Value;

pub use crate::error::Rpc;

/// What a method needs of the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    None,
    Read,
    Write,
}

/// Who may call a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guard {
    Anybody,
    /// Anybody with a session.
    Login,
    /// Those with this permission, or `admin`.
    Perm(&'static str),
    /// A builder host with the exclusive session.
    Host,
}

/// A method, as `#[rpc]` declares it.
#[derive(Clone, Copy)]
pub struct Method {
    /// `name(parameters)`, as clients see it.
    pub signature: &'static str,
    pub doc: &'static str,
    pub access: Access,
    pub guard: Guard,
    /// Whether the lists of methods have it: those newer than the recorded hub are served without.
    pub listed: bool,
    pub handler: for<'a> fn(&'a mut Call, Args) -> BoxFuture<'a, Rpc<Value>>,
}

/// What a handler may return.
pub fn into_value<T: toji_proto::IntoValue>(result: T) -> Rpc<Value> {
    Ok(result.into_value())
}
