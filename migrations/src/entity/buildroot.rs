use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "buildroot")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub br_type: i32,
    pub cg_id: Option<i32>,
    pub cg_version: Option<String>,
    pub container_type: Option<String>,
    pub container_arch: Option<String>,
    pub host_os: Option<String>,
    pub host_arch: Option<String>,
    pub extra: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
