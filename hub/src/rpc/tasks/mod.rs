//! Tasks: work that a host does, and the tree that its subtasks form.
//!
//! A task is FREE until the scheduler (or an admin) assigns it to a host, which opens it and in the end closes
//! or fails it. How states change, and that a host which lost a task cannot change it any more, is the
//! business of `toji_scheduler::transition`. Request and result are kept as the XML-RPC text of the call and of
//! the answer that the task amounts to.
//!
//! What other domains need is in `store` (reading a task, asking whose it is), `make` (new tasks) and `cancel`.

pub mod cancel;
pub mod make;
pub mod store;

mod arch_refusals;
pub mod control;
mod create;
mod info;
mod list;
pub mod result;
mod tree;

use super::{Call, Method, Rpc};

pub use make::{TaskOpts, make_task};

pub const METHODS: &[Method] = &[
    cancel::CANCEL_TASK,
    cancel::CANCEL_TASK_CHILDREN,
    cancel::CANCEL_TASK_FULL,
    control::ASSIGN_TASK,
    control::FREE_TASK,
    control::SET_TASK_PRIORITY,
    create::MAKE_ANY_TASK,
    create::RESTART_HOSTS,
    create::RESUBMIT_TASK,
    info::GET_TASK_INFO,
    info::GET_TASK_REQUEST,
    info::TASK_FINISHED,
    list::LIST_TASKS,
    result::GET_TASK_RESULT,
    tree::GET_TASK_CHILDREN,
    tree::GET_TASK_DESCENDENTS,
];
