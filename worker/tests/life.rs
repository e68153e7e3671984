//! A worker's life: tasks come by message or are found, are cancelled, wait, end; the worker stops
//! and restarts.

mod support;

use std::time::Duration;

use support::Mishap;
use support::tasks::{ASSIGNED, CANCELED, CLOSED, FAILED, FREE, OPEN};
use support::world::World;
use toji_proto::message::HostMessage;
use toji_proto::{Value, value};
use toji_worker::WorkerConfig;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_message_begins_a_task_at_once() {
    let world = World::with_worker().await;
    let tasks = &world.running.hub.tasks;
    let task = tasks.assign("sleep", vec![value!(0)]).await;
    assert_eq!(world.state(task, CLOSED).await.result, Some(Ok(Value::Nil)));
    let bad = tasks.assign("sleep", vec![value!("long")]).await;
    let (code, why) = world.state(bad, FAILED).await.result.unwrap().unwrap_err();
    assert_eq!(code, 1019);
    assert!(why.contains('n'), "{why}");
    // The same message again, and one about a task that is not ours, do nothing.
    tasks.send(HostMessage::Assigned { task_id: task }).await;
    let other = tasks.make("sleep", vec![value!(0)], ASSIGNED);
    tasks.change(other, |row| row.host = Some(2));
    tasks.send(HostMessage::Assigned { task_id: other }).await;
    let unknown = tasks.assign("no-such-kind", vec![]).await;
    world.state(unknown, FREE).await;
    assert!(tasks.refusals.lock().unwrap()[0].1.contains("no-such-kind"));
    assert_eq!(world.row(other).state, ASSIGNED);
    world.until("the folder to go", || !world.folder(task).exists()).await;
    world.end().await.unwrap();
}

#[tokio::test]
async fn what_was_lost_is_found() {
    let mut world = World::new().await;
    let tasks = &world.running.hub.tasks;
    let stale = tasks.make("sleep", vec![value!(0)], OPEN);
    let silent = tasks.make("sleep", vec![value!(0)], ASSIGNED);
    let leftover = world.folder(stale).join("root/etc");
    std::fs::create_dir_all(&leftover).unwrap();
    let config = WorkerConfig { sleeptime: 1, ..world.config() };
    world.live(config);
    world.state(stale, FREE).await;
    world.state(silent, CLOSED).await;
    assert!(!leftover.exists());
    let later = world.running.hub.tasks.make("sleep", vec![value!(0)], ASSIGNED);
    world.state(later, CLOSED).await;
    // The answer to the opening gets lost: the task is ours nevertheless.
    world.running.hub.befall("host.openTask", Mishap::LostAnswer);
    let unlucky = world.running.hub.tasks.assign("sleep", vec![value!(0)]).await;
    world.state(unlucky, CLOSED).await;
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_task_ends_without_a_word() {
    let world = World::with_worker().await;
    let tasks = &world.running.hub.tasks;
    let task = tasks.assign("sleep", vec![value!(1000)]).await;
    world.until("its folder", || world.folder(task).exists()).await;
    // A message that is wrong about it changes nothing.
    tasks.send(HostMessage::Cancelled { task_id: task }).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(world.folder(task).exists());
    tasks.change(task, |row| row.state = CANCELED);
    tasks.send(HostMessage::Cancelled { task_id: task }).await;
    world.until("its folder to go", || !world.folder(task).exists()).await;
    assert_eq!(world.row(task).result, None);
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_task_that_is_placed_anew_begins_anew() {
    let world = World::with_worker().await;
    let tasks = &world.running.hub.tasks;
    let task = tasks.assign("sleep", vec![value!(1000)]).await;
    world.until("its folder", || world.folder(task).exists()).await;
    tasks.change(task, |row| (row.state, row.request) = (ASSIGNED, vec![value!(0)]));
    tasks.send(HostMessage::Assigned { task_id: task }).await;
    world.state(task, CLOSED).await;
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_parent_is_woken_by_its_children() {
    let mut world = World::new().await;
    // One job at a time: the waiting parent must not count.
    let config = WorkerConfig { maxjobs: 1, ..world.config() };
    world.live(config);
    let task = world.running.hub.tasks.assign("waittest", vec![value!(3), value!(0)]).await;
    world.state(task, CLOSED).await;
    let hub = &world.running.hub;
    assert_eq!(hub.count("host.subtask"), 4);
    let failed = (102..=105).filter(|id| world.row(*id).state == FAILED).count();
    assert_eq!(failed, 1);
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_failing_child_fails_its_parent() {
    let world = World::with_worker().await;
    let wanted = value!([value!(["sleep", value!(["never"])])]);
    let task = world.running.hub.tasks.assign("dependantTask", vec![value!([]), wanted]).await;
    let (code, _) = world.state(task, FAILED).await.result.unwrap().unwrap_err();
    assert_eq!(code, 1019);
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_stopping_worker_gives_its_tasks_back() {
    let world = World::with_worker().await;
    let task = world.running.hub.tasks.assign("sleep", vec![value!(1000)]).await;
    world.until("its folder", || world.folder(task).exists()).await;
    let (hub, folder) = (world.running.hub.clone(), world.folder(task));
    world.end().await.unwrap();
    assert_eq!(hub.tasks.row(task).state, FREE);
    assert!(!folder.exists());
    assert_eq!(hub.tasks.heartbeats.lock().unwrap().last(), Some(&value!(false)));
}

#[tokio::test]
async fn a_shutdown_task_is_done_before_the_worker_ends() {
    let mut world = World::with_worker().await;
    let task = world.running.hub.tasks.assign("shutdown", vec![]).await;
    let worker = world.worker.take().unwrap();
    tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap().unwrap();
    assert_eq!(world.row(task).state, CLOSED);
}

#[tokio::test]
async fn a_restart_is_verified_by_the_next_life() {
    let world = World::with_worker().await;
    let tasks = &world.running.hub.tasks;
    let host = value!({ "id": 1 });
    let wrong = tasks.assign("restart", vec![value!({ "id": 2 })]).await;
    world.state(wrong, FAILED).await;
    let restart = tasks.assign("restart", vec![host.clone()]).await;
    world.state(restart, CLOSED).await;
    world.until("the second login", || world.running.hub.count("login") == 2).await;
    // Both at once: the second waits for the next life.
    let restart = tasks.make("restart", vec![host.clone()], ASSIGNED);
    let verify = tasks.assign("restartVerify", vec![value!(restart), host.clone()]).await;
    world.state(verify, CLOSED).await;
    assert_eq!(world.running.hub.count("login"), 3);
    tasks.change(restart, |row| row.completed += 1000.0);
    let verify = tasks.assign("restartVerify", vec![value!(restart), host]).await;
    let (_, why) = world.state(verify, FAILED).await.result.unwrap().unwrap_err();
    assert!(why.contains("did not restart"), "{why}");
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_sick_host_takes_no_tasks() {
    let mut world = World::new().await;
    let config = WorkerConfig { minspace: u64::MAX, ..world.config() };
    world.live(config);
    let tasks = &world.running.hub.tasks;
    world.until("the first heartbeat", || !tasks.heartbeats.lock().unwrap().is_empty()).await;
    assert_eq!(tasks.heartbeats.lock().unwrap()[0], value!(false));
    let task = tasks.assign("sleep", vec![value!(0)]).await;
    world.state(task, FREE).await;
    assert!(tasks.refusals.lock().unwrap()[0].1.contains("MiB are free"));
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_worker_whose_session_was_taken_ends() {
    let mut world = World::with_worker().await;
    world.running.hub.script(|_, method, _| (method == "host.updateHost").then(|| Err((1002, "closed".into()))));
    let worker = world.worker.take().unwrap();
    let error = tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap().unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

#[tokio::test]
async fn two_workers_do_not_share_a_folder() {
    let world = World::with_worker().await;
    let queue = world.running.hub.tasks.queue.clone();
    let error = toji_worker::run(world.config(), queue, CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("another worker uses"), "{error}");
    world.end().await.unwrap();
}
