use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "repo_queue")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub create_time: DateTimeUtc,
    pub owner: i32,
    pub priority: i32,
    pub tag_id: i32,
    pub at_event: Option<i32>,
    pub min_event: Option<i32>,
    #[sea_orm(column_type = "JsonBinary")]
    pub opts: Json,
    pub update_time: DateTimeUtc,
    pub active: bool,
    pub task_id: Option<i32>,
    pub tries: i32,
    pub repo_id: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
