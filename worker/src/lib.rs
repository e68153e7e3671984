//! toji-worker
