//! toji-hub
