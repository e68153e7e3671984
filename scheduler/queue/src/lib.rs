//! toji-queue
