//! Looking at the scheduler, and making it run now.

mod run;
mod views;

use super::{Call, Method, Rpc};

pub use run::round;

pub const METHODS: &[Method] =
    &[run::DO_RUN, views::GET_HOST_DATA, views::GET_LOG_MESSAGES, views::GET_TASK_REFUSALS, views::GET_TASK_RUNS];
