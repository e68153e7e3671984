use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rpminfo")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub build_id: Option<i32>,
    pub buildroot_id: Option<i32>,
    pub name: String,
    pub version: String,
    pub release: String,
    pub epoch: Option<i32>,
    pub arch: String,
    pub draft: Option<bool>,
    pub external_repo_id: i32,
    pub payloadhash: String,
    pub size: i64,
    pub buildtime: i64,
    pub metadata_only: bool,
    pub extra: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
