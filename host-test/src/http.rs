//! The Streamable HTTP endpoint: stateless, JSON answers, Host and Origin checked.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
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
    /// Host names under which clients come, beside localhost and the address.
    pub allowed_hosts: Vec<String>,
}

/// Serve until Ctrl-C.
///
/// # Errors
/// The address is not free, or not loopback and `unauthenticated` was not said.
pub async fn serve(server: Server, endpoint: Endpoint) -> Result<()> {
    let listener = bind(&endpoint).await?;
    let address = listener.local_addr()?;
    tracing::info!("MCP at http://{address}/mcp");
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, router(server, &endpoint.allowed_hosts, address))
        .with_graceful_shutdown(stop)
        .await
        .context("the endpoint failed")
}

/// Take the address, if this endpoint may.
///
/// # Errors
/// As [`serve`].
pub async fn bind(endpoint: &Endpoint) -> Result<TcpListener> {
    if !endpoint.listen.ip().is_loopback() && !endpoint.unauthenticated {
        bail!(
            "{} is not loopback, and this endpoint asks nobody for a token: put a proxy that does in front of 127.0.0.1, or say --unauthenticated",
            endpoint.listen
        );
    }
    TcpListener::bind(endpoint.listen).await.with_context(|| format!("cannot listen on {}", endpoint.listen))
}

/// The routes: `/mcp`.
pub fn router(server: Server, allowed_hosts: &[String], address: SocketAddr) -> Router {
    let own = address.ip().to_string();
    let hosts = ["localhost", "127.0.0.1", "::1", own.as_str()].into_iter().map(str::to_owned).chain(allowed_hosts.iter().cloned());
    // Any port: a browser page on another local port is still local, and DNS rebinding shows a foreign name.
    let origins = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"].into_iter().map(str::to_owned);
    let origins = origins.chain(allowed_hosts.iter().map(|host| format!("https://{host}:*")));
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        .with_allowed_origins(origins)
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let service = StreamableHttpService::new(move || Ok(server.clone()), LocalSessionManager::default().into(), config);
    Router::new().nest_service("/mcp", service).layer(middleware::from_fn(refuse))
}

/// Requests up to here are read whole, as rmcp does.
const MAX_BODY: usize = 4 << 20;

/// Answer what is no JSON-RPC message with the error that MCP demands; rmcp would with plain text.
async fn refuse(request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().get(CONTENT_TYPE).is_some_and(is_json) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "a request has at most 4 MiB\n").into_response();
    };
    match refusal(&body) {
        Some(answer) => (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        None => next.run(Request::from_parts(head, body.into())).await,
    }
}

fn is_json(content_type: &HeaderValue) -> bool {
    content_type.to_str().is_ok_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")))
}
