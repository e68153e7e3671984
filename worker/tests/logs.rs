//! Logs reach the hub while they grow.

mod support;

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use support::{FakeHub, Mishap, Running};
use toji_worker::logs::LogUploader;

fn append(path: &std::path::Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn sent(running: &Running, name: &str) -> String {
    let files = running.hub.files.lock().unwrap();
    String::from_utf8(files.get(&format!("work/tasks/1/1/{name}")).cloned().unwrap_or_default()).unwrap()
}

async fn until_sent(running: &Running, name: &str, text: &str) {
    for _ in 0..500 {
        if sent(running, name) == text {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} is {:?} at the hub, not {text:?}", sent(running, name));
}

#[tokio::test]
async fn a_log_is_followed_to_its_end() {
    let running = FakeHub::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (build, link, late) = (dir.path().join("build.log"), dir.path().join("link"), dir.path().join("late.log"));
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    let logs = LogUploader::start(running.session().await, "tasks/1/1".into(), true);
    logs.follow(&build, "build.log");
    logs.follow(&link, "link.log");
    append(&build, "one\n");
    until_sent(&running, "build.log", "one\n").await;
    running.hub.befall("rawUpload", Mishap::Damaged);
    append(&build, "two\n");
    until_sent(&running, "build.log", "one\ntwo\n").await;
    // A new file of the same name.
    std::fs::remove_file(&build).unwrap();
    append(&build, "x\n");
    until_sent(&running, "build.log", "x\n").await;
    append(&build, "last\n");
    append(&late, "late\n");
    logs.follow(&late, "late.log");
    logs.finish(true).await;
    assert_eq!(sent(&running, "build.log"), "x\nlast\n");
    assert_eq!(sent(&running, "late.log"), "late\n");
    assert_eq!(sent(&running, "link.log"), "");
    let times = sent(&running, "build.log-ts.log");
    let offsets: Vec<&str> = times.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(offsets[..2], ["0", "4"], "{times}");
}
