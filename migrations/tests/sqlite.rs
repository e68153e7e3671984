//! What the schema promises on SQLite.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseConnection, DbErr, Statement};
use serde_json::json;
use tempfile::TempDir;
use toji_migrations::entity::{
    archivetypes, build, channels, events, external_repo, locks, permissions, repo, tag_config, toji_leader,
    toji_outbox, volume,
};
use toji_migrations::{Found, MigrateError, PoolOptions, connect, migrate};

async fn open(dir: &TempDir) -> DatabaseConnection {
    let url = format!("sqlite://{}", dir.path().join("toji.db").display());
    connect(&url, &PoolOptions::default()).await.expect("the file can be made")
}

async fn migrated() -> (TempDir, DatabaseConnection) {
    let dir = TempDir::new().unwrap();
    let db = open(&dir).await;
    migrate(&db).await.unwrap();
    (dir, db)
}

async fn run(db: &DatabaseConnection, sql: &str) -> Result<(), DbErr> {
    db.execute_unprepared(sql).await.map(drop)
}

/// Event 1 and user 1, which most rows refer to.
async fn someone(db: &DatabaseConnection) {
    run(db, "insert into events (time) values (current_timestamp)").await.unwrap();
    run(db, "insert into users (name, status, usertype) values ('ann', 0, 0)").await.unwrap();
}

#[tokio::test]
async fn an_empty_file_gets_everything_once() {
    let dir = TempDir::new().unwrap();
    let db = open(&dir).await;
    let first = migrate(&db).await.unwrap();
    assert_eq!(first.found, Found::Empty);
    assert_eq!(first.applied.len(), 2);
    let again = migrate(&db).await.unwrap();
    assert_eq!(again.found, Found::Ours);
    assert!(again.applied.is_empty());
}

#[tokio::test]
async fn processes_may_migrate_at_once() {
    let dir = TempDir::new().unwrap();
    let (one, two) = tokio::join!(open(&dir), open(&dir));
    let (one, two) = tokio::join!(migrate(&one), migrate(&two));
    assert_eq!(one.unwrap().applied.len() + two.unwrap().applied.len(), 2);
}

#[tokio::test]
async fn a_file_of_others_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let db = open(&dir).await;
    run(&db, "create table notes (id integer primary key)").await.unwrap();
    let refused = migrate(&db).await.unwrap_err();
    assert!(matches!(refused, MigrateError::UnknownSchema(_)), "{refused}");
    assert_eq!(tables(&db).await, ["notes"]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let (_dir, db) = migrated().await;
    run(&db, "insert into toji_migrations values ('9999_later', 0)").await.unwrap();
    assert!(matches!(migrate(&db).await.unwrap_err(), MigrateError::Newer(name) if name == "9999_later"));
}

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let sql = "select name from sqlite_master where type = 'table' and name not like 'sqlite%' order by 1";
    strings(db, sql).await
}

/// The first column of a query.
async fn strings(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test]
async fn the_first_rows_are_there_and_ids_go_on_after_them() {
    let (_dir, db) = migrated().await;
    assert_eq!(permissions::Entity::find().count(&db).await.unwrap(), 15);
    assert_eq!(archivetypes::Entity::find().count(&db).await.unwrap(), 76);
    assert_eq!(locks::Entity::find().count(&db).await.unwrap(), 3);
    let internal = external_repo::Entity::find_by_id(0).one(&db).await.unwrap().unwrap();
    assert_eq!(internal.name, "INTERNAL");
    let default = volume::Entity::find_by_id(0).one(&db).await.unwrap().unwrap();
    assert_eq!(default.name, "DEFAULT");

    let name = |name: &str| channels::ActiveModel { name: Set(name.to_owned()), ..Default::default() };
    let ninth = name("bare-metal").insert(&db).await.unwrap();
    assert_eq!((ninth.id, ninth.enabled), (9, true));
    ninth.delete(&db).await.unwrap();
    assert_eq!(name("metal").insert(&db).await.unwrap().id, 10, "ids are never reused");
}

#[tokio::test]
async fn raw_sql_of_the_conformance_accounts_is_taken() {
    let (_dir, db) = migrated().await;
    someone(&db).await;
    run(
        &db,
        "insert into user_perms (user_id, perm_id, create_event, creator_id, active)
         select u.id, p.id, (select max(id) from events), u.id, true from users u, permissions p
         where u.name = 'ann' and p.name = 'admin'",
    )
    .await
    .unwrap();
    let event = events::Entity::find().one(&db).await.unwrap().unwrap();
    assert!((now() - event.time).num_seconds().abs() < 5, "{}", event.time);
}

fn now() -> DateTimeUtc {
    chrono::Utc::now()
}

#[tokio::test]
async fn times_read_back_as_written_and_sort_as_text() {
    let (_dir, db) = migrated().await;
    someone(&db).await;
    let written: DateTimeUtc = "2031-02-03T04:05:06.789012Z".parse().unwrap();
    events::ActiveModel { time: Set(written), ..Default::default() }.insert(&db).await.unwrap();
    let whole: DateTimeUtc = "2031-02-03T04:05:06Z".parse().unwrap();
    events::ActiveModel { time: Set(whole), ..Default::default() }.insert(&db).await.unwrap();
    run(&db, "insert into events default values").await.unwrap();

    let later = events::Entity::find().filter(events::Column::Time.gt(whole)).all(&db).await.unwrap();
    assert_eq!(later.iter().map(|event| event.time).collect::<Vec<_>>(), [written]);
    let made = events::Entity::find_by_id(4).one(&db).await.unwrap().unwrap();
    assert!((now() - made.time).num_seconds().abs() < 5, "{}", made.time);
    let text = strings(&db, "select cast(time as text) from events order by id").await;
    assert_eq!(text[1], "2031-02-03T04:05:06.789012+00:00");
    assert!(text[3].contains('T') && text[3].ends_with("+00:00"), "a default is written as sqlx writes: {}", text[3]);
}

#[tokio::test]
async fn a_versioned_table_has_one_current_row_and_any_number_of_past_ones() {
    let (_dir, db) = migrated().await;
    someone(&db).await;
    for _ in 0..3 {
        run(&db, "insert into events default values").await.unwrap();
    }
    run(&db, "insert into tag (name) values ('f40')").await.unwrap();
    let config = |event: i32| tag_config::ActiveModel {
        tag_id: Set(1),
        create_event: Set(event),
        creator_id: Set(1),
        ..Default::default()
    };
    for event in 1..=3 {
        config(event).insert(&db).await.unwrap();
        let second = config(4).insert(&db).await.unwrap_err();
        assert!(matches!(second.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))), "{second}");
        run(&db, "update tag_config set active = null, revoke_event = 4, revoker_id = 1 where active").await.unwrap();
    }
    let past = tag_config::Entity::find().filter(tag_config::Column::Active.is_null()).count(&db).await.unwrap();
    assert_eq!(past, 3);
    let half = run(&db, "update tag_config set revoker_id = null").await.unwrap_err();
    assert!(half.to_string().contains("active_revoke_sane"), "{half}");
}

#[tokio::test]
async fn checks_and_references_hold() {
    let (_dir, db) = migrated().await;
    someone(&db).await;
    run(&db, "insert into package (name) values ('bash')").await.unwrap();
    let build = |id: i32, release: &str, draft: bool| build::ActiveModel {
        id: Set(id),
        volume_id: Set(0),
        pkg_id: Set(1),
        version: Set("5".to_owned()),
        release: Set(release.to_owned()),
        draft: Set(draft),
        create_event: Set(1),
        state: Set(0),
        owner: Set(1),
        ..Default::default()
    };
    build(7, "1,draft_7", true).insert(&db).await.unwrap();
    let refused = [
        (build(8, "2,draft_7", true), "draft_release_sane"),
        (build::ActiveModel { completion_time: Set(Some(now())), ..build(8, "2", false) }, "completion_sane"),
        (build::ActiveModel { owner: Set(99), ..build(8, "2", false) }, "FOREIGN KEY"),
        (build(8, "1,draft_7", false), "build.pkg_id, build.version, build.release"),
    ];
    for (row, why) in refused {
        let error = row.insert(&db).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error} does not name {why}");
    }
}

#[tokio::test]
async fn an_rpm_name_is_unique_unless_a_draft() {
    let (_dir, db) = migrated().await;
    let rpm = "insert into rpminfo (name, version, release, arch, external_repo_id, payloadhash, size, buildtime)
        values ('bash', '5', '1', 'x86_64', 1, '', 1, 1)";
    run(&db, "insert into external_repo (name) values ('upstream')").await.unwrap();
    run(&db, rpm).await.unwrap();
    let second = run(&db, rpm).await.unwrap_err();
    assert!(matches!(second.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))), "{second}");
    let plan = "explain query plan select id from rpminfo
        where name || '-' || version || '-' || release || '.' || arch || '.rpm' = 'bash-5-1.x86_64.rpm'";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), plan)).await.unwrap();
    let detail: String = rows[0].try_get("", "detail").unwrap();
    assert!(detail.contains("rpminfo_filename"), "{detail}");
}

#[tokio::test]
async fn json_and_our_own_tables_round_trip() {
    let (_dir, db) = migrated().await;
    someone(&db).await;
    run(&db, "insert into tag (name) values ('f40')").await.unwrap();
    let opts = json!({"debuginfo": true, "src": null});
    let made =
        repo::ActiveModel { tag_id: Set(1), create_event: Set(1), opts: Set(Some(opts.clone())), ..Default::default() };
    let made = made.insert(&db).await.unwrap();
    let read = repo::Entity::find_by_id(made.id).one(&db).await.unwrap().unwrap();
    assert_eq!((read.opts, read.custom_opts, read.dist), (Some(opts), None, Some(false)));

    let row = toji_outbox::ActiveModel {
        topic: Set("task.assigned".to_owned()),
        payload: Set(json!({"task": 1})),
        ..Default::default()
    };
    assert_eq!(row.insert(&db).await.unwrap().payload, json!({"task": 1}));
    let lease =
        toji_leader::ActiveModel { name: Set("scheduler".to_owned()), holder: Set("a".to_owned()), until: Set(now()) };
    toji_leader::Entity::insert(lease).exec(&db).await.unwrap();
    let expired = toji_leader::Entity::find().filter(toji_leader::Column::Until.lte(now()));
    assert_eq!(expired.count(&db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_without_repeating_it() {
    for url in ["", "mysql://u:secret@h/db", "nonsense"] {
        let error = connect(url, &PoolOptions::default()).await.unwrap_err().to_string();
        assert!(error.contains("postgresql://") && !error.contains("secret"), "{error}");
    }
    let error = connect("sqlite:///no/such/dir/x.db", &PoolOptions::default()).await.unwrap_err().to_string();
    assert!(error.contains("/no/such/dir/x.db"), "{error}");
}
