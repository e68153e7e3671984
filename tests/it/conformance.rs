//! The recorded behaviour of the stock hub, checked on both databases. Each scenario begins with a
//! hub on a fresh database, without scheduler and worker, as when it was recorded.

use std::io::Write;
use std::process::Command;

use crate::support::{folder, free_port, postgres, root, toji};

/// The scenarios in which nothing differs.
const RIGHT: &[&str] = &[
    "tags",
    "build_lifecycle",
    "accounts",
    "sessions",
    "uploads",
    "tasks_control",
    "builder_side",
    "builder_wait",
    "tagging",
    "pkglist",
    "build_targets",
    "hosts",
    "channels",
    "introspection",
    "external_repos",
    "repos_regular",
    "repo_requests",
    "repo_dist",
];

fn check(database: &str) {
    let mut run = Command::new(root().join("tests/conformance/run"));
    run.args(["conform", "-v", "--db", database, "--port", &free_port().to_string()]).args(RIGHT);
    run.env("TOJI_BIN", toji::TOJI).env("TOJI_STATE", folder("fresh-hub-"));
    if database == "postgres" {
        run.env("TOJI_TEST_PG", postgres::postgres().url("postgres"));
    }
    let done = run.output().expect("tests/conformance/run");
    let printed = String::from_utf8_lossy(&done.stdout);
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{printed}\n{error}");
    // Past the test harness, which keeps what a passing test prints.
    let counts = printed.lines().last().unwrap_or_default();
    writeln!(std::io::stderr(), "conformance on {database}, {} scenarios: {counts}", RIGHT.len()).expect("stderr");
}

#[test]
fn answers_as_recorded_on_sqlite() {
    check("sqlite");
}

#[test]
fn answers_as_recorded_on_postgres() {
    check("postgres");
}
