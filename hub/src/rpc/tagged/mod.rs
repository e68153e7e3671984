//! What is in a tag: its builds, and what they consist of.
//!
//! * The tags of the inheritance count in its order; within a tag what was tagged last comes first, whatever its
//!   version.
//! * The package list decides: builds of packages that are missing from the tag's inherited list, or blocked in it,
//!   are not in the tag, even where only the tag itself is looked at.

pub mod store;

use super::Rpc;
