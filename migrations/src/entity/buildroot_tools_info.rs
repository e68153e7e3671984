use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "buildroot_tools_info")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub buildroot_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tool: String,
    pub version: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
