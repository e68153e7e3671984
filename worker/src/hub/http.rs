//! One exchange with the hub: headers, retries, faults.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use reqwest::{Client, StatusCode};
use toji_proto::FaultCode;
use toji_proto::xmlrpc::read_response;

use super::HubError;
use crate::config::WorkerConfig;
use crate::value::{Lookup, Value};

pub const AUTH_EXPIRED: i32 = FaultCode::AuthExpired.code();
const RETRY_REFUSED: i32 = FaultCode::Retry.code();
const OFFLINE: i32 = FaultCode::Offline.code();

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A line that is dead without a word is noticed after some of these.
const KEEPALIVE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Where the hub is and how patient to be with it.
#[derive(Debug, Clone)]
pub struct Settings {
    pub server: String,
    /// Base of the file tree, without a slash at the end.
    pub files: String,
    pub user: String,
    pub password: String,
    pub serverca: Option<PathBuf>,
    pub no_ssl_verify: bool,
    pub timeout: Duration,
    /// Tries of one call beyond the first.
    pub max_retries: u32,
    pub longest_pause: Duration,
    /// Pause while the hub says that it is offline; `None` gives up at once.
    pub offline_pause: Option<Duration>,
}

impl Settings {
    pub fn of(config: &WorkerConfig) -> Settings {
        Settings {
            server: config.server.clone(),
            files: config.topurl.trim_end_matches('/').to_owned(),
            user: config.user.clone().unwrap_or_default(),
            password: config.password.clone().unwrap_or_default(),
            serverca: config.serverca.clone(),
            no_ssl_verify: config.no_ssl_verify,
            timeout: Duration::from_secs(config.timeout.max(1)),
            max_retries: config.max_retries,
            longest_pause: Duration::from_secs(config.retry_interval),
            offline_pause: config.offline_retry.then(|| Duration::from_secs(config.offline_retry_interval)),
        }
    }
}

/// What proves to the hub who calls, and in which order.
#[derive(Clone)]
pub struct Credentials {
    pub id: i64,
    pub key: String,
    /// Number of the last call that was sent.
    pub call_number: i64,
}

impl Credentials {
    pub fn read(method: &str, answer: &Value) -> Result<Credentials, HubError> {
        match (answer.get_int("session-id"), answer.get_str("session-key")) {
            (Some(id), Some(key)) => Ok(Credentials { id, key: key.to_owned(), call_number: 0 }),
            _ => Err(HubError::answer(method, "no session id and key in it")),
        }
    }
}

/// The body of a request; kept for its retries.
pub enum Message {
    Call(String),
    /// A part of a file, with the query that says which.
    Upload {
        query: Vec<(&'static str, String)>,
        data: Bytes,
    },
}

pub struct Answer {
    pub value: Value,
}

/// The connection pool with its settings. Clones share the pool.
#[derive(Clone)]
pub struct Http {
    client: Client,
    settings: std::sync::Arc<Settings>,
}

/// Why one try failed, and whether another one makes sense.
enum Failure {
    Final(HubError),
    Passing(String),
    Offline(HubError),
}

impl Http {
    pub fn new(settings: Settings) -> Result<Http, HubError> {
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(KEEPALIVE)
            .timeout(settings.timeout)
            .user_agent(concat!("toji-worker/", env!("CARGO_PKG_VERSION")))
            .tls_danger_accept_invalid_certs(settings.no_ssl_verify);
        if is_loopback(&settings.server) {
            // A proxy for the outside world knows nothing of this machine.
            builder = builder.no_proxy();
        }
        if let Some(path) = &settings.serverca {
            let pem = std::fs::read(path).map_err(HubError::file(path))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| HubError::transport(&path.display().to_string(), error.to_string()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| HubError::transport("HTTP client", causes(&error)))?;
        Ok(Http { client, settings: settings.into() })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends the message until it is answered or the retries are used up.
    pub async fn send(
        &self,
        method: &str,
        message: &Message,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, HubError> {
        let mut tries = 0;
        loop {
            let reason = match self.one_try(method, message, credentials).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(HubError::Fault { code: RETRY_REFUSED, .. })) if tries > 0 => {
                    return Err(HubError::AnswerLost { method: method.to_owned() });
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Offline(error)) => match self.settings.offline_pause {
                    // A hub that says it is offline is expected to come back: no try is used up.
                    Some(pause) => {
                        tracing::info!(method, "the hub is offline, waiting");
                        tokio::time::sleep(pause).await;
                        continue;
                    }
                    None => return Err(error),
                },
                Err(Failure::Passing(reason)) => reason,
            };
            tries += 1;
            if tries > self.settings.max_retries {
                let reason = format!("{reason} (tried {tries} times)");
                return Err(HubError::transport(&format!("{method} at {}", self.settings.server), reason));
            }
            tracing::info!(method, tries, reason, "the hub did not answer, trying again");
            self.pause(tries).await;
        }
    }

    /// Sends the message and takes what comes.
    pub async fn send_once(
        &self,
        method: &str,
        message: &Message,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, HubError> {
        self.one_try(method, message, credentials).await.map_err(|failure| match failure {
            Failure::Final(error) | Failure::Offline(error) => error,
            Failure::Passing(reason) => HubError::transport(method, reason),
        })
    }

    /// Pauses longer with every try, never the same for two workers.
    pub async fn pause(&self, tries: u32) {
        let longest = self.settings.longest_pause.max(FIRST_PAUSE);
        let pause = FIRST_PAUSE.saturating_mul(1 << (tries - 1).min(16)).min(longest);
        let share = rand::rng().random_range(0.5..=1.0);
        tokio::time::sleep(pause.mul_f64(share)).await;
    }

    async fn one_try(
        &self,
        method: &str,
        message: &Message,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, Failure> {
        let mut request = self.client.post(&self.settings.server);
        request = match message {
            Message::Call(body) => request.header("Content-Type", "text/xml").body(body.clone()),
            Message::Upload { query, data } => {
                request.query(query).header("Content-Type", "application/octet-stream").body(data.clone())
            }
        };
        if let Some(credentials) = credentials {
            request = request
                .header("Koji-Session-Id", credentials.id)
                .header("Koji-Session-Key", &credentials.key)
                .header("Koji-Session-Callnum", credentials.call_number);
        }
        let response = request.send().await.map_err(|error| Failure::Passing(causes(&error)))?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT
        {
            return Err(Failure::Passing(format!("HTTP status {status}")));
        }
        let body = response.bytes().await.map_err(|error| Failure::Passing(causes(&error)))?;
        if !status.is_success() {
            let text: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            let reason = format!("HTTP status {status}: {text}");
            return Err(Failure::Final(HubError::transport(method, reason)));
        }
        match read_response(&body) {
            // A proxy's page or half an answer: the next one may be whole.
            Err(error) => Err(Failure::Passing(format!("answer that is no XML-RPC: {error}"))),
            Ok(Ok(value)) => Ok(Answer { value }),
            Ok(Err(fault)) => {
                let code = fault.code();
                let error = HubError::Fault { method: method.to_owned(), code, message: fault.string().to_owned() };
                Err(if code == OFFLINE { Failure::Offline(error) } else { Failure::Final(error) })
            }
        }
    }
}

fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| {
        url.host_str().is_some_and(|host| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        })
    })
}

/// An error with everything that caused it; reqwest alone says little.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        for url in ["http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]:1/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://hub.example.com/", "https://10.0.0.1/", "nonsense"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
