//! The only way out of the sandbox: HTTP to one granted origin, through one pooled client.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Method, Uri};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use nango_mcp::config::Base;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use crate::audit::{Event, address};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::monitor::Monitor;
use crate::resolver::{Prohibited, Resolver};
use crate::secrets::{Secrets, Watch};
use crate::settings::Grant;
use crate::timings::{self, Flight, Timeline};

/// The longest wait for a connection, or for the first byte of an answer, when the guest asks for none.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a component may reach: one scheme, host and port, below one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    base: Base,
    port: u16,
}

impl Origin {
    /// The origin and path prefix of a base URL.
    pub fn of(base: Base) -> Self {
        let uri_port = base.authority.parse::<http::uri::Authority>().ok().and_then(|authority| authority.port_u16());
        let port = uri_port.unwrap_or(if base.https { 443 } else { 80 });
        Self { base, port }
    }

    /// Whether a request to this address is granted.
    pub fn allows(&self, uri: &Uri) -> bool {
        let https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let host = uri.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.base.host));
        let path = uri.path();
        let below = path.strip_prefix(&self.base.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // A user part would go to the same host, but no request of ours has one.
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        https == self.base.https && host && port == self.port && below && plain && !nango_mcp::nango::is_dot_segment(path)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.base.fmt(f)
    }
}

type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// One client for all calls to an origin: connections and TLS sessions are kept between them.
#[derive(Clone)]
pub struct Pool {
    // Made on first use: reading the system's certificates takes longer than the rest of the start.
    client: Arc<OnceLock<Client<Connector, WasiBody>>>,
    resolver: Resolver,
    https: bool,
}

impl Pool {
    /// For that origin.
    pub fn of(origin: &Origin) -> Self {
        Self { client: Arc::default(), resolver: Resolver::of(&origin.base.host), https: origin.base.https }
    }

    /// Make the client, beside whatever else is done at the start.
    pub(crate) fn warm(&self) {
        let pool = self.clone();
        // Where there is no thread for it, the first call does it.
        let _ = std::thread::Builder::new().name("certificates".into()).spawn(move || drop(pool.client()));
    }

    fn client(&self) -> Client<Connector, WasiBody> {
        self.client.get_or_init(|| build(self.resolver.clone(), self.https)).clone()
    }
}

fn build(resolver: Resolver, https: bool) -> Client<Connector, WasiBody> {
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(PATIENCE));
    // The system's roots, so that a private authority works (SSL_CERT_FILE too); Mozilla's where there are none.
    // Reading them takes longer than all else that a first call needs; an http origin does without.
    let tls = match https.then(|| HttpsConnectorBuilder::new().with_native_roots()) {
        Some(Ok(builder)) => builder,
        _ => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    let connector = tls.https_or_http().enable_http1().enable_http2().wrap_connector(http);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        // Nango closes idle connections after 61 s.
        .pool_idle_timeout(Duration::from_secs(50))
        .build(connector)
}

/// The hook behind `wasi:http/outgoing-handler` of one call: what may go out, and what may come back.
pub(crate) struct Egress {
    origin: Origin,
    secrets: Secrets,
    read_only: bool,
    pool: Pool,
    requests_left: u32,
    bytes_left: Arc<AtomicU64>,
    /// Whether an answer was cut off because the call had received as much as it may.
    flooded: Arc<AtomicBool>,
    /// Whether an answer was cut off because it held a key.
    echoed: Arc<AtomicBool>,
    /// Whether a request was denied because the call had sent as many as it may.
    spent: bool,
    watcher: Watcher,
    timeline: Option<Arc<Timeline>>,
}

/// Who looks at what a principal's component sends.
#[derive(Clone)]
pub(crate) struct Watcher {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) principal: Arc<str>,
}

impl Egress {
    pub(crate) fn new(grant: &Grant, pool: Pool, limits: &Limits, watcher: Watcher) -> Self {
        Self {
            origin: grant.origin.clone(),
            secrets: grant.secrets.clone(),
            read_only: grant.read_only,
            pool,
            requests_left: limits.requests,
            bytes_left: Arc::new(AtomicU64::new(limits.received)),
            flooded: Arc::default(),
            echoed: Arc::default(),
            spent: false,
            watcher,
            timeline: timings::current(),
        }
    }

    /// What of this host's a request of this call ran into.
    pub(crate) fn limit(&self, limits: &Limits) -> Option<Fault> {
        match (self.echoed.load(Ordering::Relaxed), self.flooded.load(Ordering::Relaxed)) {
            (true, _) => Some(Fault::Echoed),
            (_, true) => Some(Fault::Received(limits.received)),
            _ => self.spent.then_some(Fault::Requests(limits.requests)),
        }
    }

    /// Let a request pass, its handle replaced by the key.
    ///
    /// # Errors
    /// It may not; the text says why, for the operator.
    fn admit<B>(&mut self, request: &mut http::Request<B>) -> std::result::Result<(), &'static str> {
        if !self.origin.allows(request.uri()) {
            return Err("that is not the granted origin");
        }
        if self.read_only && !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err("this server is read-only");
        }
        let Some(left) = self.requests_left.checked_sub(1) else {
            self.spent = true;
            return Err("the call has sent as many requests as it may");
        };
        self.requests_left = left;
        let below = request.uri().path().strip_prefix(&self.origin.base.prefix).unwrap_or_default().to_owned();
        self.secrets.authorize(request, &below)
    }
}

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<()>> + Send>);

impl WasiHttpHooks for Egress {
    /// The client writes Host itself, and only where the protocol has one: HTTP/2 does not.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _finished: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent>> + Send> {
        if let Err(why) = self.admit(&mut request) {
            // Path and query may carry what the guest wanted to leak.
            let (method, address) = (request.method().as_str(), address(request.uri()));
            tracing::warn!(granted = %self.origin, "denied outbound {method} to {address}: {why}");
            self.watcher.monitor.metrics.outbound("denied");
            self.watcher.monitor.audit.write(&Event::Denied { principal: &self.watcher.principal, method, address, why });
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        let client = self.pool.client();
        let first_byte = options.and_then(|options| options.first_byte_timeout).unwrap_or(PATIENCE);
        let (secrets, left, origin) = (self.secrets.clone(), self.bytes_left.clone(), self.origin.clone());
        let (watcher, flooded, echoed) = (self.watcher.clone(), self.flooded.clone(), self.echoed.clone());
        watcher.monitor.metrics.outbound("sent");
        let flight = self.timeline.as_ref().map(Timeline::fly);
        Box::new(async move {
            let answered = tokio::time::timeout(first_byte, client.request(request)).await;
            let response = answered.map_err(|_| Error::ConnectionReadTimeout)?.map_err(|error| reason(&error))?;
            if response.headers().values().any(|value| secrets.stand_in(value.as_bytes())) {
                return Err(watcher.echoed(&origin, &echoed));
            }
            let watch = secrets.watch();
            let response =
                response.map(|body| Guarded { body, watch, left, flooded, echoed, origin, watcher, _flight: flight }.boxed_unsync());
            Ok((response, Box::new(std::future::ready(Ok(()))) as Box<dyn Future<Output = Result<()>> + Send>))
        })
    }
}

impl Watcher {
    /// An answer holds a key, as of an origin that sends back the headers it got. The guest must not see it.
    fn echoed(&self, origin: &Origin, echoed: &AtomicBool) -> Error {
        echoed.store(true, Ordering::Relaxed);
        tracing::error!("an answer from {origin} held an API key; it was cut off before the component saw it");
        self.monitor.metrics.outbound("echoed");
        self.monitor.audit.write(&Event::Echoed { principal: &self.principal, address: origin.to_string() });
        Error::InternalError(Some("the answer held a secret of the host's".into()))
    }
}

/// The body of an answer, held to what a call may receive, and cut where a key stands in it.
struct Guarded {
    body: hyper::body::Incoming,
    watch: Watch,
    left: Arc<AtomicU64>,
    flooded: Arc<AtomicBool>,
    echoed: Arc<AtomicBool>,
    origin: Origin,
    watcher: Watcher,
    _flight: Option<Flight>,
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(reason(&error)))),
            Some(Ok(frame)) => frame,
        };
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size)).is_err() {
            self.flooded.store(true, Ordering::Relaxed);
            tracing::warn!("an answer from {} was cut off: the call has received as much as it may", self.origin);
            return Poll::Ready(Some(Err(Error::HttpResponseBodySize(None))));
        }
        match frame.data_ref().is_some_and(|data| self.watch.sees(data)) {
            true => Poll::Ready(Some(Err(self.watcher.echoed(&self.origin, &self.echoed)))),
            false => Poll::Ready(Some(Ok(frame))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The cause of a failure, from the chain of errors below it.
fn reason(error: &(dyn StdError + 'static)) -> Error {
    let mut cause = Some(error);
    let mut connecting = false;
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            connecting |= error.is_connect();
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_timeout() {
                return Error::HttpResponseTimeout;
            }
            if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
                return Error::ConnectionTerminated;
            }
            if error.is_parse() {
                return Error::HttpProtocolError;
            }
        }
        // hyper-util's resolver error has no type of its own to name.
        if error.to_string().starts_with("dns error") {
            return Error::DnsError { rcode: None, info_code: None };
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                _ if error.get_ref().is_some_and(|inner| inner.is::<Prohibited>()) => Error::DestinationIpProhibited,
                _ if is_tls(error) => Error::TlsCertificateError,
                io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
                io::ErrorKind::TimedOut => Error::ConnectionTimeout,
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Error::DestinationUnavailable,
                _ if connecting => Error::ConnectionRefused,
                _ => Error::ConnectionTerminated,
            };
        }
        cause = error.source();
    }
    if connecting { Error::ConnectionRefused } else { Error::HttpProtocolError }
}

/// Whether rustls is at the bottom of it: hyper-rustls wraps an I/O error in an I/O error, which `source` skips.
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>() || inner.downcast_ref().is_some_and(is_tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_origin_and_prefix_and_nothing_else() {
        let origin = |url| Origin::of(Base::parse("NANGO_BASE_URL", url).unwrap());
        let granted = origin("https://nango.example/api");
        for url in ["https://nango.example/api", "https://nango.example/api/x?y", "https://NANGO.example:443/api/"] {
            assert!(granted.allows(&url.parse().unwrap()), "{url}");
        }
        for url in [
            "http://nango.example/api/x",
            "https://nango.example/",
            "https://nango.example/apix",
            "https://nango.example:8443/api/x",
            "https://nango.example.evil/api/x",
            "https://sub.nango.example/api/x",
            "https://user@nango.example/api/x",
            "https://nango.example/api/../admin",
            "https://nango.example/api/%2e%2e/admin",
            "https://nango.example/api/..%2fadmin",
        ] {
            assert!(!granted.allows(&url.parse().unwrap()), "{url}");
        }
        let local = origin("http://127.0.0.1:3003");
        assert!(local.allows(&"http://127.0.0.1:3003/connect/sessions".parse().unwrap()));
        for url in ["http://127.0.0.1/x", "http://127.0.0.1:3004/x", "http://localhost:3003/x", "https://127.0.0.1:3003/x"] {
            assert!(!local.allows(&url.parse().unwrap()), "{url}");
        }
    }
}
