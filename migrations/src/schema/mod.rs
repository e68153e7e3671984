//! The DDL, written once in PostgreSQL's words. SQLite gets the same text with the few words replaced that it
//! does not know; there ids are never reused, times are text in the form that sqlx writes, and the caller gives
//! the event, since a column cannot default to `get_event()`.

use sea_orm::DbBackend;

const FUNCTIONS: &str = include_str!("functions.sql");
const STOCK: &str = include_str!("stock.sql");
const FIRST_ROWS: &str = include_str!("first_rows.sql");
const OURS: &str = include_str!("ours.sql");

/// What `{versioned}` stands for.
const VERSIONED: &str = "create_event integer not null default get_event() references events (id),
    revoke_event integer references events (id),
    creator_id integer not null references users (id),
    revoker_id integer references users (id),
    active boolean default true check (active),
    constraint active_revoke_sane check (
        (active is null and revoke_event is not null and revoker_id is not null) or
        (active is not null and revoke_event is null and revoker_id is null)
    )";

const SQLITE_NOW: &str = "(strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'))";

/// PostgreSQL's words and SQLite's. The order matters: a longer word comes before one that it contains.
const SQLITE_WORDS: &[(&str, &str)] = &[
    ("bigserial primary key", "integer primary key autoincrement"),
    ("serial primary key", "integer primary key autoincrement"),
    ("timestamptz", "timestamp"),
    (" jsonb", " text"),
    (" json", " text"),
    (" default get_event()", ""),
    ("clock_timestamp()", SQLITE_NOW),
    ("now()", SQLITE_NOW),
    ("release ~ ('^.*,draft_' || id::text || '$')", "release glob '*,draft_' || id"),
    ("\n    include (id)", ""),
];

/// The stock schema 1.36 with its first rows, as one batch.
pub fn stock(backend: DbBackend) -> String {
    let tables = STOCK.replace("{versioned}", VERSIONED);
    match backend {
        DbBackend::Sqlite => sqlite(&tables) + FIRST_ROWS,
        _ => [FUNCTIONS, &tables, FIRST_ROWS].concat(),
    }
}

/// The tables of our own, as one batch.
pub fn ours(backend: DbBackend) -> String {
    match backend {
        DbBackend::Sqlite => sqlite(OURS),
        _ => OURS.to_owned(),
    }
}

fn sqlite(ddl: &str) -> String {
    let limited: String = ddl.lines().map(limited).collect();
    SQLITE_WORDS.iter().fold(limited, |text, (theirs, ours)| text.replace(theirs, ours))
}

/// SQLite does not look at the length that a `varchar` may have, unless a check says so.
fn limited(line: &str) -> String {
    let column = || {
        let (before, after) = line.split_once(" varchar(")?;
        let (length, after) = after.split_once(')')?;
        let name = before.trim();
        Some(format!("{before} varchar({length}) check (length({name}) <= {length}){after}\n"))
    };
    column().unwrap_or_else(|| format!("{line}\n"))
}
