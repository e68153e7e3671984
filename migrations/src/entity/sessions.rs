use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub user_id: i32,
    pub expired: bool,
    pub master: Option<i32>,
    pub key: Option<String>,
    pub authtype: Option<i32>,
    pub hostip: Option<String>,
    pub callnum: Option<i32>,
    pub start_time: DateTimeUtc,
    pub update_time: DateTimeUtc,
    pub exclusive: Option<bool>,
    pub closed: bool,
    pub renew_time: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
