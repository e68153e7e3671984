//! The builders' side of tasks: what a host has to do, and how it reports. Who it is, `hosts` tells.
//!
//! Every method here needs the exclusive session of a builder host, and what it changes of a task only counts
//! while that host has the task: a host from which a task was taken is refused.

mod load;
mod refuse;
mod subtask;
mod task;
mod wait;

use super::{Call, Method, Rpc};

pub use subtask::push_named;

pub const METHODS: &[Method] = &[
    load::GET_HOST_TASKS,
    load::GET_LOAD_DATA,
    load::GET_TASKS,
    load::SET_HOST_DATA,
    load::UPDATE_HOST,
    refuse::FREE_TASKS,
    refuse::REFUSE_TASK,
    subtask::SUBTASK,
    subtask::SUBTASK2,
    task::CLOSE_TASK,
    task::FAIL_TASK,
    task::OPEN_TASK,
    task::SET_TASK_WEIGHT,
    wait::TASK_SET_WAIT,
    wait::TASK_WAIT,
    wait::TASK_WAIT_RESULTS,
];
