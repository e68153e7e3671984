use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "standard_buildroot")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub buildroot_id: i32,
    pub host_id: i32,
    pub repo_id: i32,
    pub task_id: i32,
    pub create_event: i32,
    pub retire_event: Option<i32>,
    pub state: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
