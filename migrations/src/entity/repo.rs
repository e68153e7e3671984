use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "repo")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub creation_time: Option<DateTimeUtc>,
    pub create_event: i32,
    pub state_time: Option<DateTimeUtc>,
    pub begin_event: Option<i32>,
    pub end_event: Option<i32>,
    pub tag_id: i32,
    pub state: Option<i32>,
    pub dist: Option<bool>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub opts: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub custom_opts: Option<Json>,
    pub task_id: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
