//! toji-proto
