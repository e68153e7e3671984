use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scheduler_log_messages")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub task_id: Option<i32>,
    pub host_id: Option<i32>,
    pub msg_time: DateTimeUtc,
    pub msg: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
