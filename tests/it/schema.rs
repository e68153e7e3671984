//! Our PostgreSQL schema is the stock one, and a stock database is taken over as it is.
//!
//! `tests/schema/` holds the stock schema as facts, read from the catalogue of a stock hub's database. Queries
//! that print a catalogue in the form of those files make the comparison a comparison of lines.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sqlx::postgres::PgPoolCopyExt;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use toji_migrations::{Found, MigrateError, PoolOptions, connect, migrate};

use crate::support::postgres::empty_database;

const CONSTRAINTS: &str = include_str!("../schema/constraints.tsv");
const COLUMNS: &str = include_str!("../schema/columns.tsv");
const INDEXES: &str = include_str!("../schema/indexes.tsv");
const FUNCTIONS: &str = include_str!("../schema/functions.tsv");
const SEQUENCES: &str = include_str!("../schema/sequences.txt");
const FIRST_ROWS: &str = include_str!("../schema/initial-rows.csv");

/// Each file of facts and the query that prints the same of a database.
const FACTS: [(&str, &str); 5] = [
    (
        COLUMNS,
        r"select concat_ws(E'\t', table_name, ordinal_position, column_name, data_type,
              coalesce(character_maximum_length::text, ''), is_nullable, coalesce(column_default, ''))
          from information_schema.columns where table_schema = 'public'",
    ),
    (
        CONSTRAINTS,
        r"select concat_ws(E'\t', relname, conname, case contype when 'p' then 'primary key' when 'u' then 'unique'
              when 'f' then 'foreign key' else 'check' end, pg_get_constraintdef(c.oid))
          from pg_constraint c join pg_class t on t.oid = conrelid
          where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'c')",
    ),
    (
        INDEXES,
        r"select concat_ws(E'\t', tablename, indexname, indexdef) from pg_indexes where schemaname = 'public'
          and indexname not in (select conname from pg_constraint where contype in ('p', 'u'))",
    ),
    (
        FUNCTIONS,
        r"select concat_ws(E'\t', proname, pg_get_function_identity_arguments(oid), pg_get_function_result(oid))
          from pg_proc where pronamespace = 'public'::regnamespace",
    ),
    (SEQUENCES, "select sequencename::text from pg_sequences where schemaname = 'public'"),
];

/// Lines by their first field: a table, a function or a sequence.
type Facts = BTreeMap<String, BTreeSet<String>>;

fn by_name<'a>(lines: impl IntoIterator<Item = &'a str>) -> Facts {
    let mut facts = Facts::new();
    for line in lines {
        let name = line.split('\t').next().unwrap_or_default();
        facts.entry(name.to_owned()).or_default().insert(line.to_owned());
    }
    facts
}

async fn strings(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect(sql);
    rows.iter().map(|row| row.try_get_by_index(0).expect(sql)).collect()
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.expect(sql);
}

/// Compares one name after the other, so that a failure shows the table in question.
async fn assert_stock(db: &DatabaseConnection) {
    for (facts, query) in FACTS {
        let stock = by_name(facts.lines());
        let mut ours = by_name(strings(db, query).await.iter().map(String::as_str));
        ours.retain(|name, _| !name.starts_with("toji_"));
        for (name, lines) in &stock {
            assert_eq!(ours.get(name), Some(lines), "{name} differs from the stock schema");
        }
        let names = |facts: &Facts| facts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&ours), names(&stock), "something is there that stock has not");
    }
}

/// The first rows by table, each as CSV with its header.
fn first_rows() -> Vec<(&'static str, &'static str)> {
    let sections = FIRST_ROWS.split("## ").skip(1);
    sections.map(|section| section.split_once('\n').expect("a table's name stands on its own line")).collect()
}

/// A whole table, in the order of its first column.
async fn rows(db: &DatabaseConnection, table: &str) -> Vec<String> {
    strings(db, &format!("select t::text from {table} t order by t")).await
}

async fn load(db: &DatabaseConnection, table: &str, csv: &str) {
    let copy = format!("copy {table} from stdin (format csv, header)");
    let mut copy = db.get_postgres_connection_pool().copy_in_raw(&copy).await.expect(table);
    copy.send(csv.as_bytes()).await.expect(table);
    copy.finish().await.expect(table);
}

/// Builds the database of a stock hub from the facts.
async fn stock_database(db: &DatabaseConnection) {
    let mut ddl = String::new();
    let fields = |line: &'static str| line.split('\t').collect::<Vec<_>>();
    for sequence in SEQUENCES.lines() {
        ddl += &format!("create sequence {sequence} as integer;");
    }
    for function in FUNCTIONS.lines().map(fields) {
        let [name, arguments, result] = function[..] else { panic!("{function:?}") };
        ddl +=
            &format!("create function {name}({arguments}) returns {result} language sql as 'select null::{result}';");
    }
    let mut tables = BTreeMap::<&str, Vec<String>>::new();
    for column in COLUMNS.lines().map(fields) {
        let [table, _, name, r#type, length, nullable, default] = column[..] else { panic!("{column:?}") };
        let length = if length.is_empty() { String::new() } else { format!("({length})") };
        let null = if nullable == "NO" { "not null" } else { "" };
        let default = if default.is_empty() { String::new() } else { format!("default {default}") };
        tables.entry(table).or_default().push(format!("{name} {type}{length} {null} {default}"));
    }
    for (table, columns) in tables {
        ddl += &format!("create table {table} ({});", columns.join(", "));
    }
    run(db, &ddl).await;

    for (table, csv) in first_rows() {
        load(db, table, csv).await;
        if csv.starts_with("id,") {
            run(db, &format!("select setval('{table}_id_seq', max(id)) from {table} having max(id) > 0")).await;
        }
    }

    let mut constraints: Vec<_> = CONSTRAINTS.lines().map(fields).collect();
    constraints.sort_by_key(|constraint| constraint[2] == "foreign key");
    let mut ddl = String::new();
    for constraint in constraints {
        let [table, name, _, definition] = constraint[..] else { panic!("{constraint:?}") };
        ddl += &format!("alter table {table} add constraint {name} {definition};");
    }
    for index in INDEXES.lines().map(fields) {
        ddl += index[2];
        ddl += ";";
    }
    run(db, &ddl).await;
}

/// The catalogue and the first rows' tables, without what is ours.
async fn everything(db: &DatabaseConnection) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (_, query) in FACTS {
        lines.extend(strings(db, query).await);
    }
    lines.retain(|line| !line.starts_with("toji_"));
    for (table, _) in first_rows() {
        lines.extend(rows(db, table).await.iter().map(|row| format!("{table}\t{row}")));
    }
    lines
}

async fn open(url: &str) -> DatabaseConnection {
    connect(url, &PoolOptions::default()).await.expect("the test server answers")
}

#[tokio::test]
async fn an_empty_database_becomes_a_stock_one() {
    let url = empty_database();
    let db = open(&url).await;
    let migrated = migrate(&db).await.unwrap();
    assert_eq!(migrated.found, Found::Empty);
    assert_stock(&db).await;

    for (table, csv) in first_rows() {
        run(&db, &format!("create table toji_stock_{table} (like {table})")).await;
        load(&db, &format!("toji_stock_{table}"), csv).await;
        assert_eq!(
            rows(&db, table).await,
            rows(&db, &format!("toji_stock_{table}")).await,
            "the first rows of {table}"
        );
        if csv.starts_with("id,") {
            let next = format!("select (nextval('{table}_id_seq') - max(id))::text from {table}");
            assert_eq!(strings(&db, &next).await, ["1"], "the next id of {table} is free");
        }
    }
}

#[tokio::test]
async fn events_open_by_default_and_tell_their_time() {
    let url = empty_database();
    let db = open(&url).await;
    migrate(&db).await.unwrap();
    run(
        &db,
        "insert into users (name, status, usertype) values ('ann', 0, 0);
         insert into tag (name) values ('f40');
         insert into tag_config (tag_id, creator_id) values (1, 1);",
    )
    .await;
    let same = "select (get_event_time(create_event) = time)::text from tag_config join events on id = create_event";
    assert_eq!(strings(&db, same).await, ["true"]);
    assert_eq!(strings(&db, "select coalesce(get_event_time(99)::text, 'unknown')").await, ["unknown"]);
}

#[tokio::test]
async fn a_stock_database_gets_our_tables_and_no_other_change() {
    let url = empty_database();
    let db = open(&url).await;
    stock_database(&db).await;
    assert_stock(&db).await;
    run(&db, "create table a_plugins_own (id integer)").await;
    let before = everything(&db).await;

    let migrated = migrate(&db).await.unwrap();
    assert_eq!(migrated.found, Found::Stock);
    assert_eq!(migrated.applied, ["0002_outbox_workers_leader"]);
    assert_eq!(everything(&db).await, before);
    let added = "select tablename::text from pg_tables where tablename like 'toji%' order by 1";
    let ours = ["toji_leader", "toji_migrations", "toji_outbox", "toji_workers"];
    assert_eq!(strings(&db, added).await, ours);

    let again = migrate(&db).await.unwrap();
    assert_eq!((again.found, again.applied.len()), (Found::Ours, 0));
}

#[tokio::test]
async fn a_schema_of_another_version_is_named_and_left_alone() {
    let url = empty_database();
    let db = open(&url).await;
    stock_database(&db).await;
    run(
        &db,
        "drop table proton_queue;
         alter table build drop column draft cascade;
         alter table tag_extra alter column value type integer using 0;
         alter table users add column email text;",
    )
    .await;
    let refused = migrate(&db).await.unwrap_err();
    assert!(matches!(refused, MigrateError::UnknownSchema(_)), "{refused}");
    for named in [
        "table proton_queue is missing",
        "column build.draft is missing",
        "column tag_extra.value has the type integer",
        "column users.email is unknown",
    ] {
        assert!(refused.to_string().contains(named), "{refused} does not name: {named}");
    }
    let none: [String; 0] = [];
    assert_eq!(strings(&db, "select tablename::text from pg_tables where tablename like 'toji%'").await, none);
}

#[tokio::test]
async fn processes_may_migrate_at_once() {
    let url = empty_database();
    let (one, two) = (open(&url).await, open(&url).await);
    let (one, two) = tokio::join!(migrate(&one), migrate(&two));
    assert_eq!(one.unwrap().applied.len() + two.unwrap().applied.len(), 2);
}
