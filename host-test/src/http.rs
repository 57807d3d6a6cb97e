//! The Streamable HTTP endpoint: stateless, JSON answers, the component's own rules of who may come (`nango_mcp::endpoint`).

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use nango_mcp::access::Access;
use nango_mcp::config::ConfigError;
use nango_mcp::endpoint::{self, Head, MAX_BODY, PATIENCE, gate};
use nango_mcp::mcp::objection;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use crate::mcp::Server;
use crate::wire::refusal;

/// Where and for whom to listen.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Address and port.
    pub listen: SocketAddr,
    /// Whether to listen beyond loopback without asking anybody for a token.
    pub unauthenticated: bool,
    /// Who may come.
    pub access: Access,
}

/// Serve until Ctrl-C.
///
/// # Errors
/// The address is not free, or not loopback while nobody is asked for a token and `unauthenticated` was not said.
pub async fn serve(server: Server, endpoint: Endpoint) -> Result<()> {
    let listener = bind(&endpoint).await?;
    let address = listener.local_addr()?;
    let asks = if endpoint.access.has_tokens() { "a token of NANGO_MCP_TOKEN_SHA256 is asked for" } else { "no token is asked for" };
    tracing::info!("MCP at http://{address}/mcp; {asks}");
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, router(server, endpoint.access, address)).with_graceful_shutdown(stop).await.context("the endpoint failed")
}

/// Take the address, if this endpoint may.
///
/// # Errors
/// As [`serve`].
pub async fn bind(endpoint: &Endpoint) -> Result<TcpListener> {
    if !endpoint.listen.ip().is_loopback() && !endpoint.access.has_tokens() && !endpoint.unauthenticated {
        bail!(
            "{} is not loopback, and nobody is asked for a token: set NANGO_MCP_TOKEN_SHA256 to the digest of one (`nango-mcp-host token` \
             prints both), or put a proxy that asks in front of 127.0.0.1, or say --unauthenticated",
            endpoint.listen
        );
    }
    TcpListener::bind(endpoint.listen).await.with_context(|| format!("cannot listen on {}", endpoint.listen))
}

/// The routes: `/mcp`, `/health` for probes and `/` for people. On which address it listens is decided before, in
/// [`bind`]: without tokens everybody is let in who reaches it.
pub fn router(server: Server, access: Access, address: SocketAddr) -> Router {
    let own = match address.ip() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let access = access.open().known_as([own.as_str()]);
    // Host and Origin are looked at by the rules in front of it.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let service = StreamableHttpService::new(move || Ok(server.clone()), LocalSessionManager::default().into(), config);
    Router::new().fallback_service(service).layer(middleware::from_fn_with_state(access, rules))
}

/// What is asked of a request before rmcp sees it. rmcp answers what is no JSON-RPC message with plain text, and refuses
/// clients that do not say that they accept events, which are never sent here.
async fn rules(State(access): State<Access>, request: Request, next: Next) -> Response {
    let head = head(&request);
    if let Some(answer) = gate(&Ok::<_, ConfigError>(access), true, &head) {
        return respond(answer);
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
        return (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/json")], answer.to_string()).into_response();
    }
    parts.headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    next.run(Request::from_parts(parts, body.into())).await
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
