//! How the scheduler's messages reach the hosts: one trait, two implementations.
//!
//! Invariants of both:
//! - delivery is *at least once*: a message that was not acknowledged comes again, so whoever
//!   consumes must be idempotent;
//! - messages are hints. The database is the truth and hosts poll as well, so a queue that nobody
//!   reads is bounded and loses its oldest messages;
//! - one queue per host; several subscriptions of one host share its messages.

mod memory;
mod rabbitmq;

use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;
use toji_proto::message::HostMessage;

pub use memory::MemoryQueue;
pub use rabbitmq::RabbitQueue;

/// Messages kept for a host that does not read them; the oldest make room.
const KEPT_PER_HOST: usize = 10_000;

#[derive(Debug, Error)]
pub enum QueueError {
    /// The URL's scheme or form is none that we know; holds the reason, never the password.
    #[error("queue URL: {0}")]
    Url(String),
    #[error("host name {0:?} is too long for a queue")]
    HostName(String),
    /// The broker cannot be reached or refused us.
    #[error("message broker: {0}")]
    Broker(#[from] lapin::Error),
    #[error("the message broker did not answer within {} s", .0.as_secs())]
    Timeout(std::time::Duration),
}

#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends each message to its host. Returns when the broker has taken responsibility for all of
    /// them; after an error any of them may have been sent, and publishing all again is right.
    async fn publish(&self, messages: &[(String, HostMessage)]) -> Result<(), QueueError>;

    /// Reads what is sent to `host`, beginning with what waits already.
    async fn subscribe(&self, host: &str) -> Result<Box<dyn Subscription>, QueueError>;

    /// Whether messages can be sent now.
    async fn healthy(&self) -> bool;
}

/// A host's messages. Dropping it gives back all that was not acknowledged.
#[async_trait]
pub trait Subscription: Send {
    /// The next message; waits as long as it takes, through broker restarts too. `None` means that
    /// there will never be one again. May be dropped while waiting without losing a message.
    async fn next(&mut self) -> Option<Delivery>;
}

/// A message together with the duty to acknowledge it. One that is merely dropped stays with its
/// subscription and comes again after that ended.
#[must_use = "a delivery that is not acknowledged comes again"]
pub struct Delivery {
    pub message: HostMessage,
    receipt: Receipt,
}

enum Receipt {
    Memory(memory::Receipt),
    Rabbit(Box<lapin::message::Delivery>),
}

impl Delivery {
    /// The message is dealt with and must not come again. If the broker is gone by now the message
    /// does come again, which consumers must bear anyway.
    pub async fn ack(self) {
        match self.receipt {
            Receipt::Memory(receipt) => receipt.ack(),
            Receipt::Rabbit(delivery) => rabbitmq::ack(&delivery).await,
        }
    }

    /// Puts the message back, for this subscription or another one of the host.
    pub async fn retry(self) {
        match self.receipt {
            Receipt::Memory(receipt) => receipt.retry(),
            Receipt::Rabbit(delivery) => rabbitmq::retry(&delivery).await,
        }
    }
}

/// Opens the queue that `url` names: `memory:` for one inside this process, `amqp://` or `amqps://`
/// for RabbitMQ. Connects on first use; each call makes a queue of its own.
pub fn open(url: &str) -> Result<Arc<dyn Queue>, QueueError> {
    match url.split(':').next() {
        Some("memory") => Ok(Arc::new(MemoryQueue::default())),
        Some("amqp" | "amqps") => Ok(Arc::new(RabbitQueue::new(url)?)),
        _ => Err(QueueError::Url("it must begin with memory:, amqp:// or amqps://".into())),
    }
}
