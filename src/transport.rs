//! How the tools reach the world: HTTP requests out, answers in, and time.

use std::time::Duration;

use crate::secret::Secret;

/// One HTTP request, complete but for its way over the wire.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE` or `HEAD`.
    pub method: &'static str,
    /// Whether to use TLS.
    pub https: bool,
    /// Host and, where not the scheme's own, port.
    pub authority: String,
    /// Path and query, percent-encoded.
    pub path_with_query: String,
    /// Headers beside Authorization; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bearer, written into Authorization at the last moment.
    pub bearer: Option<Secret>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Answers with a body longer than this many bytes are given up.
    pub answer_cap: usize,
}

/// One HTTP answer, read to its end.
#[derive(Debug, Clone, Default)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, at most `answer_cap` bytes.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::pairs::value(&self.headers, name)
    }
}

/// Why there is no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportError {
    /// The host does not allow this request (`HTTP-request-denied`).
    Denied,
    /// Nobody listens there.
    Refused,
    /// The name does not resolve, or the address is not allowed.
    Unresolved,
    /// TLS could not be agreed or the certificate is not trusted.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The connection broke before the answer was whole.
    Broken,
    /// The answer is longer than its cap.
    TooLarge,
    /// What came is not HTTP, or the host failed in another way.
    Protocol,
}

/// The world outside: implemented over WASI HTTP in the component and by tables in tests.
pub trait Transport {
    /// Send all requests at once; answers come in the order of the requests. `within` bounds all of them together.
    fn send(&self, requests: &[HttpRequest], within: Duration) -> Vec<Result<HttpAnswer, TransportError>>;

    /// Monotonic time since some fixed point.
    fn now(&self) -> Duration;

    /// Wait.
    fn sleep(&self, duration: Duration);
}
