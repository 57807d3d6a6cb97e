//! Calls to a provider through Nango: `/proxy/*` (packages/server/lib/controllers/proxy/allProxy.ts).
//!
//! Status and body of a provider's answer pass through Nango unchanged, and Nango's own refusals come in the same place,
//! so the two are told apart here, by status, code and form together.

use std::time::Duration;

use serde_json::Value;

use super::failure::{api_failure, is_own_rate_limit};
use super::path::{encode, has_dot_segment, lenient, reread};
use super::{Body, Path, Request};
use crate::config::Environment;
use crate::error::Error;
use crate::json;
use crate::nango::{ConnectionId, IntegrationKey};
use crate::tool::{Beyond, Pattern, text};
pub(crate) use crate::transport::HttpAnswer as ProviderAnswer;

text! {
    /// A path at the provider, query allowed behind `?`.
    pub struct ProxyPath(1..=4096, &PROXY_PATH);
    /// The name of a header for the provider.
    pub struct HeaderName(1..=100, &HEADER_NAME);
    /// The value of a header for the provider.
    pub struct HeaderValue(0..=8192, &HEADER_VALUE);
    /// Another base URL than the provider's.
    pub struct BaseUrl(1..=2048, &super::ids::URL);
}

static PROXY_PATH: Pattern = Pattern {
    regex: r"^/[^#\\]*$",
    matches: |text| text.starts_with('/') && !text.contains(['#', '\\']),
    rule: "begin with `/` and have neither `#` nor `\\`",
    beyond: Some(Beyond {
        code: "unsafe_path",
        refuses: is_unsafe,
        rule: "begin with one `/` and have no `.` or `..` segment in any encoding, and no control character",
    }),
};

static HEADER_NAME: Pattern = Pattern {
    regex: "^[A-Za-z0-9_-]+$",
    matches: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'),
    rule: "consist of letters, digits, `-` and `_`",
    beyond: Some(Beyond { code: "forbidden_header", refuses: is_forbidden, rule: "not be a header that Nango or HTTP itself sets" }),
};

static HEADER_VALUE: Pattern =
    Pattern { regex: "^[ -~]*$", matches: |text| text.chars().all(|c| (' '..='~').contains(&c)), rule: "be printable ASCII", beyond: None };

/// Whether some reader on the way could take this for another route or another host: Nango resolves `..` before it
/// matches routes (observed), so that a path could leave `/proxy` and reach the API with the environment's key.
fn is_unsafe(path: &str) -> bool {
    let mut text = lenient(path.as_bytes());
    loop {
        // Of the query only dot segments matter; a double slash is at home in a URL given as a value.
        let route = text.split(|byte| *byte == b'?').next().unwrap_or_default();
        let controls = String::from_utf8_lossy(&text).contains(|c: char| c.is_control());
        if controls || has_dot_segment(&text) || route.starts_with(b"//") || route.starts_with(b"/\\") {
            return true;
        }
        let again = reread(&text);
        if again.len() == text.len() {
            return false;
        }
        text = again;
    }
}

/// Headers that are not the caller's: Nango's own, hop-by-hop ones (RFC 9110, 7.6.1), and those by which a call could
/// take another identity. A forwarded Authorization replaces the one that Nango injects (observed).
fn is_forbidden(name: &str) -> bool {
    const FORBIDDEN: &[&str] = &[
        "authorization",
        "connection",
        "connection-id",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "provider-config-key",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        // What would make another method of the one that was checked.
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    ];
    let name = name.to_ascii_lowercase();
    name.starts_with("nango-") || FORBIDDEN.contains(&name.as_str())
}

/// Whether an id would reach Nango changed: a header loses blanks at its ends.
pub(crate) fn is_trimmed(id: &str) -> bool {
    id.trim() != id
}

/// A call as the caller describes it.
pub(crate) struct Call<'a> {
    pub(crate) method: &'static str,
    pub(crate) integration: &'a IntegrationKey,
    pub(crate) connection: &'a ConnectionId,
    pub(crate) path: &'a ProxyPath,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<String>,
    pub(crate) base_url: Option<&'a BaseUrl>,
    /// Repetitions by Nango: 0 to 2.
    pub(crate) retries: i64,
    pub(crate) answer_cap: usize,
}

/// The request to Nango.
pub(crate) fn request(call: Call<'_>) -> Request {
    let (route, query) = call.path.split_once('?').unwrap_or((call.path, ""));
    let mut request = Request::new(call.method, "/proxy", Path::proxied(route));
    request.written_query = encode_query(query);
    request.query = call.query;
    request.headers =
        vec![("provider-config-key".to_owned(), call.integration.to_string()), ("connection-id".to_owned(), call.connection.to_string())];
    if !call.headers.iter().any(|(name, _)| name == "accept") {
        request.headers.push(("nango-proxy-accept".to_owned(), call.accept.to_owned()));
    }
    for (name, value) in call.headers {
        request.headers.push((format!("nango-proxy-{name}"), value));
    }
    if let Some(url) = call.base_url {
        request.headers.push(("base-url-override".to_owned(), url.to_string()));
    }
    if call.retries > 0 {
        request.headers.push(("retries".to_owned(), call.retries.to_string()));
        // Nango waits 3 s before the first repetition and 6 s more before the second (observed).
        request.patience = Duration::from_secs(if call.retries == 1 { 3 } else { 9 });
    }
    request.body = call.body.map(Body::Text);
    request.answer_cap = call.answer_cap;
    request
}

/// The provider's path as it goes over the wire: escapes stay, whatever else a path may not have is encoded.
pub(super) fn encode_route(route: &str) -> String {
    // pchar and the slash (RFC 3986, 3.3).
    encode_but(route, "/:@!$&'()*+,;=")
}

/// The query of a path likewise (RFC 3986, 3.4).
fn encode_query(query: &str) -> String {
    encode_but(query, "/:@!$&'()*+,;=?")
}

fn encode_but(text: &str, allowed: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (first, more) = rest.split_at(c.len_utf8());
        let escape = rest.get(..3).filter(|three| c == '%' && three.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit()));
        match escape {
            Some(escape) => {
                out.push_str(escape);
                rest = rest.get(3..).unwrap_or_default();
                continue;
            }
            None if allowed.contains(c) => out.push(c),
            None => out.push_str(&encode(first)),
        }
        rest = more;
    }
    out
}

/// Longest body that Nango answers a refusal with; a provider's may be longer.
const REFUSAL: usize = 64 * 1024;

/// The failure that Nango reports instead of calling the provider, if this answer is one.
pub(crate) fn refusal(request: &Request, answer: &ProviderAnswer, environment: Option<&Environment>) -> Option<Error> {
    if answer.status < 400 || answer.body.len() > REFUSAL {
        return None;
    }
    let body = json::read(&answer.body)?;
    is_nangos(answer.status, &body).then(|| api_failure(request, answer, &body, environment))
}

/// Whether this is how Nango itself refuses (observed; packages/server/lib/services/proxy.service.ts).
fn is_nangos(status: u16, body: &Value) -> bool {
    let error = body.get("error");
    let text = |key: &str| json::text_at(body, "error", key).unwrap_or_default();
    let has = |key: &str| error.and_then(|error| error.get(key)).is_some();
    match (status, text("code")) {
        (401, "missing_auth_header" | "invalid_secret_key_format" | "unknown_account") => has("payload"),
        (403, "forbidden") => text("message").starts_with("Insufficient scope") && text("message").contains("environment:"),
        (429, _) => is_own_rate_limit(body, true),
        (404, "unknown_provider_config") => true,
        (400 | 401 | 424, "server_error") => text("message").starts_with("Failed to get connection"),
        (400, "invalid_headers") => has("errors"),
        (400, "base_url_override_disabled" | "base_url_override_not_allowed" | "unsupported_provider") => true,
        (402, "plan_limit") => true,
        (400 | 424, "invalid_credentials") => has("payload"),
        (424, "connection_refresh_backoff") => true,
        (500, "generic_error_support") => has("payload"),
        // A failure on the way to the provider has no envelope: {message, code: "ECONNREFUSED", method}.
        (500, "") => {
            let text = |key: &str| body.get(key).and_then(Value::as_str);
            // A method in small letters is axios's way, not that of an API.
            let method = text("method").is_some_and(|method| matches!(method, "get" | "head" | "post" | "put" | "patch" | "delete"));
            method && text("message").is_some() && text("code").is_some_and(is_errno)
        }
        _ => false,
    }
}

/// Whether this is an error code of Node's: `ECONNRESET`, `CERT_HAS_EXPIRED`, `ERR_TLS_CERT_ALTNAME_INVALID`.
fn is_errno(code: &str) -> bool {
    let form =
        (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    form && (code.starts_with('E') || ["CERT", "SIGN", "HPE_"].iter().any(|part| code.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_keep_their_escapes_and_lose_nothing() {
        for (route, wire) in [
            ("/crm/v3/objects", "/crm/v3/objects"),
            ("/a%20b/c d", "/a%20b/c%20d"),
            ("/100%/x", "/100%25/x"),
            ("/%zz%2", "/%25zz%252"),
            ("/people:batchGet(a,b)", "/people:batchGet(a,b)"),
            ("/é|\"<>", "/%C3%A9%7C%22%3C%3E"),
            ("/%é", "/%25%C3%A9"),
        ] {
            assert_eq!(encode_route(route), wire);
        }
    }

    #[test]
    fn paths_that_could_leave_their_route_are_refused() {
        for path in [
            "/../connections/c1",
            "/a/../../x",
            "/%2e%2e/x",
            "/%252e%252e/x",
            "/./x",
            "/a/.",
            "//evil.example/x",
            "/%2f/evil.example",
            "/%252f/evil",
            "/%5cevil",
            "https://evil.example",
            "https:/evil",
            "x",
            "?a=1",
            "%2Fx",
            "/a?b=/../c",
            "/a/%2e%2E%2fb",
            "/..;/x",
            "/..?x",
            "/a/%2e%2e?x",
            "/%252e%252e?x",
            "/．．?x",
            "/.?",
            "/..%3fx",
            "/%c0%ae%c0%ae/x",
            "/%c0%afevil.example",
            "/%u002e%u002e/x",
            "/．．/x",
            "/%C2%85",
        ] {
            assert!(ProxyPath::from_text(path).is_none(), "{path}");
        }
        for path in ["/", "/a//b", "/v1.0/x..y", "/a?url=https://x.example//y", "/urn:li:person:1", "/a%2Fb", "/...", "/a?q=."] {
            assert!(ProxyPath::from_text(path).is_some(), "{path}");
        }
    }
}
