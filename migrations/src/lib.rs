//! The database: an entity per table, the migrations that make them, and the connection.
//!
//! The stock tables are exactly those of the stock schema 1.36, so that a site's database is served as it is and
//! a stock hub can take ours back. What is ours is named `toji_…`, the record of migrations included.

mod connect;
pub mod entity;
mod found;
mod migrate;
mod schema;

pub use connect::{PoolOptions, connect};
pub use found::Found;
pub use migrate::{MigrateError, Migrated, migrate};
