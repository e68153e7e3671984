//! One way to open either database, with what each needs to be quick and right.

use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr, RuntimeErr, SqlxPostgresConnector, SqlxSqliteConnector};

/// The hub runs a few hundred different statements; sqlx keeps 100 prepared unless told otherwise.
const PREPARED_STATEMENTS: usize = 500;

/// A connection that lay idle this long is tried before use: the server may be gone. Others cost no ping.
const TRY_AFTER_IDLE: Duration = Duration::from_secs(30);

/// How long a SQLite writer waits for the one before it.
const SQLITE_BUSY: Duration = Duration::from_secs(30);

/// How many connections to keep open, how many at most, and how long a caller waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    pub min_connections: u32,
    pub max_connections: u32,
    pub acquire_timeout: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        PoolOptions { min_connections: 1, max_connections: 16, acquire_timeout: Duration::from_secs(30) }
    }
}

/// Opens `postgresql://…`, `postgres://…`, `sqlite:///absolute/path` or `sqlite:relative/path`. A SQLite file is
/// made when missing, its directory is not. Sessions speak UTC on both.
pub async fn connect(url: &str, pool: &PoolOptions) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .min_connections(pool.min_connections)
        .max_connections(pool.max_connections)
        .acquire_timeout(pool.acquire_timeout)
        .sqlx_logging(false)
        .test_before_acquire_if_idle_for(TRY_AFTER_IDLE);

    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => {
            options.map_sqlx_postgres_opts(|o| o.statement_cache_capacity(PREPARED_STATEMENTS));
            SqlxPostgresConnector::connect(options).await
        }
        Some("sqlite") => {
            options.map_sqlx_sqlite_opts(|o| {
                o.create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    .busy_timeout(SQLITE_BUSY)
                    .foreign_keys(true)
                    .statement_cache_capacity(PREPARED_STATEMENTS)
            });
            SqlxSqliteConnector::connect(options).await.map_err(|e| refused(format!("{url}: {e}")))
        }
        // The URL may hold a password, so it is not repeated.
        _ => Err(refused("a database URL starts with postgresql:// or sqlite:".to_owned())),
    }
}

fn refused(why: String) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(why))
}
