//! The stock table has no primary key; its unique columns stand in for one.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rpmsigs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub rpm_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sigkey: String,
    pub sighash: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
