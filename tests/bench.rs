//! How long things take, printed and not judged: `make bench`.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "it/support/mod.rs"]
mod support;

use std::process::Command;
use std::time::Duration;

use support::client::{Koji, venv};
use support::rabbitmq::rabbitmq;
use support::toji::{Site, Toji};
use support::{root, wait_until};

/// Tasks that are measured on each site.
const TASKS: u32 = 200;

#[allow(clippy::print_stdout, reason = "the figures are for whoever ran this")]
fn main() {
    println!("from submit to the worker's start, {TASKS} tasks one after the other on an idle site:");
    println!("  SQLite, one process:            {}", submit_to_start(&Site::embedded(), &["all"]));
    let apart = ["hub", "scheduler", "worker"];
    println!("  PostgreSQL and RabbitMQ, apart: {}", submit_to_start(&Site::production(rabbitmq().url()), &apart));
}

/// Quantiles of the time between a task's creation and its start, by the database's clock.
fn submit_to_start(site: &Site, roles: &[&str]) -> String {
    let host = site.host("builder");
    site.create_host(&host);
    let _running: Vec<Toji> = roles
        .iter()
        .map(|role| match *role {
            "all" | "hub" => site.start(role, &host, ""),
            silent => site.start_silent(silent, &host, ""),
        })
        .collect();
    let admin = Koji::new(site, "admin", "admin");
    wait_until("the worker", Duration::from_secs(30), || {
        admin.ok(&["list-hosts", "--ready", "--quiet"]).contains(&host)
    });
    let measure = Command::new(venv("python"))
        .arg(root().join("tests/bench/submit.py"))
        .args([site.hub(), TASKS.to_string()])
        .output()
        .expect("python");
    assert!(measure.status.success(), "{}", String::from_utf8_lossy(&measure.stderr));
    String::from_utf8_lossy(&measure.stdout).trim().to_owned()
}
