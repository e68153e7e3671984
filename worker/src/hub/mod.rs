//! The hub as the worker sees it: sessions over XML-RPC, uploads and downloads over HTTP.
//!
//! A [`Session`] makes one call at a time, because the hub orders the calls of a session by their
//! call number. A call keeps its number when it is tried again, so a retry can never do a thing
//! twice: if the first try arrived, the hub says so (fault 1009) and [`lost`] decides what that
//! means for the method. Each running task has a subsession of its own and waits for nobody.

mod download;
mod error;
pub mod host;
mod http;
mod lost;
mod upload;

use std::sync::Arc;

use toji_proto::xmlrpc::write_call;
use tokio::sync::Mutex;

pub use download::Expected;
pub use error::HubError;
pub use http::Settings;
pub use upload::adler32;

use crate::args;
use crate::value::{Lookup, Members, Value};
use http::{Credentials, Http, Message};
use lost::Lost;

/// One login at the hub. Clones share it.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    /// Asked of the hub again when the session is renewed.
    exclusive: bool,
    credentials: Mutex<Credentials>,
}

impl Session {
    /// Logs in with name and password. Retries while the hub cannot be reached.
    pub async fn login(settings: Settings) -> Result<Session, HubError> {
        let http = Http::new(settings)?;
        let settings = http.settings();
        let args = args![&settings.user, &settings.password];
        let message = Message::Call(write_call("login", &args));
        let answer = http.send("login", &message, None).await?.value;
        let credentials = Credentials::read("login", &answer)?;
        Ok(Session::new(http, credentials, false))
    }

    /// Makes this the only session of its user: any other one is closed, so that a host has one
    /// worker even if two were started by mistake.
    pub async fn make_exclusive(self) -> Result<Session, HubError> {
        self.call_named("exclusiveSession", vec![], crate::members! { "force" => true }).await?;
        let credentials = self.inner.credentials.lock().await.clone();
        Ok(Session::new(self.inner.http.clone(), credentials, true))
    }

    fn new(http: Http, credentials: Credentials, exclusive: bool) -> Session {
        let inner = Inner { http, exclusive, credentials: Mutex::new(credentials) };
        Session { inner: Arc::new(inner) }
    }

    /// A session of its own below this one; it ends with this one at the latest.
    pub async fn subsession(&self) -> Result<Session, HubError> {
        let answer = self.call("subsession", vec![]).await?;
        let credentials = Credentials::read("subsession", &answer)?;
        Ok(Session::new(self.inner.http.clone(), credentials, false))
    }

    /// Ends the session. One try: a session that stays behind expires by itself.
    pub async fn logout(&self) {
        let mut credentials = self.inner.credentials.lock().await;
        credentials.call_number += 1;
        let message = Message::Call(write_call("logout", &[]));
        if let Err(error) = self.inner.http.send_once("logout", &message, Some(&credentials)).await {
            tracing::debug!(%error, "logout");
        }
    }

    /// Makes one call, with retries.
    pub async fn call(&self, method: &str, args: Vec<Value>) -> Result<Value, HubError> {
        self.exchange(method, &Message::Call(write_call(method, &args))).await
    }

    /// Makes one call with named arguments behind the positional ones.
    pub async fn call_named(&self, method: &str, mut args: Vec<Value>, mut named: Members) -> Result<Value, HubError> {
        named.insert("__starstar".into(), Value::Boolean(true));
        args.push(Value::Struct(named));
        self.call(method, args).await
    }

    /// Makes several calls in one request. Each has its own result; one that fails leaves the
    /// others alone.
    pub async fn multicall(&self, calls: Vec<(&str, Vec<Value>)>) -> Result<Vec<Result<Value, HubError>>, HubError> {
        let methods: Vec<&str> = calls.iter().map(|(method, _)| *method).collect();
        let calls: Vec<Value> = calls
            .iter()
            .map(|(method, args)| Value::Struct(crate::members! { "methodName" => *method, "params" => args.clone() }))
            .collect();
        let answer = self.call("multiCall", vec![Value::Array(calls)]).await?;
        let results = match answer {
            Value::Array(results) if results.len() == methods.len() => results,
            other => {
                return Err(HubError::answer("multiCall", format!("{} results expected: {other:?}", methods.len())));
            }
        };
        Ok(methods.iter().zip(results).map(|(method, result)| one_of_many(method, result)).collect())
    }

    /// Sends a message under one call number until there is an answer, whatever it takes.
    async fn exchange(&self, method: &str, message: &Message) -> Result<Value, HubError> {
        let mut credentials = self.inner.credentials.lock().await;
        let mut renewed = false;
        loop {
            credentials.call_number += 1;
            let error = match self.inner.http.send(method, message, Some(&credentials)).await {
                Ok(answer) => return Ok(answer.value),
                Err(error) => error,
            };
            match error {
                HubError::Fault { code: http::AUTH_EXPIRED, .. } if !renewed => {
                    self.renew(&mut credentials).await?;
                    renewed = true;
                }
                HubError::AnswerLost { .. } => match Lost::of(method) {
                    Lost::Done => return Ok(Value::Nil),
                    Lost::Repeat => tracing::info!(method, "the answer was lost, calling again"),
                    Lost::Unknown => return Err(error),
                },
                error => return Err(error),
            }
        }
    }

    /// Revives an expired session under a new key.
    async fn renew(&self, credentials: &mut Credentials) -> Result<(), HubError> {
        let settings = self.inner.http.settings();
        let named = crate::members! {
            "renew" => true, "exclusive" => self.inner.exclusive, "__starstar" => true,
        };
        let args = args![&settings.user, &settings.password, named];
        let message = Message::Call(write_call("login", &args));
        credentials.call_number += 1;
        let answer = self.inner.http.send("login", &message, Some(credentials)).await?;
        // The session goes on, so its call numbers must.
        let call_number = credentials.call_number;
        *credentials = Credentials { call_number, ..Credentials::read("login", &answer.value)? };
        tracing::info!(session = credentials.id, "session renewed");
        Ok(())
    }
}

fn one_of_many(method: &str, result: Value) -> Result<Value, HubError> {
    match result {
        Value::Array(mut one) if one.len() == 1 => Ok(one.remove(0)),
        fault => match (fault.get_id("faultCode"), fault.get_str("faultString")) {
            (Some(code), Some(message)) => {
                Err(HubError::Fault { method: method.into(), code, message: message.into() })
            }
            _ => Err(HubError::answer(method, "neither a result nor a fault in a multicall")),
        },
    }
}
