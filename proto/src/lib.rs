//! What crosses a wire, and nothing that does I/O.

pub mod message;
