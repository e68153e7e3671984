//! Uploads as calls, and what tasks leave behind.

mod task_output;
mod upload_file;

use super::Method;

pub use task_output::list_task_output;

pub const METHODS: &[Method] = &[
    task_output::DOWNLOAD_TASK_OUTPUT,
    task_output::LIST_TASK_OUTPUT,
    upload_file::CHECK_UPLOAD,
    upload_file::UPLOAD_FILE,
];
