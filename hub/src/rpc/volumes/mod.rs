//! Storage volumes: where builds lie below the top directory.

pub mod links;
pub mod policy;
