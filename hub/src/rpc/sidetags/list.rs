//! `listSideTags`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::{Call, Rpc};
use crate::db::{QueryOpts, Select};
use crate::rpc::tags::store::{self as tags, When};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{FromArg, NameOrId};

/// Side tags: structs with `id, name, user_id` (the owner's, as text) and `user_name`; of all, or of those on a
/// base tag, or of those of a user.
///
/// Faults: a tag or user that does not exist (1000).
#[rpc("listSideTags(basetag=None, user=None, queryOpts=None)", read)]
pub async fn list_side_tags(
    call: &mut Call,
    base: Option<NameOrId>,
    user: Value,
    query_opts: Option<QueryOpts>,
) -> Rpc<Value> {
    let mut select = Select::from("tag")
        .join("tag_extra AS side ON side.tag_id = tag.id AND side.key = 'sidetag' AND side.active = TRUE")
        .join("tag_extra AS owner ON owner.tag_id = tag.id AND owner.key = 'sidetag_user_id' AND owner.active = TRUE")
        // Extra settings are JSON as text; whatever somebody wrote there must not break the list.
        .join("LEFT JOIN users ON CAST(users.id AS text) = owner.value")
        .columns(&[("tag.id", "id"), ("tag.name", "name"), ("owner.value", "user_id"), ("users.name", "user_name")])
        .clause("side.value = 'true'", []);
    if user != Value::Nil {
        let user = users::get(call, &UserRef::from_arg(user, "user")?).await?;
        select = select.clause("owner.value = ?", [user.id.to_string().into()]);
    }
    if let Some(base) = base {
        let base = tags::get(&call.db, &base, When::Now).await?;
        select = select
            .join("tag_inheritance ON tag_inheritance.tag_id = tag.id AND tag_inheritance.active = TRUE")
            .clause("tag_inheritance.parent_id = ?", [base.id.into()]);
    }
    select.order("id").opts(query_opts).answer(&call.db).await
}
