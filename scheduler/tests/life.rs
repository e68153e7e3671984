//! Tasks and hosts over time, on a database of their own.

mod support;

use support::World;
use toji_proto::message::HostMessage::{self, Assigned, Cancelled, Wake};
use toji_proto::states::TaskState;
use toji_scheduler::round::{self, Round};
use toji_scheduler::{Limits, outbox, transition};

/// The messages that wait, by host; they are sent.
async fn sent(world: &World) -> Vec<(String, HostMessage)> {
    let queue = support::Recorder::default();
    outbox::relay(&world.db, &queue).await.unwrap();
    queue.taken()
}

async fn round(world: &World) {
    assert_eq!(round::run(&world.db, &Limits::default(), true).await.unwrap(), Round::Ran);
}

#[tokio::test]
async fn a_task_is_placed_told_and_logged_once() {
    let world = World::new().await;
    let host = world.host("h1", true).await;
    let task = world.task("noarch").await;
    round(&world).await;
    round(&world).await;
    assert_eq!(world.task_row(task).await, (TaskState::Assigned, Some(host)));
    assert_eq!(sent(&world).await, [("h1".to_owned(), Assigned { task_id: task })]);
    assert_eq!(world.log().await, ["Assigning task"]);
    assert_eq!(world.active_runs(task).await, 1);
    assert_eq!(sent(&world).await, []);
}

#[tokio::test]
async fn a_builder_that_polls_gets_no_messages() {
    let world = World::new().await;
    world.host("stock", false).await;
    let task = world.task("noarch").await;
    round(&world).await;
    assert_eq!(world.task_row(task).await.0, TaskState::Assigned);
    assert_eq!(sent(&world).await, []);
}

#[tokio::test]
async fn a_host_that_lost_a_task_cannot_end_it() {
    let world = World::new().await;
    let (a, b) = (world.host("a", true).await, world.host("b", true).await);
    let task = world.task("noarch").await;
    assert!(transition::open(&world.db, &world.standing(task).await, a).await.unwrap());
    let as_a_saw_it = world.standing(task).await;
    assert!(transition::free(&world.db, &as_a_saw_it).await.unwrap());
    assert!(transition::open(&world.db, &world.standing(task).await, b).await.unwrap());

    let now = world.standing(task).await;
    assert!(!transition::finish(&world.db, &now, a, TaskState::Closed, "<late/>").await.unwrap());
    // Nor with what it read before.
    assert!(!transition::finish(&world.db, &as_a_saw_it, a, TaskState::Closed, "<late/>").await.unwrap());
    assert!(!transition::free(&world.db, &as_a_saw_it).await.unwrap());
    assert!(!transition::open(&world.db, &now, a).await.unwrap());
    assert_eq!(world.task_row(task).await, (TaskState::Open, Some(b)));

    assert!(transition::finish(&world.db, &now, b, TaskState::Closed, "<done/>").await.unwrap());
    assert_eq!(world.task_row(task).await, (TaskState::Closed, Some(b)));
    assert!(!transition::finish(&world.db, &now, b, TaskState::Failed, "<again/>").await.unwrap());
    assert_eq!(sent(&world).await, [("a".to_owned(), Cancelled { task_id: task })]);
}

#[tokio::test]
async fn an_awaited_child_wakes_its_parent_however_it_ends() {
    let world = World::new().await;
    let host = world.host("h", true).await;
    let parent = world.task("noarch").await;
    transition::open(&world.db, &world.standing(parent).await, host).await.unwrap();
    let closed = world.child(parent, true).await;
    let cancelled = world.child(parent, true).await;
    let ignored = world.child(parent, false).await;
    for child in [closed, ignored] {
        transition::open(&world.db, &world.standing(child).await, host).await.unwrap();
        let open = world.standing(child).await;
        assert!(transition::finish(&world.db, &open, host, TaskState::Closed, "<x/>").await.unwrap());
    }
    assert!(transition::cancel(&world.db, &world.standing(cancelled).await).await.unwrap());
    let wake = || ("h".to_owned(), Wake { task_id: parent });
    assert_eq!(sent(&world).await, [wake(), wake()]);
}

#[tokio::test]
async fn a_worker_that_is_gone_loses_its_tasks_to_others() {
    let world = World::new().await;
    let (dead, alive) = (world.host("dead", true).await, world.host("alive", true).await);
    let opened = world.task("noarch").await;
    let assigned = world.task("noarch").await;
    let kept = world.task("noarch").await;
    for (task, host) in [(opened, dead), (kept, alive)] {
        transition::open(&world.db, &world.standing(task).await, host).await.unwrap();
    }
    transition::assign(&world.db, &world.standing(assigned).await, dead).await.unwrap();
    world.sql("UPDATE toji_workers SET last_seen = '2020-01-01T00:00:00+00:00' WHERE host_id = 1").await;
    world
        .run_scheduler_until(|world| async move {
            world.task_row(opened).await == (TaskState::Assigned, Some(alive))
                && world.task_row(assigned).await == (TaskState::Assigned, Some(alive))
        })
        .await;
    assert_eq!(world.task_row(kept).await, (TaskState::Open, Some(alive)));
    assert!(!world.ready(dead).await);
    assert!(world.ready(alive).await);
}

#[tokio::test]
async fn an_assignment_that_nobody_takes_up_is_a_refusal_of_a_host_that_lives() {
    let world = World::new().await;
    let host = world.host("h", true).await;
    let by_scheduler = world.task("noarch").await;
    round(&world).await;
    let by_hand = world.task("noarch").await;
    transition::assign(&world.db, &world.standing(by_hand).await, host).await.unwrap();
    world.sql("UPDATE scheduler_task_runs SET create_time = '2020-01-01T00:00:00+00:00'").await;
    round(&world).await;
    assert_eq!(world.task_row(by_scheduler).await, (TaskState::Free, None));
    assert_eq!(world.task_row(by_hand).await, (TaskState::Assigned, Some(host)));
    assert_eq!(world.refusals().await, [(by_scheduler, host)]);
    // Refused there, it waits.
    round(&world).await;
    assert_eq!(world.task_row(by_scheduler).await, (TaskState::Free, None));
    world.sql("UPDATE scheduler_task_refusals SET time = '2020-01-01T00:00:00+00:00'").await;
    round(&world).await;
    assert_eq!(world.task_row(by_scheduler).await, (TaskState::Assigned, Some(host)));
}

#[tokio::test]
async fn rounds_keep_their_distance_unless_forced() {
    let world = World::new().await;
    let limits = Limits::default();
    let run = async |force| round::run(&world.db, &limits, force).await.unwrap();
    assert_eq!(run(false).await, Round::Ran);
    assert_eq!(run(false).await, Round::NotDue);
    assert_eq!(run(true).await, Round::Ran);
    world.sql("UPDATE scheduler_sys_data SET data = '1'").await;
    assert_eq!(run(false).await, Round::Ran);
    world.sql("UPDATE scheduler_sys_data SET data = '99999999999'").await;
    assert_eq!(run(false).await, Round::ClockSetBack);
    assert!(world.last_run().await < 99_999_999_999.0);
}

#[tokio::test]
async fn what_the_broker_does_not_take_stays() {
    let world = World::new().await;
    world.host("h", true).await;
    let task = world.task("noarch").await;
    round(&world).await;
    let down = support::Recorder::down();
    assert!(outbox::relay(&world.db, &down).await.is_err());
    assert_eq!(sent(&world).await, [("h".to_owned(), Assigned { task_id: task })]);
}
