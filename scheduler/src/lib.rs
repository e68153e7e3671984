//! toji-scheduler
