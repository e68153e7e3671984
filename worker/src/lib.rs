//! The worker: takes tasks from the queue, runs them, and reports to the hub.
//!
//! It speaks only the stock host API and the queue; it never sees the database nor the hub's disk.

pub mod buildroot;
pub mod clean;
pub mod command;
pub mod config;
pub mod hub;
pub mod logs;
pub mod repo_watch;
pub mod rpms;
pub mod sandbox;
pub mod scm;
mod supervisor;
pub mod task;
pub mod tasks;
pub mod topdir;
pub mod value;

pub use config::WorkerConfig;
pub use supervisor::run;
