use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "maven_archives")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub archive_id: i32,
    pub group_id: String,
    pub artifact_id: String,
    pub version: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
