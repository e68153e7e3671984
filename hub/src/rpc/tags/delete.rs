//! `deleteTag`.

use toji_hub_macros::rpc;

use super::store::{self, When};
use super::{Call, Rpc};
use crate::rpc::NameOrId;

/// Deletes a tag: its configuration and all that refers to it ends now, and can still be read at earlier
/// events.
///
/// Faults: a tag that does not exist (1000).
#[rpc("deleteTag(tagInfo)", write, perm = "tag")]
pub async fn delete_tag(call: &mut Call, tag: NameOrId) -> Rpc<()> {
    delete(call, &tag).await
}

/// The tables with history that refer to tags, and by which column.
const REFERENCES: [(&str, &str); 13] = [
    ("tag_config", "tag_id"),
    ("tag_extra", "tag_id"),
    ("tag_inheritance", "tag_id"),
    ("tag_inheritance", "parent_id"),
    ("build_target_config", "build_tag"),
    ("build_target_config", "dest_tag"),
    ("tag_listing", "tag_id"),
    ("tag_packages", "tag_id"),
    ("tag_package_owners", "tag_id"),
    ("tag_external_repos", "tag_id"),
    ("group_config", "tag_id"),
    ("group_req_listing", "tag_id"),
    ("group_package_listing", "tag_id"),
];

/// Deletes a tag, whoever the caller is.
pub async fn delete(call: &mut Call, tag: &NameOrId) -> Rpc<()> {
    let tag = store::get(&call.db, tag, When::Now).await?;
    for (table, column) in REFERENCES {
        call.revoke_versions(table, &format!("{column} = ?"), [tag.id.into()]).await?;
    }
    Ok(())
}
