//! toji-hub-macros
