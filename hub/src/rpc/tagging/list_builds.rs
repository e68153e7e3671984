//! `listTagged` and `getLatestBuilds`.

use toji_hub_macros::rpc;

use super::listing::{self, Latest, Listing};
use super::{Call, Rpc};
use crate::db::{Row, RowExt};
use crate::rpc::lookup::{self, Table};
use crate::rpc::tags::store::{self as tags, Tag};
use crate::rpc::{AtEvent, NameOrId};

/// The builds that a tag holds, the last tagged first: structs of the build with `tag_id, tag_name` and
/// `create_event` (of the tagging); see `getBuild` for the rest.
///
/// With `inherit`, also what the tag inherits. `latest` is how many of each package: true for one, a number,
/// or false for all. `package` and `owner` are names, `prefix` is of packages' names, upper or lower case;
/// `type` is a build type (`maven`, `win` and `image` add members of their own); `extra` adds that member;
/// `draft` lists only drafts, or none.
///
/// A tag that does not exist (at that event) is a fault (1000) unless `strict` is false; so is an unknown type.
#[rpc(
    "listTagged(tag, event=None, inherit=False, prefix=None, latest=False, package=None, owner=None, type=None, strict=True, extra=False, draft=None)",
    read
)]
pub async fn list_tagged(
    call: &mut Call,
    tag: NameOrId,
    event: AtEvent,
    inherit: bool,
    prefix: Option<String>,
    latest: Latest,
    package: Option<String>,
    owner: Option<String>,
    kind: Option<NameOrId>,
    strict: bool,
    extra: bool,
    draft: Option<bool>,
) -> Rpc<Vec<Row>> {
    let Some(tag) = find_tag(call, &tag, event, strict).await? else { return Ok(Vec::new()) };
    let (package, owner) = (given(package), given(owner));
    let listing =
        Listing { event: event.0, inherit, latest, package, owner, kind, extra, draft, ..Listing::of(tag.id) };
    let mut builds = listing::builds(&call.db, &listing).await?;
    if let Some(prefix) = prefix {
        let prefix = prefix.to_lowercase();
        builds.retain(|build| build.text("package_name").to_lowercase().starts_with(&prefix));
    }
    Ok(builds)
}

/// The last tagged build of each package that a tag holds or inherits, as of `listTagged`.
///
/// An unknown tag name is a fault (1000); an unknown id holds nothing.
#[rpc("getLatestBuilds(tag, event=None, package=None, type=None, draft=None)", read)]
pub async fn get_latest_builds(
    call: &mut Call,
    tag: NameOrId,
    event: AtEvent,
    package: Option<String>,
    kind: Option<NameOrId>,
    draft: Option<bool>,
) -> Rpc<Vec<Row>> {
    let tag_id = tag_id(call, &tag).await?;
    let latest = Latest::Only(1.0);
    let package = given(package);
    let listing = Listing { event: event.0, inherit: true, latest, package, kind, draft, ..Listing::of(tag_id) };
    listing::builds(&call.db, &listing).await
}

/// The tag, if it exists at the event; whether it must is `strict`.
pub(super) async fn find_tag(call: &Call, tag: &NameOrId, event: AtEvent, strict: bool) -> Rpc<Option<Tag>> {
    match tags::find(&call.db, tag, event.0.into()).await? {
        None if strict => Err(tags::no_such(tag)),
        found => Ok(found),
    }
}

/// The tag's id: ids are taken as they are, names must be known.
pub(super) async fn tag_id(call: &Call, tag: &NameOrId) -> Rpc<i32> {
    match tag {
        NameOrId::Id(id) => Ok(*id),
        NameOrId::Name(_) => Ok(lookup::get(&call.db, Table::Tag, tag).await?.id),
    }
}

/// An empty text is no wish.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
