//! toji-hub

pub mod options;
