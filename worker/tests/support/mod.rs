//! A hub that is just enough of one: sessions with call numbers, uploads, files, and whatever the
//! test answers to the rest. It can lose answers and break connections on purpose.
#![allow(dead_code)] // each test binary uses its part

pub mod tasks;
pub mod world;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use toji_proto::xmlrpc::{read_call, write_fault, write_response};
use toji_proto::{IntoValue, Value, ValueExt, value};
use toji_worker::hub::{Session, Settings, adler32};

pub type Answer = Result<Value, (i32, String)>;
type Script = Box<dyn Fn(&FakeHub, &str, &[Value]) -> Option<Answer> + Send + Sync>;

/// What happens to the next request instead of what should.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mishap {
    /// The hub does the work, the answer gets lost.
    LostAnswer,
    /// The request is not even looked at.
    ServerError,
    /// Fault 1014.
    Offline,
    /// Fault 1007, until the session is renewed.
    Expired,
    /// The part of a file arrives changed.
    Damaged,
}

#[derive(Default)]
struct Sessions {
    next: i64,
    keys: HashMap<i64, String>,
    /// Call number of the last write.
    done: HashMap<i64, i64>,
}

#[derive(Default)]
pub struct FakeHub {
    sessions: Mutex<Sessions>,
    /// Every call that was carried out: method, parameters, session.
    pub calls: Mutex<Vec<(String, Vec<Value>, i64)>>,
    mishaps: Mutex<VecDeque<(&'static str, Mishap)>>,
    /// Files below `/kojifiles`, uploads at `work/…`.
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Breaks the next downloads off after so many bytes.
    pub cuts: Mutex<VecDeque<usize>>,
    script: Mutex<Option<Arc<Script>>>,
    pub tasks: tasks::Tasks,
}

pub struct Running {
    pub hub: Arc<FakeHub>,
    pub base: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
}

impl FakeHub {
    pub async fn start() -> Running {
        install_crypto();
        let hub = Arc::new(FakeHub::default());
        let app = Router::new()
            .route("/kojihub", post(call))
            .route("/kojifiles/{*path}", get(file))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(hub.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Running { hub, base, server }
    }

    /// Answers the calls that the hub itself does not know.
    pub fn script(&self, script: impl Fn(&FakeHub, &str, &[Value]) -> Option<Answer> + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Some(Arc::new(Box::new(script)));
    }

    /// Lets a mishap befall the next call of a method.
    pub fn befall(&self, method: &'static str, mishap: Mishap) {
        self.mishaps.lock().unwrap().push_back((method, mishap));
    }

    pub fn count(&self, method: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(name, ..)| name == method).count()
    }

    /// The parameters of every call of a method.
    pub fn calls_of(&self, method: &str) -> Vec<Vec<Value>> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, ..)| name == method).map(|(_, params, _)| params.clone()).collect()
    }

    fn mishap(&self, method: &str) -> Option<Mishap> {
        let mut mishaps = self.mishaps.lock().unwrap();
        let at = mishaps.iter().position(|(name, _)| *name == method)?;
        mishaps.remove(at).map(|(_, mishap)| mishap)
    }

    fn new_session(&self) -> Value {
        let mut sessions = self.sessions.lock().unwrap();
        sessions.next += 1;
        let (id, key) = (sessions.next, format!("key{}", sessions.next));
        sessions.keys.insert(id, key.clone());
        value!({ "session-id": id, "session-key": key, "header-auth": true })
    }

    fn renew(&self, id: i64) -> Value {
        let key = format!("renewed{id}");
        self.sessions.lock().unwrap().keys.insert(id, key.clone());
        value!({ "session-id": id, "session-key": key, "header-auth": true })
    }

    /// Whether the session is alive and the call new; the session's id then.
    fn admit(&self, headers: &HeaderMap) -> Result<i64, (i32, String)> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
        let id = number("Koji-Session-Id").ok_or((1002, "no session".to_owned()))?;
        let callnum = number("Koji-Session-Callnum").ok_or((1002, "no call number".to_owned()))?;
        let sessions = self.sessions.lock().unwrap();
        let key = headers.get("Koji-Session-Key").and_then(|key| key.to_str().ok());
        if sessions.keys.get(&id).map(String::as_str) != key {
            return Err((1002, "wrong key".into()));
        }
        match sessions.done.get(&id) {
            Some(&done) if callnum == done => Err((1009, format!("call {callnum} was made already"))),
            Some(&done) if callnum < done => Err((1008, format!("call {callnum} after {done}"))),
            _ => Ok(id),
        }
    }

    fn note_done(&self, headers: &HeaderMap, id: i64) {
        let callnum = headers["Koji-Session-Callnum"].to_str().unwrap().parse().unwrap();
        self.sessions.lock().unwrap().done.insert(id, callnum);
    }

    fn carry_out(&self, headers: &HeaderMap, method: &str, params: &[Value]) -> Answer {
        if method == "login" {
            let renewing = params.last().is_some_and(|last| last.get("renew").is_some_and(Value::is_true));
            self.calls.lock().unwrap().push((method.into(), params.to_vec(), 0));
            if renewing {
                let id = headers["Koji-Session-Id"].to_str().unwrap().parse().unwrap();
                return Ok(self.renew(id));
            }
            return Ok(self.new_session());
        }
        let id = self.admit(headers)?;
        let answer = self.answer(method, params);
        if answer.is_ok() {
            self.note_done(headers, id);
        }
        self.calls.lock().unwrap().push((method.into(), params.to_vec(), id));
        answer
    }

    fn answer(&self, method: &str, params: &[Value]) -> Answer {
        let script = self.script.lock().unwrap().clone();
        if let Some(answer) = script.and_then(|script| script(self, method, params)) {
            return answer;
        }
        match method {
            "subsession" => Ok(self.new_session()),
            "exclusiveSession" | "logout" => Ok(Value::Nil),
            "multiCall" => Ok(Value::Array(
                params[0]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|call| {
                        let params = call.get("params").unwrap().as_array().unwrap();
                        match self.answer(call.get("methodName").unwrap().as_str().unwrap(), params) {
                            Ok(value) => value!([value]),
                            Err((code, text)) => value!({ "faultCode": code, "faultString": text }),
                        }
                    })
                    .collect(),
            )),
            "checkUpload" => {
                let path = format!("work/{}/{}", params[0].as_str().unwrap(), params[1].as_str().unwrap());
                let files = self.files.lock().unwrap();
                Ok(files.get(&path).map_or(
                    Value::Nil,
                    |data| value!({ "size": data.len() as i64, "hexdigest": format!("{:08x}", adler32(1, data)) }),
                ))
            }
            _ => self.tasks.answer(method, params).unwrap_or_else(|| Err((1000, format!("unknown method {method}")))),
        }
    }

    fn take_part(&self, query: &HashMap<String, String>, data: &[u8], damaged: bool) -> Answer {
        let path = format!("work/{}/{}", query["filepath"], query["filename"]);
        let offset: usize = query["offset"].parse().unwrap();
        let mut data = data.to_vec();
        if damaged {
            data[0] ^= 1;
        }
        let mut files = self.files.lock().unwrap();
        let file = files.entry(path).or_default();
        file.resize(offset, 0);
        file.extend_from_slice(&data);
        Ok(
            value!({ "size": data.len() as i64, "hexdigest": format!("{:08x}", adler32(1, &data)), "offset": offset as i64 }),
        )
    }
}

async fn call(
    State(hub): State<Arc<FakeHub>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let upload = query.contains_key("filename");
    let (method, params) = if upload {
        ("rawUpload".to_owned(), vec![])
    } else {
        let call = read_call(&body).unwrap();
        (call.method, call.params)
    };
    let mishap = hub.mishap(&method);
    let answer = match mishap {
        Some(Mishap::ServerError) => return StatusCode::BAD_GATEWAY.into_response(),
        Some(Mishap::Offline) => Err((1014, "offline".to_owned())),
        Some(Mishap::Expired) => Err((1007, "expired".to_owned())),
        _ if upload => hub.admit(&headers).and_then(|id| {
            let taken = hub.take_part(&query, &body, mishap == Some(Mishap::Damaged));
            hub.note_done(&headers, id);
            hub.calls.lock().unwrap().push((method.clone(), vec![query["offset"].as_str().into_value()], id));
            taken
        }),
        _ => hub.carry_out(&headers, &method, &params),
    };
    if mishap == Some(Mishap::LostAnswer) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    match answer {
        Ok(value) => write_response(&value),
        Err((code, text)) => write_fault(code, &text),
    }
    .into_response()
}

async fn file(State(hub): State<Arc<FakeHub>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    // In a repository, `toplink` leads back to the top.
    let path = path.rsplit_once("/toplink/").map_or(path.as_str(), |(_, path)| path).to_owned();
    let Some(data) = hub.files.lock().unwrap().get(&path).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let range = headers.get("range").map(|range| range.to_str().unwrap().trim_start_matches("bytes=").to_owned());
    let (status, part) = match range {
        Some(range) => {
            let (start, end) = range.split_once('-').unwrap();
            let start: usize = start.parse().unwrap();
            let end = end.parse().map_or(data.len(), |end: usize| (end + 1).min(data.len()));
            if start >= data.len() {
                return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            }
            (StatusCode::PARTIAL_CONTENT, data[start..end].to_vec())
        }
        None => (StatusCode::OK, data),
    };
    let Some(cut) = hub.cuts.lock().unwrap().pop_front() else {
        return (status, part).into_response();
    };
    let broken = futures::stream::iter([
        Ok(Bytes::from(part[..cut.min(part.len())].to_vec())),
        Err(std::io::Error::other("the line breaks")),
    ])
    .then(|item| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        item
    });
    Response::builder().status(status).body(Body::from_stream(broken)).unwrap()
}

impl Running {
    pub fn settings(&self) -> Settings {
        Settings {
            server: format!("{}/kojihub", self.base),
            files: format!("{}/kojifiles", self.base),
            user: "host1".into(),
            password: "secret".into(),
            serverca: None,
            no_ssl_verify: false,
            timeout: Duration::from_secs(10),
            max_retries: 5,
            longest_pause: Duration::from_millis(50),
            offline_pause: Some(Duration::from_millis(20)),
        }
    }

    pub async fn session(&self) -> Session {
        Session::login(self.settings()).await.unwrap()
    }
}
