//! Which of several schedulers leads: whoever holds the row of `toji_leader`, until its time runs out.

use std::time::{Duration, Instant};

use chrono::Utc;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use toji_migrations::entity::toji_leader as row;

/// A claim to lead in one matter.
pub struct Lease {
    name: String,
    holder: String,
    term: Duration,
    /// When we last got it, if we have it.
    renewed: Option<Instant>,
}

impl Lease {
    pub fn new(name: &str, term: Duration) -> Self {
        let holder = format!("{}-{:x}", std::process::id(), rand::random::<u64>());
        Self { name: name.into(), holder, term, renewed: None }
    }

    /// Takes the lease, or renews one that has half run out; false while somebody else holds it.
    pub async fn acquire(&mut self, database: &DatabaseConnection) -> Result<bool, DbErr> {
        if self.renewed.is_some_and(|renewed| renewed.elapsed() < self.term / 2) {
            return Ok(true);
        }
        let now = Instant::now();
        let held = self.write(database).await?;
        self.renewed = held.then_some(now);
        Ok(held)
    }

    async fn write(&self, database: &DatabaseConnection) -> Result<bool, DbErr> {
        let now = Utc::now();
        let until = now + self.term;
        let taken = row::Entity::update_many()
            .col_expr(row::Column::Holder, Expr::value(self.holder.clone()))
            .col_expr(row::Column::Until, Expr::value(until))
            .filter(row::Column::Name.eq(&self.name))
            .filter(Condition::any().add(row::Column::Holder.eq(&self.holder)).add(row::Column::Until.lt(now)))
            .exec(database)
            .await?;
        if taken.rows_affected > 0 {
            return Ok(true);
        }
        let first =
            row::ActiveModel { name: Set(self.name.clone()), holder: Set(self.holder.clone()), until: Set(until) };
        let inserted = row::Entity::insert(first)
            .on_conflict(OnConflict::column(row::Column::Name).do_nothing().to_owned())
            .exec_without_returning(database)
            .await?;
        Ok(inserted > 0)
    }

    /// Gives the lease up, so that another need not wait for it to run out.
    pub async fn release(&self, database: &DatabaseConnection) -> Result<(), DbErr> {
        row::Entity::delete_many()
            .filter(row::Column::Name.eq(&self.name))
            .filter(row::Column::Holder.eq(&self.holder))
            .exec(database)
            .await?;
        Ok(())
    }
}
