//! What is proved through the running binary, on real databases and brokers, with the stock client.
//!
//! One test binary, so that all tests share one PostgreSQL and one RabbitMQ. `tests/setup` installs
//! what they need. TOJI_KEEP=1 keeps the temporary folder, with all logs.

mod builds;
mod conformance;
mod logins;
mod queue;
mod repos;
mod schema;
mod service;
mod support;
