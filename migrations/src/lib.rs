//! toji-migrations
