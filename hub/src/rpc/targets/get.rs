//! `getBuildTarget` and `getBuildTargets`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::{Call, Rpc, store};
use crate::db::{Db, QueryOpts, Row};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{AtEvent, NameOrId};

/// A build target: a struct with `id, name, build_tag, build_tag_name, dest_tag, dest_tag_name`. One that does
/// not exist (at that event) is nil or, with `strict`, a fault (1000).
#[rpc("getBuildTarget(info, event=None, strict=False)", read)]
pub async fn get_build_target(call: &mut Call, info: NameOrId, event: AtEvent, strict: bool) -> Rpc<Option<Row>> {
    match store::named(store::select(event.0), &info).one(&call.db).await? {
        None if strict => Err(store::no_such(&info)),
        found => Ok(found),
    }
}

/// Build targets as of `getBuildTarget`: all, or those that fit what is given.
#[rpc("getBuildTargets(info=None, event=None, buildTagID=None, destTagID=None, queryOpts=None)", read)]
pub async fn get_build_targets(
    call: &mut Call,
    info: Option<NameOrId>,
    event: AtEvent,
    build_tag: Option<NameOrId>,
    dest_tag: Option<NameOrId>,
    query_opts: Option<QueryOpts>,
) -> Rpc<Value> {
    let mut select = store::select(event.0);
    if let Some(info) = info.filter(|info| !matches!(info, NameOrId::Name(name) if name.is_empty())) {
        select = store::named(select, &info);
    }
    for (column, tag) in [("build_tag", build_tag), ("dest_tag", dest_tag)] {
        if let Some(tag) = tag {
            let id = tag_id(&call.db, &tag).await?;
            select = select.clause(&format!("build_target_config.{column} = ?"), [id.into()]);
        }
    }
    select.opts(query_opts).answer(&call.db).await
}

/// The tag's id; no target has an unknown one's.
async fn tag_id(db: &Db, tag: &NameOrId) -> Rpc<Option<i32>> {
    match tag {
        NameOrId::Id(id) => Ok(Some(*id)),
        NameOrId::Name(_) => Ok(lookup::find(db, Table::Tag, tag).await?.map(|found| found.id)),
    }
}
