use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tag_config")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tag_id: i32,
    pub arches: Option<String>,
    pub perm_id: Option<i32>,
    pub locked: bool,
    pub maven_support: bool,
    pub maven_include_all: bool,
    #[sea_orm(primary_key, auto_increment = false)]
    pub create_event: i32,
    pub revoke_event: Option<i32>,
    pub creator_id: i32,
    pub revoker_id: Option<i32>,
    pub active: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
