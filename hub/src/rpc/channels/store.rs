//! Channels.

use crate::db::{Db, Row, Select};
use crate::error::{self, Rpc};
use crate::rpc::NameOrId;

/// Channels as `getChannel` tells them.
pub fn select(tables: &str) -> Select {
    Select::from(tables)
        .columns(&[("channels.id", "id"), ("channels.name", "name"), ("channels.description", "description")])
        .columns(&[("channels.enabled", "enabled"), ("channels.comment", "comment")])
        .order("id")
}

/// The channel, if there is one.
pub async fn find(db: &Db, channel: &NameOrId) -> Rpc<Option<Row>> {
    let select = match channel {
        NameOrId::Id(id) => select("channels").clause("id = ?", [(*id).into()]),
        NameOrId::Name(name) => select("channels").clause("name = ?", [name.clone().into()]),
    };
    select.one(db).await
}

/// The channel; a general fault if there is none.
pub async fn get(db: &Db, channel: &NameOrId) -> Rpc<Row> {
    find(db, channel).await?.ok_or_else(|| error::generic(format!("No such channel: {channel}")))
}
