//! `addExternalRepoToTag`, `editTagExternalRepo` and `removeExternalRepoFromTag`.

use toji_hub_macros::rpc;
use toji_proto::states::REPO_MERGE_MODES;
use toji_proto::{Value, arch};

use super::store::{self, ExternalRepo};
use super::{Call, Rpc};
use crate::db::Insert;
use crate::error::{self, Error};
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::{FromArg, NameOrId};

/// Puts an external repository on a tag.
///
/// Of all that count for a tag, that of the lowest `priority` comes first. `merge_mode` is `koji` (also if nil),
/// `simple` or `bare`; `arches`, a list or text with spaces or commas, says for which of the tag's arches it
/// counts: nil for all.
///
/// Faults: a tag or repository that does not exist, one that is on the tag already, a priority that is taken, an
/// unknown merge mode, bad arches (1000).
#[rpc("addExternalRepoToTag(tag_info, repo_info, priority, merge_mode='koji', arches=None)", write, perm = "tag")]
pub async fn add_external_repo_to_tag(
    call: &mut Call,
    tag: NameOrId,
    repo: NameOrId,
    priority: i32,
    merge_mode: Option<String>,
    arches: Option<Value>,
) -> Rpc<()> {
    let (tag, repo) = both(call, &tag, &repo).await?;
    let merge_mode = merge_mode.unwrap_or_else(|| "koji".into());
    let arches = arches.map(|arches| arch_list(arches, true)).transpose()?;
    add(call, &tag, &repo, Settings { priority, merge_mode, arches }).await
}

/// Changes how an external repository counts for a tag; what is nil stays. `arches` is a list or text with
/// spaces. Returns whether anything changed.
///
/// Faults: as of `addExternalRepoToTag`, and a repository that is not on the tag (1000).
#[rpc("editTagExternalRepo(tag_info, repo_info, priority=None, merge_mode=None, arches=None)", write, perm = "tag")]
pub async fn edit_tag_external_repo(
    call: &mut Call,
    tag: NameOrId,
    repo: NameOrId,
    priority: Option<i32>,
    merge_mode: Option<String>,
    arches: Option<Value>,
) -> Rpc<bool> {
    let (tag, repo) = both(call, &tag, &repo).await?;
    let on_tag = store::on_tags(&call.db, Some(&[tag.id]), Some(repo.id), None).await?;
    let present = on_tag.into_iter().next().ok_or_else(|| not_on_tag(&tag, &repo))?;
    let present = Settings { priority: present.priority, merge_mode: present.merge_mode, arches: present.arches };
    let arches = arches.map(|arches| arch_list(arches, false)).transpose()?;
    let wanted = Settings {
        priority: priority.unwrap_or(present.priority),
        merge_mode: merge_mode.unwrap_or_else(|| present.merge_mode.clone()),
        arches: arches.or_else(|| present.arches.clone()),
    };
    if wanted == present {
        return Ok(false);
    }
    remove(call, &tag, &repo).await?;
    add(call, &tag, &repo, wanted).await?;
    Ok(true)
}

/// Takes an external repository off a tag.
///
/// Faults: a tag or repository that does not exist, a repository that is not on the tag (1000).
#[rpc("removeExternalRepoFromTag(tag_info, repo_info)", write, perm = "tag")]
pub async fn remove_external_repo_from_tag(call: &mut Call, tag: NameOrId, repo: NameOrId) -> Rpc<()> {
    let (tag, repo) = both(call, &tag, &repo).await?;
    remove(call, &tag, &repo).await
}

/// How a repository counts for a tag.
#[derive(PartialEq, Eq)]
struct Settings {
    priority: i32,
    merge_mode: String,
    arches: Option<String>,
}

async fn both(call: &Call, tag: &NameOrId, repo: &NameOrId) -> Rpc<(Tag, ExternalRepo)> {
    let tag = tags::get(&call.db, tag, When::Now).await?;
    Ok((tag, store::get(&call.db, repo, None).await?))
}

async fn add(call: &mut Call, tag: &Tag, repo: &ExternalRepo, settings: Settings) -> Rpc<()> {
    let Settings { priority, merge_mode, arches } = settings;
    if !REPO_MERGE_MODES.contains(&merge_mode.as_str()) {
        return Err(error::generic(format!("There is no merge mode {merge_mode}")));
    }
    let others = store::on_tags(&call.db, Some(&[tag.id]), None, None).await?;
    if others.iter().any(|other| other.repo.id == repo.id) {
        return Err(error::generic(format!("External repo {} is on tag {} already", repo.name, tag.name)));
    }
    if let Some(other) = others.iter().find(|other| other.priority == priority) {
        let other = &other.repo.name;
        return Err(error::generic(format!("Tag {} has external repo {other} at priority {priority}", tag.name)));
    }
    let entry = Insert::into("tag_external_repos")
        .set("tag_id", tag.id)
        .set("external_repo_id", repo.id)
        .set("priority", priority)
        .set("merge_mode", merge_mode)
        .set("arches", arches);
    call.open_version(entry).await
}

async fn remove(call: &mut Call, tag: &Tag, repo: &ExternalRepo) -> Rpc<()> {
    let clause = "tag_id = ? AND external_repo_id = ?";
    let revoked = call.revoke_versions("tag_external_repos", clause, [tag.id.into(), repo.id.into()]).await?;
    if revoked == 0 { Err(not_on_tag(tag, repo)) } else { Ok(()) }
}

fn not_on_tag(tag: &Tag, repo: &ExternalRepo) -> Error {
    error::generic(format!("External repo {} is not on tag {}", repo.name, tag.name))
}

/// Arches as they are kept, separated by spaces.
fn arch_list(arches: Value, commas: bool) -> Rpc<String> {
    let text = match arches {
        Value::Array(_) => Vec::<String>::from_arg(arches, "arches")?.join(" "),
        text => String::from_arg(text, "arches")?,
    };
    let parsed = if commas { arch::parse_list(&text) } else { arch::parse_stored(&text) };
    Ok(parsed.map_err(|e| error::generic(e.to_string()))?.join(" "))
}
