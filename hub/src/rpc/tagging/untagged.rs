//! `untaggedBuilds`.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::states::BuildState;

use super::{Call, Rpc};
use crate::db::{QueryOpts, Select};

/// Complete builds that no tag has: structs with `id, name, version, release`; only those of a package (by
/// name), or only drafts or no drafts, if given.
#[rpc("untaggedBuilds(name=None, queryOpts=None, draft=None)", read)]
pub async fn untagged_builds(
    call: &mut Call,
    name: Option<String>,
    query_opts: Option<QueryOpts>,
    draft: Option<bool>,
) -> Rpc<Value> {
    let tagged = "SELECT 1 FROM tag_listing WHERE tag_listing.build_id = build.id AND tag_listing.active = TRUE";
    Select::from("build")
        .join("package ON package.id = build.pkg_id")
        .columns(&[
            ("build.id", "id"),
            ("package.name", "name"),
            ("build.version", "version"),
            ("build.release", "release"),
        ])
        .clause(&format!("NOT EXISTS ({tagged})"), [])
        .clause("build.state = ?", [BuildState::Complete.code().into()])
        .clause_if("package.name = ?", name)
        .clause_if("build.draft = ?", draft)
        .order("id")
        .opts(query_opts)
        .answer(&call.db)
        .await
}
