//! What crosses a wire or is stored as such: XML-RPC values and faults, queue messages, the
//! requests of tasks, states, names and paths. Pure data and functions, no I/O.

mod coded;

pub mod arch;
pub mod faults;
pub mod json;
pub mod message;
pub mod nvr;
pub mod paths;
mod repr;
pub mod states;
pub mod tasks;
pub mod value;
pub mod xmlrpc;

pub use faults::FaultCode;
pub use value::{IntoValue, Record, Struct, ValueExt};
pub use xmlrpc::{DateTime, Fault, Value};
