//! Finding entries by the names and ids that clients give: `NameOrId` to id and name.

use crate::db::{Db, Insert, RowExt, Select};
use crate::error::{self, Rpc};

use super::NameOrId;

/// A found entry of a table that has ids and unique names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: i32,
    pub name: String,
}

/// The tables that `find` knows, and what messages call their entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Tag,
    Package,
    Permission,
    Channel,
    Target,
    ExternalRepo,
    Group,
    Volume,
    ContentGenerator,
    BuildType,
}

impl Table {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Package => "package",
            Self::Permission => "permissions",
            Self::Channel => "channels",
            Self::Target => "build_target",
            Self::ExternalRepo => "external_repo",
            Self::Group => "groups",
            Self::Volume => "volume",
            Self::ContentGenerator => "content_generator",
            Self::BuildType => "btype",
        }
    }
}

/// The entry, if there is one.
pub async fn find(db: &Db, table: Table, what: &NameOrId) -> Rpc<Option<Named>> {
    let select = Select::from(table.name()).columns(&[("id", "id"), ("name", "name")]);
    let select = match what {
        NameOrId::Id(id) => select.clause("id = ?", [(*id).into()]),
        NameOrId::Name(name) => select.clause("name = ?", [name.clone().into()]),
    };
    let Some(row) = select.one(db).await? else { return Ok(None) };
    Ok(Some(Named { id: row.int("id")?, name: row.text("name").into() }))
}

/// The entry; a general fault if there is none.
pub async fn get(db: &Db, table: Table, what: &NameOrId) -> Rpc<Named> {
    find(db, table, what)
        .await?
        .ok_or_else(|| error::generic(format!("No such entry in table {}: {what}", table.name())))
}

/// The entry, made if there is none; an id that does not exist is a fault.
pub async fn get_or_create(db: &Db, table: Table, what: &NameOrId) -> Rpc<Named> {
    match (find(db, table, what).await?, what) {
        (Some(found), _) => Ok(found),
        (None, NameOrId::Name(name)) => {
            let id = Insert::into(table.name()).set("name", name.clone()).returning_id(db).await?;
            Ok(Named { id, name: name.clone() })
        }
        (None, NameOrId::Id(_)) => get(db, table, what).await,
    }
}
