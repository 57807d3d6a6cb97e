//! The only way out of the sandbox: HTTP to one granted origin, through one pooled client.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Uri;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use nango_mcp::config::Base;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

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

type Connector = HttpsConnector<HttpConnector>;

/// One client for all calls: connections and TLS sessions are kept between them.
#[derive(Clone, Default)]
pub struct Pool {
    // Made on first use: reading the system's certificates takes longer than the rest of the start.
    client: Arc<OnceLock<Client<Connector, WasiBody>>>,
}

impl Pool {
    fn client(&self) -> Client<Connector, WasiBody> {
        self.client.get_or_init(build).clone()
    }
}

fn build() -> Client<Connector, WasiBody> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(PATIENCE));
    let tls = HttpsConnectorBuilder::new();
    // The system's roots, so that a private authority works (SSL_CERT_FILE too); Mozilla's where there are none.
    let tls = match tls.with_native_roots() {
        Ok(builder) => builder,
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    let connector = tls.https_or_http().enable_http1().enable_http2().wrap_connector(http);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        // Nango closes idle connections after 61 s.
        .pool_idle_timeout(Duration::from_secs(50))
        .build(connector)
}

/// The hook behind `wasi:http/outgoing-handler` of one call.
pub(crate) struct Egress {
    origin: Origin,
    pool: Pool,
}

impl Egress {
    pub(crate) fn new(origin: Origin, pool: Pool) -> Self {
        Self { origin, pool }
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
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _finished: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent>> + Send> {
        if !self.origin.allows(request.uri()) {
            // Path and query may carry what the guest wanted to leak.
            let wanted = (request.uri().scheme_str().unwrap_or("?"), request.uri().authority().map_or("?", |authority| authority.as_str()));
            tracing::warn!(granted = %self.origin, "denied outbound {} to {}://{}", request.method(), wanted.0, wanted.1);
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        let client = self.pool.client();
        let first_byte = options.and_then(|options| options.first_byte_timeout).unwrap_or(PATIENCE);
        Box::new(async move {
            let answered = tokio::time::timeout(first_byte, client.request(request)).await;
            let response = answered.map_err(|_| Error::ConnectionReadTimeout)?.map_err(|error| reason(&error))?;
            let response = response.map(|body| body.map_err(|error| reason(&error)).boxed_unsync());
            Ok((response, Box::new(std::future::ready(Ok(()))) as Box<dyn Future<Output = Result<()>> + Send>))
        })
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
