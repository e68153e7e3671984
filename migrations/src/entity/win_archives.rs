use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "win_archives")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub archive_id: i32,
    pub relpath: String,
    pub platforms: String,
    pub flags: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
