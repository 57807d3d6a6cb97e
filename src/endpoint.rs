//! The HTTP endpoint of the component: what of a request is looked at, in which order, and what is said to it.
//!
//! Pure: a head and a body in, a response out. The order is a promise: path, method, what stands twice, token, Host and Origin, media type,
//! size; only then is the body read, and only then does MCP see it. So who has no token learns nothing but that.

use std::time::Duration;

use crate::access::{Access, Admission};
use crate::config::{Config, ConfigError};
use crate::json;
use crate::mcp::{self, Message, Reply, refusal};
use crate::pairs;
use crate::transport::Transport;

/// Largest body of a request, in bytes.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// How long a body may take to come, and an answer to be taken.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The head of a request.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// The method, upper case.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Host and port that the request names.
    pub authority: Option<String>,
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the length; names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Head {
    /// The value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        pairs::value(&self.headers, name)
    }

    /// The message in a body behind this head.
    pub fn message<'a>(&'a self, body: &'a [u8]) -> Message<'a> {
        Message { version: self.header("mcp-protocol-version"), method: self.header("mcp-method"), name: self.header("mcp-name"), body }
    }

    /// The length that the body is said to have.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }
}

impl Response {
    fn new(status: u16, media_type: &str, body: String) -> Self {
        let headers = vec![("content-type", media_type.to_owned()), ("cache-control", "no-store".to_owned())];
        Self { status, headers, body }
    }

    /// A refusal that a client of MCP can read.
    fn refused(status: u16, message: &str) -> Self {
        Self::new(status, "application/json", refusal(message))
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The body is larger than [`MAX_BODY`].
    pub fn too_large() -> Self {
        Self::refused(413, "a request has at most 4 MiB")
    }

    /// The body did not come, or not whole.
    pub fn too_slow() -> Self {
        Self::refused(408, "the request's body did not arrive in time")
    }

    /// The body broke off.
    pub fn cut_off() -> Self {
        Self::refused(400, "the request's body broke off")
    }
}

/// Look at a head. To HEAD the answer is that to GET, and the server leaves out the body. `None` lets the body be read, for [`answer`]. `well` is what probes are told.
pub fn gate(access: &Result<Access, ConfigError>, well: bool, head: &Head) -> Option<Response> {
    let path = head.target.split(['?', '#']).next().unwrap_or_default();
    let reads = matches!(head.method.as_str(), "GET" | "HEAD");
    Some(match (path, reads) {
        ("/mcp" | "/mcp/", _) if head.method == "POST" => return stop(access, head),
        ("/mcp" | "/mcp/", _) => Response::refused(405, "MCP is spoken here by POST alone").with("allow", "POST"),
        ("/", true) => page(),
        ("/health", true) => health(well),
        ("/" | "/health", false) => Response::refused(405, "this is only to be read").with("allow", "GET, HEAD"),
        _ => Response::refused(404, "there is nothing here: MCP is spoken at /mcp"),
    })
}

/// Headers that decide something: twice, this server and a gateway before it could each go by another.
const ONCE: [&str; 6] = ["authorization", "host", "origin", "mcp-protocol-version", "mcp-method", "mcp-name"];

/// What stops a POST to /mcp.
fn stop(access: &Result<Access, ConfigError>, head: &Head) -> Option<Response> {
    if let Some(name) = ONCE.into_iter().find(|name| head.headers.iter().filter(|(have, _)| have == name).count() > 1) {
        return Some(Response::refused(400, &format!("{name} stands twice")));
    }
    const CHALLENGE: &str = "Bearer realm=\"nango-mcp\"";
    let challenged = |message: &str, challenge: &str| Some(Response::refused(401, message).with("www-authenticate", challenge));
    let access = match access {
        Ok(access) => access,
        Err(error) => return challenged(&format!("nobody is let in until the operator mends this: {error}"), CHALLENGE),
    };
    match access.admits(head.header("authorization")) {
        Admission::Granted => {}
        Admission::Missing => return challenged("this server asks for a token: send it as `Authorization: Bearer <token>`", CHALLENGE),
        Admission::Unknown => {
            let challenge = format!("{CHALLENGE}, error=\"invalid_token\"");
            return challenged("the token is not one of this server's: ask its operator for another", &challenge);
        }
        Admission::Closed => {
            let say = "nobody is let in yet. The operator sets NANGO_MCP_TOKEN_SHA256 to the digest of a token (`nango-mcp-host token` prints \
                both), and clients send `Authorization: Bearer <token>`; or, where only this machine reaches the port, \
                NANGO_MCP_ANONYMOUS=loopback";
            return challenged(say, CHALLENGE);
        }
    }
    let authority = head.authority.as_deref().or(head.header("host")).unwrap_or_default();
    if !access.knows_host(authority) {
        let say = "this server is not known by the name in Host: the operator adds it to NANGO_MCP_ALLOWED_HOSTS";
        return Some(Response::refused(403, say));
    }
    if !head.header("origin").is_none_or(|origin| access.knows_origin(origin)) {
        let say = "pages of this Origin may not call: the operator adds it to NANGO_MCP_ALLOWED_ORIGINS";
        return Some(Response::refused(403, say));
    }
    if !is_json(head.header("content-type").unwrap_or_default()) {
        return Some(Response::refused(415, "the body is application/json in UTF-8"));
    }
    if head.length().is_some_and(|length| length > MAX_BODY as u64) {
        return Some(Response::too_large());
    }
    None
}

/// Whether a media type is JSON in UTF-8 (RFC 8259, section 8.1).
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|part| match part.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Answer the message in the body of a POST that [`gate`] let pass.
pub fn answer(config: &Result<Config, ConfigError>, transport: &dyn Transport, head: &Head, body: &[u8]) -> Response {
    mcp::answer(config, transport, &head.message(body)).into()
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        match reply.body {
            Some(body) => Self::new(reply.status, "application/json", body),
            None => Self { status: reply.status, headers: Vec::new(), body: String::new() },
        }
    }
}

/// For probes.
fn health(well: bool) -> Response {
    let (status, says) = if well { (200, "ok") } else { (503, "misconfigured") };
    let body = json::object([("status", json::text(says)), ("version", json::text(crate::VERSION))]);
    Response::new(status, "application/json", json::write(&body.into()))
}

/// For people: what this is. It says nothing of the configuration, because everybody may read it.
fn page() -> Response {
    let body = concat!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
        "<title>nango-mcp</title><style>:root{color-scheme:light dark}body{font:1rem/1.6 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}",
        "</style><h1>nango-mcp ",
        env!("CARGO_PKG_VERSION"),
        "</h1><p>An <a href=\"https://modelcontextprotocol.io\">MCP</a> server for <a href=\"https://nango.dev\">Nango</a>: agents connect ",
        "people's accounts, see what is connected, repair it and call providers.</p>",
        "<p>Point an MCP client at <code>/mcp</code> of this address and give it the token you got from the operator:</p>",
        "<pre>claude mcp add nango --transport http http://…/mcp --header \"Authorization: Bearer …\"</pre>",
        "</html>\n"
    );
    Response::new(200, "text/html; charset=utf-8", body.to_owned())
        .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
        .with("x-content-type-options", "nosniff")
}
