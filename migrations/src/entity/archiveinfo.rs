use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "archiveinfo")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub type_id: i32,
    pub btype_id: Option<i32>,
    pub build_id: i32,
    pub buildroot_id: Option<i32>,
    pub filename: String,
    pub size: i64,
    pub checksum: String,
    pub checksum_type: i32,
    pub metadata_only: bool,
    pub extra: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
