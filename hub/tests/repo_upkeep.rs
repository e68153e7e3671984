//! What becomes of repositories over time: states by the scheduler's passes, files by the hub's sweep.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use toji_hub::Hub;
use toji_hub::config::HubConfig;
use toji_hub::options::Settings;
use toji_hub::repo_upkeep::{Passes, RepoConfig, sweep};
use toji_migrations::PoolOptions;
use toji_proto::states::RepoState::{self, Deleted, Expired, Init, Problem, Ready};
use toji_scheduler::Pass;

const OLD: &str = "2020-01-01T00:00:00+00:00";

struct World {
    db: DatabaseConnection,
    hub: Arc<Hub>,
    topdir: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    /// Three tags `t1` to `t3`, of which builds of a target use `t2`; one user; ten events; nothing changed since the
    /// first of them.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let topdir = folder.path().join("topdir");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("hub.db").display());
        let db = toji_migrations::connect(&url, &PoolOptions::default()).await.unwrap();
        toji_migrations::migrate(&db).await.unwrap();
        let proxy = HubConfig::default().proxy;
        let hub = Hub::new(db.clone(), Settings::default(), proxy, topdir.clone(), Arc::default()).unwrap();
        let world = Self { db, hub, topdir, _folder: folder };
        world.sql("INSERT INTO users (id, name, status, usertype) VALUES (1, 'kojira', 0, 0)").await;
        for id in 1..=10 {
            world.sql(&format!("INSERT INTO events (id, time) VALUES ({id}, '{OLD}')")).await;
        }
        for id in 1..=3 {
            world.sql(&format!("INSERT INTO tag (id, name) VALUES ({id}, 't{id}')")).await;
            world.sql(&format!("INSERT INTO tag_config (tag_id, create_event, creator_id) VALUES ({id}, 1, 1)")).await;
        }
        world.sql("INSERT INTO build_target (id, name) VALUES (1, 'target')").await;
        world
            .sql(
                "INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, create_event, creator_id) \
                 VALUES (1, 2, 2, 1, 1)",
            )
            .await;
        world
    }

    async fn sql(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap();
    }

    async fn repo(&self, id: i32, tag: i32, state: RepoState, columns: &str) {
        let event = 10 - id.min(9);
        self.sql(&format!(
            "INSERT INTO repo (id, tag_id, state, create_event, dist, opts, custom_opts, creation_time, state_time) \
             VALUES ({id}, {tag}, {}, {event}, FALSE, '{{\"src\":false}}', '{{}}', '{OLD}', '{OLD}')",
            state.code()
        ))
        .await;
        if !columns.is_empty() {
            self.sql(&format!("UPDATE repo SET {columns} WHERE id = {id}")).await;
        }
    }

    async fn state(&self, id: i32) -> RepoState {
        let sql = format!("SELECT state FROM repo WHERE id = {id}");
        let row = self.db.query_one_raw(Statement::from_string(self.db.get_database_backend(), sql)).await;
        RepoState::from_code(row.unwrap().unwrap().try_get_by_index::<i32>(0).unwrap()).unwrap()
    }

    async fn pass(&self) {
        Passes::new(self.hub.clone(), RepoConfig::default()).run(true).await.unwrap();
    }

    fn directory(&self, path: &str) -> PathBuf {
        let path = self.topdir.join(path);
        std::fs::create_dir_all(&path).unwrap();
        path
    }
}

fn age(path: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(30 * 24 * 3600);
    std::fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
}

#[tokio::test]
async fn repositories_end_when_nobody_wants_them() {
    let world = World::new().await;
    world
        .sql("INSERT INTO task (id, state, method, owner, channel_id, arch) VALUES (1, 5, 'newRepo', 1, 1, 'noarch')")
        .await;
    let now = chrono::Utc::now().to_rfc3339();
    let fresh = format!("state_time = '{now}'");
    let cases: &[(i32, i32, RepoState, &str, RepoState)] = &[
        // In the order of their ids each shows its tag earlier than the one before.
        (1, 1, Ready, "", Ready),
        (2, 1, Ready, "end_event = 10", Expired),
        (3, 1, Ready, "custom_opts = '{\"src\":true}'", Expired),
        (4, 2, Ready, "end_event = 10", Ready),
        (5, 3, Ready, "end_event = 10", Expired),
        (6, 1, Ready, "end_event = 10, dist = TRUE, opts = NULL, custom_opts = NULL", Ready),
        (7, 1, Ready, "end_event = 10, dist = TRUE, opts = NULL, custom_opts = NULL", Expired),
        (8, 3, Ready, &format!("end_event = 10, {fresh}"), Ready),
        (9, 1, Init, "", Problem),
        (10, 1, Init, &fresh, Init),
        (11, 1, Init, &format!("{fresh}, task_id = 1"), Problem),
        (12, 1, Expired, "", Deleted),
        (13, 1, Expired, "", Expired),
        (14, 1, Expired, &fresh, Expired),
        (15, 1, Problem, "", Deleted),
        // From before states had times.
        (16, 1, Expired, "creation_time = NULL, state_time = NULL", Deleted),
    ];
    for (id, tag, state, columns, _) in cases {
        world.repo(*id, *tag, *state, columns).await;
    }
    world.sql("INSERT INTO buildroot (id, br_type) VALUES (1, 0)").await;
    world.sql("INSERT INTO host (id, user_id, name) VALUES (1, 1, 'h')").await;
    world
        .sql(
            "INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, create_event, state) \
             VALUES (1, 1, 13, 1, 1, 0)",
        )
        .await;
    world.pass().await;
    world.pass().await;
    for (id, .., expected) in cases {
        assert_eq!(world.state(*id).await, *expected, "repo {id}");
    }
}

#[tokio::test]
async fn files_of_deleted_and_of_unknown_repositories_go() {
    let world = World::new().await;
    let now = chrono::Utc::now().to_rfc3339();
    world.repo(1, 1, Deleted, "").await;
    world.repo(2, 1, Deleted, &format!("state_time = '{now}'")).await;
    world.repo(3, 1, Expired, "").await;
    world.repo(4, 1, Deleted, "").await;
    world.repo(5, 1, Deleted, "").await;
    let gone = ["repos/t1/1", "repos/t1/999", "repos/before/4", "repos-dist/t1/1"];
    let kept = ["repos/t1/2", "repos/t1/3", "repos/t1/998", "repos/other/5", "repos/t1/cache", "elsewhere/1"];
    for path in gone.iter().chain(&kept) {
        std::fs::write(world.directory(path).join("file"), "").unwrap();
    }
    // The tag had another name; another tag has that name now.
    std::fs::write(world.topdir.join("repos/before/4/repo.json"), r#"{"tag_id": 1}"#).unwrap();
    std::fs::write(world.topdir.join("repos/other/5/repo.json"), r#"{"tag_id": 7}"#).unwrap();
    age(&world.topdir.join("repos/t1/999"));
    age(&world.topdir.join("repos/t1/cache"));
    // Only the link goes: what it leads to is looked at in its own place.
    std::os::unix::fs::symlink(world.topdir.join("elsewhere/1"), world.topdir.join("repos-dist/t1/4")).unwrap();
    sweep(&world.hub, &RepoConfig::default()).await.unwrap();
    for path in gone {
        assert!(!world.topdir.join(path).exists(), "{path}");
    }
    for path in kept {
        assert!(world.topdir.join(path).join("file").exists(), "{path}");
    }
    assert!(world.topdir.join("repos-dist/t1/4").symlink_metadata().is_err());
}
