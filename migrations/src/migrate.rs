//! Brings a database to the schema of this version, in one transaction: all of it or nothing.

use async_trait::async_trait;
use sea_orm::sea_query::{Alias, IntoIden, Query};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, DynIden, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

use crate::found::{self, Found, MIGRATIONS_TABLE};
use crate::schema;

/// What `migrate` met and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    pub found: Found,
    /// The migrations that ran, by name, oldest first.
    pub applied: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(
        "this is not the stock schema 1.36, so nothing was changed: {}{}",
        .0[..SHOWN.min(.0.len())].join("; "),
        if .0.len() > SHOWN { format!("; and {} more", .0.len() - SHOWN) } else { String::new() }
    )]
    UnknownSchema(Vec<String>),
    #[error("a newer version migrated this database ({0} is unknown to this one), so nothing was changed")]
    Newer(String),
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// How many differences an error message names.
const SHOWN: usize = 5;

/// Any number that only we use; processes that migrate at the same time wait here for each other.
const POSTGRES_LOCK: &str = "select pg_advisory_xact_lock(1953458793)";

/// Makes the whole schema in an empty database, adds our tables to one that a stock hub made, and applies what is
/// pending to one of ours. Leaves any other database alone. Safe to run in several processes at once; when
/// nothing is pending it only reads.
pub async fn migrate(db: &DatabaseConnection) -> Result<Migrated, MigrateError> {
    if found::find(db).await? == Ok(Found::Ours) && pending(db).await?.is_empty() {
        return Ok(Migrated { found: Found::Ours, applied: Vec::new() });
    }

    let immediate =
        TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let tx = db.begin_with_options(immediate).await?;
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(POSTGRES_LOCK).await?;
    }
    let found = found::find(&tx).await?.map_err(MigrateError::UnknownSchema)?;
    Migrator::install(&tx).await?;
    if found == Found::Stock {
        record(&tx, &Stock).await?;
    }
    let applied = pending(&tx).await?;
    Migrator::up(&tx, None).await?;
    tx.commit().await?;
    Ok(Migrated { found, applied })
}

/// The names of the migrations that are still to run.
async fn pending(db: &impl ConnectionTrait) -> Result<Vec<String>, MigrateError> {
    let select = format!("select version from {MIGRATIONS_TABLE}");
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), select)).await?;
    let applied = rows.iter().map(|row| row.try_get::<String>("", "version")).collect::<Result<Vec<_>, _>>()?;
    let mut known: Vec<String> = Migrator::migrations().iter().map(|m| m.name().to_owned()).collect();
    if let Some(unknown) = applied.iter().find(|name| !known.contains(name)) {
        return Err(MigrateError::Newer(unknown.clone()));
    }
    known.retain(|name| !applied.contains(name));
    Ok(known)
}

/// Marks a migration as applied without running it.
async fn record(db: &impl ConnectionTrait, migration: &dyn MigrationTrait) -> Result<(), DbErr> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new(MIGRATIONS_TABLE))
        .columns([Alias::new("version"), Alias::new("applied_at")])
        .values_panic([migration.name().into(), chrono::Utc::now().timestamp().into()]);
    db.execute(&insert).await.map(drop)
}

struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Stock), Box::new(Ours)]
    }

    fn migration_table_name() -> DynIden {
        Alias::new(MIGRATIONS_TABLE).into_iden()
    }
}

struct Stock;

impl MigrationName for Stock {
    fn name(&self) -> &str {
        "0001_stock_1_36"
    }
}

#[async_trait]
impl MigrationTrait for Stock {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = schema::stock(manager.get_database_backend());
        manager.get_connection().execute_unprepared(&ddl).await.map(drop)
    }
}

struct Ours;

impl MigrationName for Ours {
    fn name(&self) -> &str {
        "0002_outbox_workers_leader"
    }
}

#[async_trait]
impl MigrationTrait for Ours {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = schema::ours(manager.get_database_backend());
        manager.get_connection().execute_unprepared(&ddl).await.map(drop)
    }
}
