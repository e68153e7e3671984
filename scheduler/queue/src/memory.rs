//! The queue inside one process, for `toji all`. Messages end with the process.
//!
//! Life of a message: *ready* in its host's queue → *taken* by a subscription → gone when
//! acknowledged, or ready again (in its old order) after `retry` or the end of the subscription.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use toji_proto::message::HostMessage;
use tokio::sync::Notify;

use crate::{Delivery, KEPT_PER_HOST, Queue, QueueError, Subscription};

#[derive(Default)]
pub struct MemoryQueue {
    hosts: Mutex<HashMap<String, Arc<HostQueue>>>,
}

#[derive(Default)]
struct HostQueue {
    messages: Mutex<Messages>,
    /// Wakes one waiting subscription; whoever takes a message and leaves others wakes the next.
    arrived: Notify,
}

#[derive(Default)]
struct Messages {
    /// Number of messages and subscriptions so far: the source of their identities.
    counter: u64,
    /// Ready messages by order of sending.
    ready: BTreeMap<u64, HostMessage>,
    /// Unacknowledged messages, with the subscription that holds each.
    taken: BTreeMap<u64, (u64, HostMessage)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data is consistent between any two statements under the lock, so a panic spoils nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryQueue {
    fn host(&self, name: &str) -> Arc<HostQueue> {
        lock(&self.hosts).entry(name.to_owned()).or_default().clone()
    }
}

impl Messages {
    fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}

impl HostQueue {
    /// Adds a message; returns whether an older one had to make room.
    fn push(&self, message: HostMessage) -> bool {
        let mut messages = lock(&self.messages);
        let number = messages.number();
        messages.ready.insert(number, message);
        let full = messages.ready.len() > KEPT_PER_HOST;
        if full {
            messages.ready.pop_first();
        }
        drop(messages);
        self.arrived.notify_one();
        full
    }

    fn take(&self, subscription: u64) -> Option<(u64, HostMessage)> {
        let mut messages = lock(&self.messages);
        let (number, message) = messages.ready.pop_first()?;
        messages.taken.insert(number, (subscription, message.clone()));
        if !messages.ready.is_empty() {
            self.arrived.notify_one();
        }
        Some((number, message))
    }

    fn give_back(&self, which: impl Fn(u64, u64) -> bool) {
        let mut messages = lock(&self.messages);
        let Messages { ready, taken, .. } = &mut *messages;
        let back = taken.extract_if(.., |&number, (holder, _)| which(number, *holder));
        ready.extend(back.map(|(number, (_, message))| (number, message)));
        drop(messages);
        self.arrived.notify_one();
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn publish(&self, messages: &[(String, HostMessage)]) -> Result<(), QueueError> {
        for (host, message) in messages {
            if self.host(host).push(message.clone()) {
                tracing::warn!(host, "host does not read its messages, the oldest was dropped");
            }
        }
        Ok(())
    }

    async fn subscribe(&self, host: &str) -> Result<Box<dyn Subscription>, QueueError> {
        let queue = self.host(host);
        let id = lock(&queue.messages).number();
        Ok(Box::new(MemorySubscription { id, queue }))
    }

    async fn healthy(&self) -> bool {
        true
    }
}

struct MemorySubscription {
    id: u64,
    queue: Arc<HostQueue>,
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let arrived = self.queue.arrived.notified();
            if let Some((number, message)) = self.queue.take(self.id) {
                let receipt = Receipt { number, queue: self.queue.clone() };
                return Some(Delivery { message, receipt: crate::Receipt::Memory(receipt) });
            }
            arrived.await;
        }
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        self.queue.give_back(|_, holder| holder == self.id);
    }
}

pub(crate) struct Receipt {
    number: u64,
    queue: Arc<HostQueue>,
}

impl Receipt {
    pub(crate) fn ack(self) {
        lock(&self.queue.messages).taken.remove(&self.number);
    }

    pub(crate) fn retry(self) {
        self.queue.give_back(|number, _| number == self.number);
    }
}
