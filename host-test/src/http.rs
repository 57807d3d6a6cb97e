//! The Streamable HTTP endpoint: stateless, JSON answers, the component's own rules of who may come (`nango_mcp::endpoint`).

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use nango_mcp::access::Access;
use nango_mcp::config::ConfigError;
use nango_mcp::endpoint::{self, Head, MAX_BODY, PATIENCE, gate};
use nango_mcp::mcp::objection;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::audit::Event;
use crate::doors::{Door, Doors};
use crate::listen;
use crate::mcp::Server;
use crate::metrics::MEDIA_TYPE;
use crate::sandbox::Sandbox;
use crate::signals;
use crate::start::Loader;
use crate::timings::{Phase, Timeline};
use crate::wire::{malformed, refusal};

/// Where and for whom to listen.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Address and port.
    pub listen: SocketAddr,
    /// Whether to listen beyond loopback without asking anybody for a token.
    pub unauthenticated: bool,
    /// Names under which clients reach it, beside its address.
    pub hosts: Vec<String>,
    /// Connections at once.
    pub connections: usize,
}

/// Whose request it was is gone: no answer is waited for. Held by the connection, seen by the call.
#[derive(Clone)]
pub(crate) struct Hangup(watch::Receiver<()>);

impl Hangup {
    /// Wait until the client has hung up.
    pub(crate) async fn wait(mut self) {
        // Nothing is ever sent; the sender goes with the request.
        while self.0.changed().await.is_ok() {}
    }
}

/// What the routes look at, exchanged as a whole when the configuration is read again.
struct Live {
    doors: RwLock<Arc<Doors>>,
    sandbox: Sandbox,
}

impl Live {
    fn doors(&self) -> Arc<Doors> {
        self.doors.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serve until SIGINT or SIGTERM, and let calls finish. On SIGHUP, read the configuration and the policy again.
///
/// # Errors
/// The address is not free, or not loopback while nobody is asked for a token and `unauthenticated` was not said.
pub async fn serve(loader: Arc<Loader>, endpoint: Endpoint) -> Result<()> {
    let (server, doors) = loader.endpoint().await?;
    let listener = bind(&endpoint, doors.access()).await?;
    let address = listener.local_addr()?;
    let asks = if doors.access().has_tokens() { "a token is asked for" } else { "no token is asked for" };
    let (sandbox, monitor) = (server.sandbox(), loader.monitor.clone());
    let known = move |doors: Doors| named(doors, address).known_as(endpoint.hosts.iter().map(String::as_str));
    let live = Arc::new(Live { doors: RwLock::new(Arc::new(known(doors))), sandbox });
    let stop = signals::Stop::new()?;
    let reloading = signals::on_hangup(loader.clone(), {
        let live = live.clone();
        move |loader| {
            let (live, known) = (live.clone(), known.clone());
            async move {
                let doors = known(loader.endpoint().await?.1);
                // Where it listens was decided by the rules of the beginning.
                if live.doors().access().has_tokens() && !doors.access().has_tokens() {
                    bail!("it asks nobody for a token any longer");
                }
                *live.doors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(doors);
                Ok(())
            }
        }
    })?;
    tracing::info!("MCP at http://{address}/mcp; {asks}");
    monitor.audit.write(&Event::Endpoint { state: "open" });
    listen::serve(listener, routes(live), monitor.clone(), endpoint.connections, stop).await;
    reloading.abort();
    monitor.audit.write(&Event::Endpoint { state: "closed" });
    Ok(())
}

/// Take the address, if this endpoint may.
///
/// # Errors
/// As [`serve`].
async fn bind(endpoint: &Endpoint, access: &Access) -> Result<TcpListener> {
    if !endpoint.listen.ip().is_loopback() && !access.has_tokens() && !endpoint.unauthenticated {
        bail!(
            "{} is not loopback, and nobody is asked for a token: set NANGO_MCP_TOKEN_SHA256 to the digest of one (`nango-mcp-host token` \
             prints both), or put a proxy that asks in front of 127.0.0.1, or say --unauthenticated",
            endpoint.listen
        );
    }
    TcpListener::bind(endpoint.listen).await.with_context(|| format!("cannot listen on {}", endpoint.listen))
}

/// The routes for one server: `/mcp`, `/health` for probes, `/metrics`, and `/` for people. On which address it listens
/// is decided before: without tokens everybody is let in who reaches it.
///
/// # Errors
/// The component does not start for one of the tokens.
pub async fn router(server: Server, access: Access, address: SocketAddr) -> Result<Router> {
    let doors = named(Doors::of(&server, access).await?, address);
    Ok(routes(Arc::new(Live { doors: RwLock::new(Arc::new(doors)), sandbox: server.sandbox() })))
}

fn named(doors: Doors, address: SocketAddr) -> Doors {
    let own = match address.ip() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    };
    doors.opened().known_as([own.as_str()])
}

fn routes(live: Arc<Live>) -> Router {
    Router::new().fallback(answer).with_state(live)
}

/// Answer a request: first the rules, then rmcp. rmcp answers what is no JSON-RPC message with plain text, and refuses
/// clients that do not say that they accept events, which are never sent here.
async fn answer(State(live): State<Arc<Live>>, request: Request) -> Response {
    let mut response = answer_within(&live, request).await;
    // A result may hold a Connect link.
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if response.status().is_client_error() {
        live.sandbox.watcher().monitor.metrics.refused(response.status().as_u16());
    }
    response
}

async fn answer_within(live: &Live, request: Request) -> Response {
    let timings = live.sandbox.watcher().monitor.timings.as_ref().map(|timings| (timings, Timeline::begin()));
    let doors = live.doors();
    let head = head(&request);
    let access = Ok::<_, ConfigError>(doors.access().clone());
    let scraped = request.uri().path() == "/metrics";
    if let Some(answer) = if scraped { gate(&access, true, &as_for_mcp(&head)) } else { gate(&access, true, &head) } {
        return respond(answer);
    }
    let Some(door) = doors.find(head.header("authorization")) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if scraped {
        return metrics(live, door.metrics, &head);
    }
    let (mut parts, body) = request.into_parts();
    let body = match tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, MAX_BODY)).await {
        Err(_) => return respond(endpoint::Response::too_slow()),
        Ok(Err(error)) if is_too_long(&error) => return respond(endpoint::Response::too_large()),
        Ok(Err(_)) => return respond(endpoint::Response::cut_off()),
        Ok(Ok(body)) => body,
    };
    if let Some(reply) = objection(&head.message(&body)) {
        return respond(reply.into());
    }
    if let Some(answer) = refusal(&body) {
        return bad_request(&answer);
    }
    parts.headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    // When the client is gone this future is dropped, and `_held` with it.
    let (_held, hangup) = watch::channel(());
    parts.extensions.insert(Hangup(hangup));
    let Some((timings, timeline)) = timings else { return handled(door, parts, body).await };
    timeline.lap(Phase::Accept);
    parts.extensions.insert(timeline.clone());
    let answer = handled(door, parts, body).await;
    timings.finished(&timeline, Instant::now());
    answer
}

/// rmcp's answer. The media type was looked at before: what it does not take for that reason is a message that it cannot read.
async fn handled(door: &Door, parts: Parts, body: Bytes) -> Response {
    let answer = door.handle(Request::from_parts(parts, body.clone().into())).await.map(Body::new);
    let unread = answer.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
    unread.then(|| malformed(&body)).flatten().map_or(answer, |told| bad_request(&told))
}

fn bad_request(told: &Value) -> Response {
    (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/json")], told.to_string()).into_response()
}

/// The same head as that of a call: who may not call may not read the counters.
fn as_for_mcp(head: &Head) -> Head {
    let headers = head.headers.iter().filter(|(name, _)| name != "content-type" && name != "content-length").cloned();
    let json = ("content-type".to_owned(), "application/json".to_owned());
    Head {
        method: "POST".to_owned(),
        target: "/mcp".to_owned(),
        authority: head.authority.clone(),
        headers: headers.chain([json]).collect(),
    }
}

/// The counters.
fn metrics(live: &Live, may: bool, head: &Head) -> Response {
    if !matches!(head.method.as_str(), "GET" | "HEAD") {
        return (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET, HEAD")]).into_response();
    }
    if !may {
        return (StatusCode::FORBIDDEN, "this token may not read the counters: the operator says `metrics = true` in its policy\n")
            .into_response();
    }
    let (running, waiting) = live.sandbox.load_now();
    ([(CONTENT_TYPE, MEDIA_TYPE)], live.sandbox.watcher().monitor.metrics.text(running, waiting)).into_response()
}

fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>())
}

fn head(request: &Request) -> Head {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()));
    Head {
        method: request.method().as_str().to_owned(),
        target: request.uri().path_and_query().map_or_else(String::new, |target| target.as_str().to_owned()),
        authority: request.uri().authority().map(|authority| authority.as_str().to_owned()),
        headers: headers.collect(),
    }
}

fn respond(answer: endpoint::Response) -> Response {
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
