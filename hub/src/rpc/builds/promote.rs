//! A draft becomes a regular build.

use chrono::Utc;
use toji_hub_macros::rpc;
use toji_proto::nvr::{self, Nvr};
use toji_proto::states::{BuildState, TagUpdateType};
use toji_proto::{Struct, Value};

use super::store::{self, BuildRef};
use crate::db::{Row, Update};
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::{Call, volumes};

/// Makes a complete draft the regular build of its target release; returns it, as `getBuild`.
///
/// The policy `draft_promotion` decides who may; an admin may `force` it. Where the draft was, on a volume other
/// than the default one, a link remains. Faults (1000): no draft, not complete, the target exists.
#[rpc("promoteBuild(build, force=False)", write, login)]
pub async fn promote_build(call: &mut Call, build: BuildRef, force: bool) -> Rpc<Row> {
    let draft = store::get(&call.db, &build).await?;
    let refused = |why: String| error::generic(format!("Cannot promote build {}. Reason: {why}", draft.nvr()));
    if !draft.draft {
        return Err(refused("not a draft build".into()));
    }
    if draft.state != BuildState::Complete {
        return Err(refused(format!("state ({}) is not COMPLETE", draft.state)));
    }
    let release = nvr::target_release(&draft.release).map_err(|e| refused(e.to_string()))?.to_string();
    let target =
        Nvr { name: draft.name.clone(), version: draft.version.clone(), release: release.clone(), epoch: None };
    if let Some(there) = store::find(&call.db, &BuildRef::Nvr(target)).await? {
        return Err(refused(format!("the target build exists: {} (id {})", there.nvr(), there.id)));
    }
    let user = call.user_id()?;
    let data = Struct::from([
        ("build".into(), Value::Integer(draft.id)),
        ("target_release".into(), Value::String(release.clone())),
        ("user_id".into(), Value::Integer(user)),
    ]);
    call.assert_policy("draft_promotion", data, force).await?;
    // The RPMs' mark follows by the foreign key.
    Update::table("build")
        .set("draft", false)
        .set("release", release)
        .set("promoter", user)
        .set("promotion_time", Utc::now())
        .clause("id = ?", [draft.id.into()])
        .run(&call.db)
        .await?;
    let promoted = store::get(&call.db, &draft.id.into()).await?;
    let (old, new) = (call.hub.tree.build(&draft.place())?, call.hub.tree.build(&promoted.place())?);
    files::rename(call, old, new).await?;
    volumes::links::to_build(call, &promoted).await?;
    volumes::links::from_former_place(call, &draft, &promoted).await?;
    // Another release may belong on another volume.
    volumes::apply_policy(call, &promoted, false).await?;
    store::note_tag_updates(call, draft.id, TagUpdateType::DraftPromotion).await?;
    Ok(store::get(&call.db, &draft.id.into()).await?.row)
}
