use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "build")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub volume_id: i32,
    pub pkg_id: i32,
    pub version: String,
    pub release: String,
    pub epoch: Option<i32>,
    pub draft: bool,
    pub source: Option<String>,
    pub create_event: i32,
    pub start_time: Option<DateTimeUtc>,
    pub completion_time: Option<DateTimeUtc>,
    pub promotion_time: Option<DateTimeUtc>,
    pub state: i32,
    pub task_id: Option<i32>,
    pub owner: i32,
    pub promoter: Option<i32>,
    pub cg_id: Option<i32>,
    pub extra: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
