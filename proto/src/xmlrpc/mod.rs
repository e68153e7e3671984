//! XML-RPC as stock clients, hubs and builders write it.
//!
//! The values are dxr's; reading and writing are our own, because stock peers send forms that a
//! strict reader refuses, and because large answers are written while they are freed.
//!
//! Invariants:
//! - What was read can be written, and what was written can be read by the stock client.
//! - Integers are `Integer` within 32 bits and `Long` beyond, whatever the element was called, so
//!   equal numbers compare equal.
//! - No value that was read nests deeper than [`MAX_DEPTH`], so recursion over it is safe.

mod datetime;
mod decode;
mod double;
mod read;
mod tokens;
mod write;

pub use datetime::parse_datetime;
pub use double::python_float;
pub use dxr::{DateTime, Fault, Value};
pub use read::{MAX_DEPTH, MethodCall, ReadError, read_call, read_call_text, read_response, read_response_text};
pub use write::{ResponseChunks, write_call, write_fault, write_response};

#[cfg(test)]
mod tests;
