use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "toji_workers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub host_id: i32,
    pub instance: String,
    pub version: Option<String>,
    pub started: Option<DateTimeUtc>,
    pub last_seen: DateTimeUtc,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub data: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
