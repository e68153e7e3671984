//! The hub over HTTP: `/kojihub` for calls and uploads, `/kojifiles` for the file tree, `/healthz` and
//! `/readyz` for whoever watches over the process.

mod files;
mod peer;
mod upload;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::routing::{any, get};
use futures::StreamExt;
use toji_proto::xmlrpc::{ReadError, ResponseChunks, read_call, write_fault};
use toji_proto::{FaultCode, Value};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Hub;
use crate::error::{self, Error, Rpc};
use crate::rpc::{self, Request};
use crate::session::Credentials;

/// Serves until told to stop; requests under way are finished.
pub async fn serve(hub: Arc<Hub>, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let service = router(hub).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}

fn router(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/kojihub", any(endpoint))
        .route("/kojihub/", any(endpoint))
        .route("/kojihub/{*rest}", any(endpoint))
        .route("/kojifiles", get(files::serve))
        .route("/kojifiles/", get(files::serve))
        .route("/kojifiles/{*path}", get(files::serve))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(hub)
}

/// Ready means that the database answers.
async fn ready(State(hub): State<Arc<Hub>>) -> (StatusCode, &'static str) {
    match hub.database.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

/// Calls and uploads. What is no XML-RPC at all gets a plain 400, everything else an XML-RPC answer.
async fn endpoint(
    State(hub): State<Arc<Hub>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: HttpRequest,
) -> Response<Body> {
    let mut response = if request.method() == Method::POST {
        post(&hub, peer, request).await
    } else {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "Only POST is served here\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        refused
    };
    response.headers_mut().insert("Koji-Version", HeaderValue::from_static(rpc::system::KOJI_VERSION));
    response
}

async fn post(hub: &Arc<Hub>, peer: SocketAddr, request: HttpRequest) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if hub.options.server_offline {
        let text = hub.options.offline_message.as_deref().unwrap_or("server is offline");
        return fault(&error::offline(text));
    }
    let peer = peer::of(&hub.proxy, peer, &parts.headers);
    if is_upload(&parts.headers) {
        let credentials = Credentials::from_request(&parts.headers, parts.uri.query(), &hub.options);
        let mut body = body.into_data_stream();
        let result = match credentials {
            Ok(credentials) => upload::receive(hub, credentials, peer, &parts.uri, &mut body).await,
            Err(e) => Err(e),
        };
        let mut response = answered(result);
        if !drained(&mut body).await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        return response;
    }
    let query = parts.uri.query();
    let body = match read_body(body, hub.options.max_request_length as usize).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    let call = match read_call(&body) {
        Ok(call) => call,
        Err(e @ ReadError::Malformed { .. }) => {
            return plain(StatusCode::BAD_REQUEST, format!("Invalid request: {e}\n"));
        }
        Err(e @ ReadError::Value { .. }) => {
            return fault(&Error::Fault { code: FaultCode::Internal, text: e.to_string() });
        }
    };
    drop(body);
    let credentials = match Credentials::from_request(&parts.headers, query, &hub.options) {
        Ok(credentials) => credentials,
        Err(e) => return fault(&e),
    };
    answered(rpc::answer(hub, Request { method: call.method, params: call.params, credentials, peer }).await)
}

fn is_upload(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"application/octet-stream"))
}

/// How much of a refused body is read off the line, and dropped, before the line is closed: a client that is
/// not done with sending does not see an answer.
const PATIENCE: usize = 64 << 20;

/// Why a body is not taken.
struct Refusal {
    text: &'static str,
    /// Part of the body is still on the line, which therefore can carry no other request.
    unread: bool,
}

impl Refusal {
    fn into_response(self) -> Response<Body> {
        let mut response = plain(StatusCode::BAD_REQUEST, format!("Invalid request: {}\n", self.text));
        if self.unread {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The body, unless it is longer than the hub reads.
async fn read_body(body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut stream = body.into_data_stream();
    let mut read = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk: Bytes = chunk.map_err(|_| Refusal { text: "the connection broke", unread: true })?;
        if limit != 0 && read.len() + chunk.len() > limit {
            return Err(Refusal { text: "Request too long", unread: !drained(&mut stream).await });
        }
        read.extend_from_slice(&chunk);
    }
    if read.is_empty() { Err(Refusal { text: "Empty request", unread: false }) } else { Ok(read) }
}

/// Whether the rest of a body could be read off the line.
async fn drained(body: &mut BodyDataStream) -> bool {
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) if length <= PATIENCE => length += chunk.len(),
            _ => return false,
        }
    }
    true
}

fn answered(result: Rpc<Value>) -> Response<Body> {
    match result {
        Ok(value) => streamed(ResponseChunks::new(value)),
        Err(e) => fault(&e),
    }
}

/// A short answer is sent whole, a long one while it is written.
fn streamed(mut chunks: ResponseChunks) -> Response<Body> {
    let first = chunks.next().unwrap_or_default();
    let Some(second) = chunks.next() else { return xml(Body::from(first)) };
    let all =
        [first, second].into_iter().chain(chunks).map(|chunk| Ok::<_, std::convert::Infallible>(Bytes::from(chunk)));
    xml(Body::from_stream(futures::stream::iter(all)))
}

fn fault(e: &Error) -> Response<Body> {
    xml(Body::from(write_fault(e.code(), &e.public_text())))
}

fn xml(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
