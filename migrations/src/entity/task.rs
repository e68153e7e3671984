use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub state: Option<i32>,
    pub create_time: DateTimeUtc,
    pub start_time: Option<DateTimeUtc>,
    pub completion_time: Option<DateTimeUtc>,
    pub channel_id: i32,
    pub host_id: Option<i32>,
    pub parent: Option<i32>,
    pub label: Option<String>,
    pub waiting: Option<bool>,
    pub awaited: Option<bool>,
    pub owner: i32,
    pub method: Option<String>,
    pub request: Option<String>,
    pub result: Option<String>,
    pub eta: Option<i32>,
    pub arch: String,
    pub priority: Option<i32>,
    pub weight: f64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
