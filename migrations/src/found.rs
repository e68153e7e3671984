//! What a database holds before we touch it.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::ColumnType;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::entity;

/// The record of applied migrations; a database that has it is ours.
pub const MIGRATIONS_TABLE: &str = "toji_migrations";

/// How the database was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No tables at all.
    Empty,
    /// Made by a stock hub, at the schema that we know.
    Stock,
    /// Migrated by us before.
    Ours,
}

/// Columns by table, each with its type as PostgreSQL prints it.
type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

const POSTGRES_COLUMNS: &str = "
    select c.relname as table, a.attname as column, format_type(a.atttypid, null) as type
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
    and a.attnum > 0 and not a.attisdropped";

const SQLITE_COLUMNS: &str = "
    select t.name as \"table\", c.name as \"column\", c.type as type
    from sqlite_master t join pragma_table_info(t.name) c
    where t.type = 'table' and t.name not like 'sqlite!_%' escape '!'";

/// Tells whose database this is, or in which ways it is nobody's we know.
pub async fn find(db: &impl ConnectionTrait) -> Result<Result<Found, Vec<String>>, DbErr> {
    let catalogue = read(db).await?;
    if catalogue.is_empty() {
        return Ok(Ok(Found::Empty));
    }
    if catalogue.contains_key(MIGRATIONS_TABLE) {
        return Ok(Ok(Found::Ours));
    }
    if db.get_database_backend() == DbBackend::Sqlite {
        return Ok(Err(vec!["a SQLite database with tables that toji did not make".to_owned()]));
    }
    let differences = differences(&catalogue);
    Ok(if differences.is_empty() { Ok(Found::Stock) } else { Err(differences) })
}

async fn read(db: &impl ConnectionTrait) -> Result<Catalogue, DbErr> {
    let backend = db.get_database_backend();
    let sql = if backend == DbBackend::Sqlite { SQLITE_COLUMNS } else { POSTGRES_COLUMNS };
    let mut catalogue = Catalogue::new();
    for row in db.query_all_raw(Statement::from_string(backend, sql)).await? {
        let (table, column, r#type): (String, String, String) = row.try_get_many("", &columns())?;
        catalogue.entry(table).or_default().insert(column, r#type);
    }
    Ok(catalogue)
}

fn columns() -> [String; 3] {
    ["table", "column", "type"].map(str::to_owned)
}

/// Tables of others (a plugin's) are theirs to have; a stock table must have the stock columns, no more or fewer.
fn differences(found: &Catalogue) -> Vec<String> {
    let mut differences = Vec::new();
    for table in entity::stock() {
        let Some(has) = found.get(table.name) else {
            differences.push(format!("table {} is missing", table.name));
            continue;
        };
        for (column, wanted) in &table.columns {
            match has.get(*column) {
                None => differences.push(format!("column {}.{column} is missing", table.name)),
                Some(r#type) if !is_type(wanted, r#type) => {
                    differences.push(format!("column {}.{column} has the type {type}", table.name));
                }
                Some(_) => {}
            }
        }
        let wanted: BTreeSet<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        let unknown = has.keys().filter(|name| !wanted.contains(name.as_str()));
        differences.extend(unknown.map(|name| format!("column {}.{name} is unknown", table.name)));
    }
    differences
}

fn is_type(wanted: &ColumnType, found: &str) -> bool {
    match wanted {
        ColumnType::SmallInteger => found == "smallint",
        ColumnType::Integer => found == "integer",
        ColumnType::BigInteger => found == "bigint",
        ColumnType::Double => found == "double precision",
        ColumnType::Boolean => found == "boolean",
        ColumnType::String(_) => found == "text" || found == "character varying",
        ColumnType::TimestampWithTimeZone => found == "timestamp with time zone",
        ColumnType::Json => found == "json",
        ColumnType::JsonBinary => found == "jsonb",
        _ => false,
    }
}
