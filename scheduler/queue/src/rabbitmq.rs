//! The queue through RabbitMQ: a durable queue `toji.host.NAME` for each host.
//!
//! One connection serves the whole process and is made again when it is lost. Whoever needs it
//! next makes it, so nothing runs in the background: publishing tries again until its time is up,
//! a subscription tries for ever. A host's queue is declared by both sides with the same
//! arguments, whichever comes first.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::try_join_all;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use toji_proto::message::HostMessage;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::{Delivery, KEPT_PER_HOST, Queue, QueueError, Subscription};

/// How long the broker may take to connect, or to confirm one batch, before the caller is told.
const PATIENCE: Duration = Duration::from_secs(5);
/// Waiting time before the second, and at most before any, attempt to reach the broker.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LAST_BACKOFF: Duration = Duration::from_secs(2);
/// Messages that a subscription holds unacknowledged; hosts acknowledge on claim.
const PREFETCH: u16 = 32;
/// Publishes that wait for their confirmation at the same time.
const PIPELINE: usize = 1_000;
/// A host that has not come for so long has a new queue when it returns.
const QUEUE_EXPIRES: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// AMQP's delivery mode for messages that outlive the broker.
const PERSISTENT: u8 = 2;

pub struct RabbitQueue {
    link: Arc<Link>,
    /// The channel in confirm mode. Held through a whole batch: lapin hands a returned message to
    /// the next confirmation on the channel, so batches of two callers must not mix.
    publisher: Mutex<Option<Channel>>,
}

/// The connection that publisher and subscriptions share.
struct Link {
    uri: AMQPUri,
    connection: Mutex<Option<Connection>>,
}

impl Link {
    /// A channel on the live connection, which is made first when there is none. Tries for
    /// [`PATIENCE`].
    async fn channel(&self) -> Result<Channel, QueueError> {
        let channel = async {
            let mut connection = self.connection.lock().await;
            if let Some(live) = connection.as_ref().filter(|known| known.status().connected())
                && let Ok(channel) = live.create_channel().await
            {
                return Ok(channel);
            }
            *connection = None;
            let made = Connection::connect_uri(self.uri.clone(), properties()).await?;
            let channel = made.create_channel().await?;
            tracing::info!(broker = self.uri.authority.host, port = self.uri.authority.port, "connected to RabbitMQ");
            *connection = Some(made);
            Ok(channel)
        };
        timeout(PATIENCE, channel).await.map_err(|_| QueueError::Timeout(PATIENCE))?
    }
}

fn properties() -> ConnectionProperties {
    ConnectionProperties::default().with_connection_name("toji".into()).configure_backoff(|backoff| {
        // More attempts than fit into our patience, so that it alone decides.
        backoff.with_min_delay(FIRST_BACKOFF).with_max_delay(LAST_BACKOFF).with_max_times(100)
    })
}

fn queue_name(host: &str) -> Result<ShortString, QueueError> {
    let name = format!("toji.host.{host}");
    // AMQP's short strings have one byte for their length.
    if name.len() > 255 {
        return Err(QueueError::HostName(host.to_owned()));
    }
    Ok(name.into())
}

async fn declare(channel: &Channel, queue: ShortString) -> Result<(), lapin::Error> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongLongInt(QUEUE_EXPIRES.as_millis() as i64));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(KEPT_PER_HOST as i64));
    channel.queue_declare(queue, QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

impl RabbitQueue {
    pub fn new(url: &str) -> Result<Self, QueueError> {
        let uri: AMQPUri = url.parse().map_err(QueueError::Url)?;
        let link = Link { uri, connection: Mutex::default() };
        Ok(Self { link: Arc::new(link), publisher: Mutex::default() })
    }

    /// Sends a batch, once more for queues that did not exist, until the broker has it all.
    async fn send(&self, publisher: &mut Option<Channel>, batch: &[(ShortString, String)]) -> Result<(), QueueError> {
        let channel = match publisher {
            Some(channel) if channel.status().connected() => channel,
            _ => {
                let channel = self.link.channel().await?;
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                publisher.insert(channel)
            }
        };
        let mut again = publish_all(channel, batch.iter()).await?;
        while !again.is_empty() {
            for queue in &again {
                declare(channel, queue.clone()).await?;
            }
            again = publish_all(channel, batch.iter().filter(|(queue, _)| again.contains(queue))).await?;
        }
        Ok(())
    }
}

/// Publishes without waiting in between, then waits for all confirmations. Returns the queues to
/// which something has to be sent again, because they did not exist or refused.
async fn publish_all(
    channel: &Channel,
    batch: impl Iterator<Item = &(ShortString, String)>,
) -> Result<HashSet<ShortString>, lapin::Error> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties =
        BasicProperties::default().with_delivery_mode(PERSISTENT).with_content_type("application/json".into());
    let mut confirms = Vec::new();
    for (queue, body) in batch {
        let confirm =
            channel.basic_publish("".into(), queue.clone(), options, body.as_bytes(), properties.clone()).await?;
        confirms.push(async move { Ok::<_, lapin::Error>((queue, confirm.await?)) });
    }
    let mut again = HashSet::new();
    for (queue, confirmation) in try_join_all(confirms).await? {
        if confirmation.is_nack() {
            again.insert(queue.clone());
        }
        // The returned message need not be the one that this confirmation is for: it names its own.
        if let Some(returned) = confirmation.take_message() {
            again.insert(returned.delivery.routing_key.clone());
        }
    }
    Ok(again)
}

#[async_trait]
impl Queue for RabbitQueue {
    async fn publish(&self, messages: &[(String, HostMessage)]) -> Result<(), QueueError> {
        let messages: Vec<_> = messages
            .iter()
            .map(|(host, message)| Ok((queue_name(host)?, message.to_json())))
            .collect::<Result<_, QueueError>>()?;
        let mut publisher = self.publisher.lock().await;
        for batch in messages.chunks(PIPELINE) {
            // The second attempt is for a connection that broke since the last batch.
            for last in [false, true] {
                let sent = timeout(PATIENCE, self.send(&mut publisher, batch)).await;
                match sent.unwrap_or(Err(QueueError::Timeout(PATIENCE))) {
                    Ok(()) => break,
                    Err(error) => {
                        // What is under way on the channel is unknown: never use it again.
                        *publisher = None;
                        if last || matches!(error, QueueError::Timeout(_)) {
                            return Err(error);
                        }
                        tracing::info!(%error, "publishing again");
                    }
                }
            }
        }
        Ok(())
    }

    async fn subscribe(&self, host: &str) -> Result<Box<dyn Subscription>, QueueError> {
        let queue = queue_name(host)?;
        let open = timeout(PATIENCE, consume(&self.link, &queue)).await;
        let open = open.unwrap_or(Err(QueueError::Timeout(PATIENCE)))?;
        Ok(Box::new(RabbitSubscription { link: self.link.clone(), queue, open: Some(open), backoff: FIRST_BACKOFF }))
    }

    async fn healthy(&self) -> bool {
        let channel = timeout(LAST_BACKOFF, self.link.channel()).await;
        matches!(channel, Ok(Ok(_)))
    }
}

struct RabbitSubscription {
    link: Arc<Link>,
    queue: ShortString,
    /// `None` while there is no consumer: before the broker is reached again.
    open: Option<(Channel, Consumer)>,
    backoff: Duration,
}

async fn consume(link: &Link, queue: &ShortString) -> Result<(Channel, Consumer), QueueError> {
    let channel = link.channel().await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    declare(&channel, queue.clone()).await?;
    let consumer =
        channel.basic_consume(queue.clone(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
    Ok((channel, consumer))
}

impl RabbitSubscription {
    /// The next raw delivery of the present consumer, `None` when that has ended for any reason.
    async fn incoming(&mut self) -> Option<lapin::message::Delivery> {
        let (_, consumer) = self.open.as_mut()?;
        match consumer.next().await? {
            Ok(delivery) => Some(delivery),
            Err(error) => {
                tracing::warn!(queue = %self.queue, %error, "lost the message broker");
                None
            }
        }
    }

    /// Consumes anew; waits a little longer after each failure.
    async fn reopen(&mut self) {
        self.open = None;
        let opened = timeout(PATIENCE, consume(&self.link, &self.queue)).await;
        match opened.unwrap_or(Err(QueueError::Timeout(PATIENCE))) {
            Ok(open) => {
                tracing::info!(queue = %self.queue, "reading messages again");
                self.open = Some(open);
                self.backoff = FIRST_BACKOFF;
            }
            Err(error) => {
                tracing::warn!(queue = %self.queue, %error, "no messages from the broker, trying again");
                let wait = self.backoff;
                self.backoff = (wait * 2).min(LAST_BACKOFF);
                tokio::time::sleep(wait).await;
            }
        }
    }
}

#[async_trait]
impl Subscription for RabbitSubscription {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let Some(delivery) = self.incoming().await else {
                self.reopen().await;
                continue;
            };
            match HostMessage::from_json(&delivery.data) {
                Ok(message) => return Some(Delivery { message, receipt: crate::Receipt::Rabbit(Box::new(delivery)) }),
                Err(error) => {
                    tracing::warn!(queue = %self.queue, %error, "ignored a message");
                    ack(&delivery).await;
                }
            }
        }
    }
}

impl Drop for RabbitSubscription {
    fn drop(&mut self) {
        // Closing the channel is what gives unacknowledged messages back. Without a runtime the
        // process is about to end, which closes it as well.
        if let (Some((channel, _)), Ok(runtime)) = (self.open.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { channel.close(200, "done".into()).await });
        }
    }
}

pub(crate) async fn ack(delivery: &lapin::message::Delivery) {
    if let Err(error) = delivery.ack(BasicAckOptions::default()).await {
        tracing::debug!(%error, "a message was not acknowledged and will come again");
    }
}

pub(crate) async fn retry(delivery: &lapin::message::Delivery) {
    let options = BasicNackOptions { requeue: true, ..Default::default() };
    if let Err(error) = delivery.nack(options).await {
        tracing::debug!(%error, "a message was not put back, it comes again when its channel ends");
    }
}
