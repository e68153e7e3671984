//! Snapshots: a tag's content copied to another tag, as it is or was.
//!
//! What a tag has counts with what it inherits; the copy has it all of its own, and inherits nothing by it.
//! Every single change gets an event of its own, so that the order of tagging is kept.

mod builds;
mod create;
mod groups;
mod modify;
mod packages;

use super::{Call, Method, NameOrId, Rpc};
use crate::error;
use crate::rpc::tagging::listing::{Latest, Listing};
use crate::rpc::tags::store::Tag;

pub const METHODS: &[Method] = &[create::SNAPSHOT_TAG, modify::SNAPSHOT_TAG_MODIFY];

/// Which parts of a tag to copy.
#[derive(Clone, Copy, Debug)]
struct Parts {
    /// Arches, permission, lock, Maven flags and extra settings.
    config: bool,
    packages: bool,
    builds: bool,
    groups: bool,
    latest_only: bool,
    inherit_builds: bool,
}

impl Parts {
    /// Builds show only where their packages are listed (1019).
    fn check(self) -> Rpc<()> {
        if self.builds && !self.packages {
            return Err(error::param("Builds can only be copied together with the package list"));
        }
        Ok(())
    }

    /// The source's builds that are to be copied.
    fn builds_of(self, source_id: i32, event: Option<i32>) -> Listing {
        let latest = if self.latest_only { Latest::Only(1.0) } else { Latest::All };
        Listing { event, inherit: self.inherit_builds, latest, ..Listing::of(source_id) }
    }
}

/// Locked tags take part only by force (1000).
fn refuse_locked(tag: &Tag, force: bool) -> Rpc<()> {
    if tag.locked && !force {
        return Err(error::generic(format!("Tag {} is locked; use force to copy it or to it", tag.name)));
    }
    Ok(())
}
