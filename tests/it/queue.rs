//! One suite for both queues, and what only a broker can do: go away and come back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use toji_proto::message::HostMessage;
use toji_queue::{Delivery, Queue, QueueError, Subscription};
use tokio::time::timeout;

use crate::support::rabbitmq::{Rabbit, rabbitmq};

/// Longer than any message takes.
const LONG: Duration = Duration::from_secs(30);
/// Long enough to be sure that nothing comes.
const QUIET: Duration = Duration::from_millis(300);

fn assigned(task_id: i32) -> HostMessage {
    HostMessage::Assigned { task_id }
}

fn to(host: &str, tasks: impl IntoIterator<Item = i32>) -> Vec<(String, HostMessage)> {
    tasks.into_iter().map(|task| (host.to_owned(), assigned(task))).collect()
}

async fn next(subscription: &mut Box<dyn Subscription>) -> Delivery {
    timeout(LONG, subscription.next()).await.expect("a message in time").expect("the queue goes on")
}

async fn take(subscription: &mut Box<dyn Subscription>) -> HostMessage {
    let delivery = next(subscription).await;
    let message = delivery.message.clone();
    delivery.ack().await;
    message
}

async fn assert_quiet(subscription: &mut Box<dyn Subscription>) {
    let nothing = timeout(QUIET, subscription.next()).await;
    assert!(nothing.is_err(), "unexpected: {:?}", nothing.ok().flatten().map(|delivery| delivery.message));
}

async fn messages_wait_for_their_host_in_order(queue: Arc<dyn Queue>) {
    let all = [to("order-a", 1..=3), to("order-b", [9]), to("order-a", [4])].concat();
    queue.publish(&all).await.unwrap();
    let mut a = queue.subscribe("order-a").await.unwrap();
    for task in 1..=4 {
        assert_eq!(take(&mut a).await, assigned(task));
    }
    assert_quiet(&mut a).await;
    queue.publish(&[("order-a".into(), HostMessage::Cancelled { task_id: 4 })]).await.unwrap();
    assert_eq!(take(&mut a).await, HostMessage::Cancelled { task_id: 4 });
    let mut b = queue.subscribe("order-b").await.unwrap();
    assert_eq!(take(&mut b).await, assigned(9));
    assert!(queue.healthy().await);
}

async fn unacknowledged_messages_come_again(queue: Arc<dyn Queue>) {
    queue.publish(&to("again", 1..=3)).await.unwrap();
    let mut first = queue.subscribe("again").await.unwrap();
    let one = next(&mut first).await;
    let two = next(&mut first).await;
    assert_eq!((&one.message, &two.message), (&assigned(1), &assigned(2)));
    two.ack().await;
    drop(one);
    drop(first);
    let mut second = queue.subscribe("again").await.unwrap();
    let left = BTreeSet::from([take(&mut second).await.task_id(), take(&mut second).await.task_id()]);
    assert_eq!(left, BTreeSet::from([1, 3]));
    assert_quiet(&mut second).await;
}

async fn retried_messages_come_again(queue: Arc<dyn Queue>) {
    queue.publish(&to("retry", [1])).await.unwrap();
    let mut subscription = queue.subscribe("retry").await.unwrap();
    for _ in 0..3 {
        let delivery = next(&mut subscription).await;
        assert_eq!(delivery.message, assigned(1));
        delivery.retry().await;
    }
    assert_eq!(take(&mut subscription).await, assigned(1));
    assert_quiet(&mut subscription).await;
}

async fn subscriptions_of_a_host_share_its_messages(queue: Arc<dyn Queue>) {
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        let mut subscription = queue.subscribe("share").await.unwrap();
        subscriptions.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Ok(Some(delivery)) = timeout(QUIET * 4, subscription.next()).await {
                seen.push(delivery.message.task_id());
                delivery.ack().await;
            }
            seen
        }));
    }
    queue.publish(&to("share", 0..300)).await.unwrap();
    let mut seen = Vec::new();
    for subscription in subscriptions {
        seen.extend(subscription.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..300).collect::<Vec<_>>());
}

async fn waiting_may_be_interrupted(queue: Arc<dyn Queue>) {
    let mut subscription = queue.subscribe("interrupt").await.unwrap();
    let publisher = tokio::spawn({
        let queue = queue.clone();
        async move {
            for task in 0..50 {
                queue.publish(&to("interrupt", [task])).await.unwrap();
            }
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 50 {
        if let Ok(delivery) = timeout(Duration::from_millis(1), subscription.next()).await {
            let delivery = delivery.unwrap();
            seen.push(delivery.message.task_id());
            delivery.ack().await;
        }
    }
    publisher.await.unwrap();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
}

async fn many_publishers_lose_nothing(queue: Arc<dyn Queue>) {
    // Every host is new, so each batch meets queues that do not exist yet.
    let publishers: Vec<_> = (0..8)
        .map(|publisher| {
            let queue = queue.clone();
            tokio::spawn(async move {
                let batch: Vec<_> =
                    (0..200).map(|n| (format!("many-{}", n % 10), assigned(publisher * 200 + n))).collect();
                queue.publish(&batch).await.unwrap();
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let mut seen = BTreeSet::new();
    for host in 0..10 {
        let mut subscription = queue.subscribe(&format!("many-{host}")).await.unwrap();
        while let Ok(Some(delivery)) = timeout(QUIET, subscription.next()).await {
            seen.insert(delivery.message.task_id());
            delivery.ack().await;
        }
    }
    assert_eq!(seen.len(), 1600);
}

macro_rules! suite {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(toji_queue::open("memory:").unwrap()).await;
            })*
        }
        mod rabbit {
            $(#[tokio::test]
            async fn $test() {
                super::$test(toji_queue::open(&super::rabbitmq().url()).unwrap()).await;
            })*
        }
    };
}

suite![
    messages_wait_for_their_host_in_order,
    unacknowledged_messages_come_again,
    retried_messages_come_again,
    subscriptions_of_a_host_share_its_messages,
    waiting_may_be_interrupted,
    many_publishers_lose_nothing,
];

#[test]
fn a_wrong_url_is_refused() {
    for url in ["", "redis://localhost", "amqp", "amqp://[", "postgres://amqp://"] {
        assert!(matches!(toji_queue::open(url), Err(QueueError::Url(_))), "{url:?} was accepted");
    }
}

#[tokio::test]
async fn memory_keeps_a_bounded_number_for_a_host_that_does_not_read() {
    let queue = toji_queue::open("memory:").unwrap();
    queue.publish(&to("absent", 0..20_000)).await.unwrap();
    let mut subscription = queue.subscribe("absent").await.unwrap();
    assert_eq!(take(&mut subscription).await, assigned(10_000), "the oldest are dropped");
}

#[tokio::test]
async fn an_unreachable_broker_is_an_error_in_time() {
    let port = crate::support::free_port();
    let queue = toji_queue::open(&format!("amqp://guest:secret@127.0.0.1:{port}/%2f")).unwrap();
    assert!(!queue.healthy().await);
    let error = timeout(LONG, queue.publish(&to("nobody", [1]))).await.expect("an answer in time").unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_host_name_that_no_queue_can_have_is_an_error() {
    let queue = toji_queue::open(&rabbitmq().url()).unwrap();
    let error = queue.publish(&to(&"x".repeat(300), [1])).await.unwrap_err();
    assert!(matches!(error, QueueError::HostName(_)), "{error}");
}

/// What other programs, or a later version of this one, put in the queue is skipped.
#[tokio::test]
async fn foreign_messages_are_skipped() {
    let connection = lapin::Connection::connect(&rabbitmq().url(), Default::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = toji_queue::open(&rabbitmq().url()).unwrap();
    let mut subscription = queue.subscribe("foreign").await.unwrap();
    for body in
        [&b"\xff\xfe"[..], b"{}", br#"{"version":9,"kind":"assigned","task_id":1}"#, br#"{"version":1,"kind":"new"}"#]
    {
        let properties = lapin::BasicProperties::default();
        channel
            .basic_publish("".into(), "toji.host.foreign".into(), Default::default(), body, properties)
            .await
            .unwrap();
    }
    queue.publish(&to("foreign", [7])).await.unwrap();
    assert_eq!(take(&mut subscription).await, assigned(7));
    drop(subscription);
    let mut again = queue.subscribe("foreign").await.unwrap();
    assert_quiet(&mut again).await;
}

/// A broker that is stopped in order, and one that is killed: messages survive, both sides go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_restarts_loses_nothing() {
    let mut broker = tokio::task::spawn_blocking(Rabbit::start).await.unwrap();
    let queue = toji_queue::open(&broker.url()).unwrap();
    let mut subscription = queue.subscribe("crash").await.unwrap();
    queue.publish(&to("crash", [0])).await.unwrap();
    assert_eq!(take(&mut subscription).await, assigned(0));
    for (round, crash) in [(1, false), (2, true)] {
        // One message is taken without acknowledgement, one waits in the broker.
        queue.publish(&to("crash", [10 * round])).await.unwrap();
        let held = next(&mut subscription).await;
        queue.publish(&to("idle", [round])).await.unwrap();
        broker = tokio::task::spawn_blocking(move || {
            if crash {
                broker.kill()
            } else {
                broker.stop()
            }
            broker
        })
        .await
        .unwrap();
        assert!(!queue.healthy().await);
        assert!(queue.publish(&to("crash", [99])).await.is_err(), "nobody can have taken responsibility");
        held.ack().await;
        let reader = tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            while !(seen.contains(&(10 * round)) && seen.contains(&(10 * round + 1))) {
                seen.insert(take(&mut subscription).await.task_id());
            }
            subscription
        });
        broker = tokio::task::spawn_blocking(move || {
            broker.restart();
            broker
        })
        .await
        .unwrap();
        queue.publish(&to("crash", [10 * round + 1])).await.expect("publishing goes on");
        subscription = timeout(LONG, reader).await.expect("reading goes on").unwrap();
    }
    let mut idle = queue.subscribe("idle").await.unwrap();
    assert_eq!(take(&mut idle).await, assigned(1));
    assert_eq!(take(&mut idle).await, assigned(2));
}
