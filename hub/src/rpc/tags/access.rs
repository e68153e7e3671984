//! Who may tag builds with a tag, and `checkTagAccess`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::store::{self, Tag, When};
use super::{Call, Rpc};
use crate::db::Db;
use crate::error;
use crate::rpc::{NameOrId, permissions_of};

/// Whether a user may tag builds with a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub allowed: bool,
    /// Whether the user may do it all the same, by force: admins may.
    pub may_force: bool,
    /// Why not, in the words that clients know; empty if allowed.
    pub reason: String,
}

/// Whether a user may tag builds with a tag, or take them off: not if it is locked, nor without the
/// permission that the tag asks for; `admin` does not stand for another one.
pub async fn access(db: &Db, tag: &Tag, user_id: i32) -> Rpc<Access> {
    let permissions = permissions_of(db, user_id).await?;
    let has = |name: &str| permissions.iter().any(|p| p == name);
    let reason = match &tag.perm {
        _ if tag.locked => "tag is locked".to_string(),
        Some(perm) if !has(perm) => format!("tag requires {perm} permission"),
        _ => String::new(),
    };
    Ok(Access { allowed: reason.is_empty(), may_force: has("admin"), reason })
}

/// Refuses (1004) who may not tag builds with a tag. With `force`, admins may.
pub async fn assert_access(db: &Db, tag: &Tag, user_id: i32, force: bool) -> Rpc<()> {
    let access = access(db, tag, user_id).await?;
    if access.allowed || (force && access.may_force) {
        return Ok(());
    }
    Err(error::denied(format!("{} ({})", access.reason, tag.name)))
}

/// Whether a user, by default the caller, may tag builds with a tag: a list of that, whether force would help,
/// and the reason, which is empty if allowed.
///
/// Faults: a tag that does not exist, no user (1000).
#[rpc("checkTagAccess(tag_id, user_id=None)", read)]
pub async fn check_tag_access(call: &mut Call, tag: NameOrId, user_id: Option<i32>) -> Rpc<Vec<Value>> {
    let caller = call.identity.user().map(|session| session.user_id);
    let user_id = user_id.or(caller).ok_or_else(|| error::generic("A user_id is needed"))?;
    let tag = store::get(&call.db, &tag, When::Now).await?;
    let Access { allowed, may_force, reason } = access(&call.db, &tag, user_id).await?;
    Ok(vec![Value::Boolean(allowed), Value::Boolean(may_force), Value::String(reason)])
}
