use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "proton_queue")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub created_ts: Option<DateTimeUtc>,
    pub address: String,
    #[sea_orm(column_type = "Json")]
    pub props: Json,
    #[sea_orm(column_type = "Json")]
    pub body: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
