//! Every kind of task that this worker runs.

use std::sync::Arc;

use crate::task::Handler;

/// The one list of task kinds.
pub fn handlers() -> Vec<Arc<dyn Handler>> {
    vec![]
}
