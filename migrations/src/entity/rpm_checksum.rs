use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rpm_checksum")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub rpm_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sigkey: String,
    pub checksum: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub checksum_type: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
