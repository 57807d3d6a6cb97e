//! The two HTTP endpoints over sockets: the component's own, in process, and the host's, on rmcp.

mod access;
pub(crate) mod cases;
mod clients;
mod fuzz;
mod transcripts;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt as _;
use nango_mcp_host::demo::Embedded;
use nango_mcp_host::incoming::Handler;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::bench::{KEY, embedded, server};

/// An endpoint that listens.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// Instances that trapped, or did not return in time.
    pub(crate) faults: Arc<AtomicUsize>,
    /// Requests that were given an instance.
    pub(crate) begun: Arc<AtomicUsize>,
    /// Requests whose instance has ended.
    pub(crate) ended: Arc<AtomicUsize>,
}

/// The Nango behind an endpoint, and the variables that point at it.
pub(crate) struct World {
    pub(crate) nango: Embedded,
    vars: Vec<(String, String)>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let nango = embedded().await;
        let base = format!("http://{}", nango.address);
        Self { nango, vars: [("NANGO_BASE_URL", base), ("NANGO_SECRET_KEY", KEY.to_owned())].map(|(n, v)| (n.to_owned(), v)).into() }
    }

    fn with(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let kept = self.vars.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).cloned();
        kept.chain(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
    }

    /// The component's own endpoint.
    pub(crate) async fn component(&self, more: &[(&str, &str)]) -> Endpoint {
        component(&self.with(more)).await
    }

    /// The host's endpoint.
    pub(crate) async fn host(&self, more: &[(&str, &str)]) -> Endpoint {
        let vars = self.with(more);
        let vars: Vec<(&str, &str)> = vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        host(&server(&vars).await).await
    }
}

/// Open to this machine, as `make serve` sets it.
pub(crate) const OPEN: (&str, &str) = ("NANGO_MCP_ANONYMOUS", "loopback");

/// The component's own endpoint with exactly these variables, which may be ones that cannot hold.
pub(crate) async fn component(vars: &[(String, String)]) -> Endpoint {
    let grant = nango_mcp_host::settings::grant(&vars.to_vec()).unwrap_or_else(|_| {
        // This host would not start with these; another passes them on as they are.
        let none = nango_mcp_host::settings::grant(&vec![]).unwrap();
        nango_mcp_host::settings::Grant { vars: vars.to_vec(), ..none }
    });
    let sandbox = nango_mcp_host::sandbox::Sandbox::load(&super::bench::component(), grant, Limits::default()).unwrap();
    let handler = Handler::of(sandbox).unwrap();
    let counters = Counters::default();
    let [faults, begun, ended] = counters.clone();
    let endpoint = listen(async |_| Router::new().fallback(move |request| handle(handler.clone(), counters.clone(), request))).await;
    Endpoint { faults, begun, ended, ..endpoint }
}

/// The host's endpoint of a server.
pub(crate) async fn host(server: &Server) -> Endpoint {
    listen(async |address| nango_mcp_host::http::router(server.clone(), server.access(), address).await.unwrap()).await
}

type Counters = [Arc<AtomicUsize>; 3];

async fn handle(handler: Handler, [faults, begun, ended]: Counters, request: http::Request<Body>) -> http::Response<Body> {
    let broken = |_| wasmtime_wasi_http::Error::ConnectionTerminated;
    // In a task of its own: the server drops this future when the client goes away, and the count must not go with it.
    let handled = tokio::spawn(async move {
        begun.fetch_add(1, Ordering::SeqCst);
        let handled = handler.handle(request.map(|body| body.map_err(broken).boxed_unsync())).await;
        tokio::spawn(async move {
            if !matches!(handled.ended.await, Ok(Ok(()))) {
                faults.fetch_add(1, Ordering::SeqCst);
            }
            ended.fetch_add(1, Ordering::SeqCst);
        });
        handled.response
    });
    match handled.await.unwrap() {
        Some(response) => response.map(Body::new),
        None => http::Response::builder().status(500).body(Body::from("no response was set")).unwrap(),
    }
}

async fn listen(router: impl AsyncFnOnce(SocketAddr) -> Router) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(address).await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Endpoint { address, faults: Arc::default(), begun: Arc::default(), ended: Arc::default() }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Lower case, each line as it came.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// From the bytes of a connection that ended with it.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let (first, lines) = head.split_once("\r\n").unwrap_or((head, ""));
        assert!(first.starts_with("HTTP/1.1 "), "{first}");
        let lower = |line: &str| match line.split_once(':') {
            Some((name, value)) => format!("{}:{value}", name.to_ascii_lowercase()),
            None => line.to_owned(),
        };
        Self { status, head: lines.lines().map(lower).collect::<Vec<_>>().join("\n"), body: body.to_owned() }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// One request on a connection of its own. Host and length are added where the headers do not have them.
pub(crate) async fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let has = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !has("content-length") && !has("transfer-encoding") {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    if !has("host") {
        head.push_str(&format!("host: {address}\r\n"));
    }
    head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    // A server may answer before it has read everything.
    let _ = stream.write_all(body).await;
    read(stream).await
}

pub(crate) async fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    Answer::parse(std::str::from_utf8(&bytes).unwrap())
}

/// What a client of MCP sends with every POST.
pub(crate) const JSON: [(&str, &str); 2] = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
