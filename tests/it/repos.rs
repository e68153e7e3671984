//! Repositories without kojira: the scheduler makes tasks for requests, by itself for tags that want it, and ends
//! old repositories.

use std::time::Duration;

use crate::support::client::Koji;
use crate::support::postgres::sql;
use crate::support::rabbitmq::rabbitmq;
use crate::support::toji::Site;
use crate::support::wait_until;

const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn the_scheduler_looks_after_repositories() {
    let site = Site::production(rabbitmq().url());
    let _hub = site.start("hub", "nobody", "");
    let _scheduler = site.start_silent("scheduler", "nobody", "[repos]\ninterval = 1\n");
    let admin = Koji::new(&site, "admin", "admin");
    for tag in ["asked", "fresh", "old"] {
        admin.ok(&["add-tag", tag, "--arches", "x86_64"]);
    }

    let made_for = |tag: &str| {
        let clauses = format!("[['tag_name', '{tag}'], ['active', True]]");
        let found = admin.call("repo.queryQueue", &["--python", &clauses, "['task_state', 'tries']"]);
        found == serde_json::json!([{ "task_state": 0, "tries": 1 }])
    };
    admin.ok(&["request-repo", "--nowait", "asked"]);
    wait_until("a task for the request", PATIENCE, || made_for("asked"));
    admin.ok(&["edit-tag", "-x", "repo.auto=True", "fresh"]);
    wait_until("a task for the tag that wants its repo fresh", PATIENCE, || made_for("fresh"));

    // A ready one that is old, and one that expired long ago.
    sql(
        &site.database,
        "INSERT INTO repo (tag_id, create_event, state, opts, custom_opts, creation_time, state_time) \
         SELECT tag.id, event, state, '{\"src\": false}', '{}', '2020-01-01', '2020-01-01' FROM tag, \
         (SELECT (SELECT min(create_event) FROM tag_config JOIN tag ON tag.id = tag_id WHERE name = 'old') AS event) e, \
         (VALUES (1), (2)) states(state) WHERE tag.name = 'old'",
    );
    let states = || sql(&site.database, "SELECT string_agg(state::text, ',' ORDER BY id) FROM repo");
    wait_until("the expired repo to be deleted", PATIENCE, || states() == "1,3");
    admin.ok(&["edit-tag", "-x", "changed=1", "old"]);
    wait_until("the outgrown repo to expire", PATIENCE, || states() == "2,3");
}
