//! Answers read, and failures mapped on route, status and Nango's own code to a sentence with a remedy.
//!
//! Nango has four shapes of error and leaves the message out at will (observed); a web page may come instead of
//! any of them. Whatever comes, the model gets what, where and remedy.

use std::time::Duration;

use serde_json::Value;

use super::said::{clean, given, is_key, shorten};
use super::{Answer, RateLimit, Request};
use crate::config::{Base, Config, Environment};
use crate::error::{ApiError, Error, writes};
use crate::json;
use crate::project::without;
use crate::transport::{HttpAnswer, TransportError};

/// Take an answer: a success, or the failure it reports.
pub(crate) fn read(request: &Request, mut answer: HttpAnswer, base: &Base, environment: Option<&Environment>) -> Result<Answer, Error> {
    // Metadata is anybody's, half characters included.
    if let Some(mended) = std::str::from_utf8(&answer.body).ok().and_then(json::mended) {
        answer.body = mended.into_bytes();
    }
    let failed = |code: &str, message: String, hint: &str| {
        Err(Error::nango(ApiError { status: answer.status, code: code.into(), message, hint: Some(hint.into()), ..ApiError::default() }))
    };
    let route = request.route;
    // A page is not read: it is none of Nango's answers. What JSON a success holds is for the tool to read.
    let page = answer.header("content-type").is_some_and(|kind| kind.contains("html"));
    match answer.status {
        200..=299 if !page => Ok(Answer { route, status: answer.status, rate_limit: rate_limit(&answer), body: answer.body }),
        301..=303 | 307 | 308 => failed(
            "redirected",
            format!("{base} answered {route} with a redirect, which is not followed"),
            "set NANGO_BASE_URL to the address it redirects to",
        ),
        500..=599 if page => {
            let message =
                format!("{base} answered {route} with a web page (status {}), as a gateway does whose Nango is not there", answer.status);
            let (status, hint) = (answer.status, Some(inside(request).to_owned()));
            let outcome_unknown = !request.reads();
            Err(Error::nango(ApiError { status, code: "nango_failed".into(), message, hint, outcome_unknown, ..ApiError::default() }))
        }
        _ if page => failed(
            "not_nango",
            format!("{base} answered {route} with a web page (status {}), not with JSON", answer.status),
            "NANGO_BASE_URL must be the address of Nango's API, not of its dashboard",
        ),
        _ => Err(api_failure(request, &answer, &json::read(&answer.body).unwrap_or_default(), environment)),
    }
}

/// A success whose body is not JSON, or not whole.
pub(crate) fn no_json(answer: &Answer) -> Error {
    let say = format!("the answer to {} is not whole JSON", answer.route);
    let hint = "if it stays so when you try again, something between this server and Nango changes answers";
    Error::unbelievable(answer.route, answer.status, say, hint)
}

/// A success that holds more than may be kept of it.
pub(crate) fn too_large(answer: &Answer) -> Error {
    let say = format!("the answer to {} holds more than can be kept of it: ask for less, for example with a smaller `limit`", answer.route);
    Error::transport("answer_too_large", say, writes(answer.route))
}

/// Repetitions of a request that a rate limit turned away, at most: each counts for the whole account.
const REPETITIONS: u32 = 3;

/// How long to wait before repetition number `tried`, counted from 0, of a request that was turned away by a rate limit:
/// Nango's own, or for a read the provider's. `None` if this is none, or not to be repeated.
pub(crate) fn rate_limited(request: &Request, answer: &HttpAnswer, tried: u32) -> Option<Duration> {
    if answer.status != 429 || tried >= REPETITIONS {
        return None;
    }
    let of_provider = request.route == "/proxy";
    let own = || json::read(&answer.body).is_some_and(|body| is_own_rate_limit(&body, of_provider));
    let reads = matches!(request.method, "GET" | "HEAD");
    // Nango's Retry-After is whole seconds, rounded down, and may be 0 (observed). A provider's may be a date, and nothing
    // here knows what time it is.
    let asked = retry_after(answer);
    let repeatable = own() || (of_provider && reads && (asked.is_some() || answer.header("retry-after").is_none()));
    repeatable.then(|| Duration::from_secs(asked.unwrap_or(0).max(1 << tried)))
}

/// Whether a 429 is Nango's own. A provider may use its words, but not its whole form (observed).
pub(super) fn is_own_rate_limit(body: &Value, of_provider: bool) -> bool {
    let has = |key: &str| json::at(body, "error", key).is_some();
    json::text_at(body, "error", "code") == Some("too_many_request") && (!of_provider || (has("method") && has("path")))
}

/// Seconds to wait after a 429: at least one. `None` if that is said in a form that is not read here.
fn wait(answer: &HttpAnswer) -> Option<u64> {
    let asked = answer.header("retry-after").map_or(Some(1), |_| retry_after(answer));
    asked.map(|seconds| seconds.max(1))
}

fn retry_after(answer: &HttpAnswer) -> Option<u64> {
    number(answer, "retry-after")
}

fn rate_limit(answer: &HttpAnswer) -> Option<RateLimit> {
    Some(RateLimit {
        limit: u32::try_from(number(answer, "x-ratelimit-limit")?).ok()?,
        remaining: u32::try_from(number(answer, "x-ratelimit-remaining")?).ok()?,
        reset: number(answer, "x-ratelimit-reset")?,
    })
}

fn number(answer: &HttpAnswer, header: &str) -> Option<u64> {
    answer.header(header)?.trim().parse().ok()
}

/// A failure that Nango reports in this body.
pub(super) fn api_failure(request: &Request, answer: &HttpAnswer, body: &Value, environment: Option<&Environment>) -> Error {
    let status = answer.status;
    // Transport failures of the proxy have no envelope (observed): the object itself is the error then.
    let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let given = given(request);
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let (own, said) = (text("code"), clean(text("message"), &given));
    let fields = fields(request, error, &given);
    // Nango's own words, before anything is taken out of them.
    let raw = text("message");
    let has = |reason: &str| {
        json::items(error, "errors")
            .iter()
            .any(|entry| entry.get("message").and_then(Value::as_str).is_some_and(|text| text.contains(reason)))
    };
    let of_integration = of_integration(request);
    let (code, hint) = match (status, own) {
        (_, "server_error") if raw.starts_with("Failed to get connection credentials") => ("refresh_failed", REFRESH.into()),
        (401, "unknown_connect_session_token") if request.token.is_some() => (own, "the link has expired or was cancelled: make a new one".into()),
        (401, _) => ("key_rejected", key_hint(environment)),
        (403, "forbidden") if raw.contains("docs connect url") => {
            ("docs_connect_not_allowed", "leave `overrides` out: docs_connect needs a Growth or Enterprise plan on Nango Cloud".into())
        }
        (403, "forbidden") if raw.contains("scope") => {
            ("missing_scope", "the operator can add that scope to the API key in Nango's dashboard (Environment Settings, API Keys)".into())
        }
        (403, "forbidden") if request.query.iter().any(|(name, _)| name == "refresh_token") => (
            "missing_scope",
            "reading and refreshing credentials needs environment:connections:read_credentials: the operator can add that scope to the API key"
                .into(),
        ),
        (429, _) => match wait(answer) {
            Some(seconds) => ("rate_limited", format!("call again after {seconds} s; the limit is shared by the whole Nango account")),
            None => ("rate_limited", "call again in a few minutes; the limit is shared by the whole Nango account".to_owned()),
        },
        (400, "resource_capped") => {
            ("connection_limit", "the Nango plan allows no more connections: delete unused ones or upgrade the plan".into())
        }
        (400, "server_error") if said == "Failed to get connection" => ("unknown_connection", CONNECTIONS.into()),
        (400, "base_url_override_disabled") => (
            "base_url_override_refused",
            "this Nango allows no other base URL: leave `base_url_override` out, or its operator allows it there".into(),
        ),
        (400, "base_url_override_not_allowed") => (
            "base_url_override_refused",
            "Nango may not call that address. It says the same when the host name does not resolve, even without an override: look at the \
             base URL's host, and at the connection's configuration (subdomain, domain) that is part of it"
                .into(),
        ),
        (400, "unsupported_provider") => {
            ("no_base_url", "Nango knows no base URL for this provider: it cannot be called through the proxy without an override".into())
        }
        (402, "plan_limit") => ("plan_limit", "the Nango plan allows no more proxied calls: upgrade it or wait for the next period".into()),
        (500, _) if request.route == "/proxy" && own != "generic_error_support" => (
            "provider_unreachable",
            "Nango did not reach the provider or lost it: try again in a moment; look before you repeat a write".into(),
        ),
        (400, "invalid_body") if has("Integration does not exist") => ("unknown_integration", INTEGRATIONS.into()),
        (400, "invalid_body") if raw.starts_with("ConnectionID or IntegrationId") => ("unknown_connection", CONNECTIONS.into()),
        (400, "invalid_body") if of_integration && has("Invalid provider") => ("unknown_provider", PROVIDERS.into()),
        (400, "invalid_body") if of_integration && (has("Unique key already exists") || raw.starts_with("uniqueKey is already used")) => {
            ("integration_exists", "choose another `unique_key`; list_integrations shows those that are taken".into())
        }
        (400, "invalid_body") if of_integration && raw == "Missing credentials" => {
            ("credentials_missing", "give `credentials`; their `type` is the provider's auth mode, which get_provider shows".into())
        }
        (400, "invalid_body") if of_integration && raw.starts_with("incompatible credentials") => (
            "credentials_mismatch",
            "`credentials.type` must be the provider's auth mode, which get_provider shows; of other auth modes an integration takes none"
                .into(),
        ),
        (400, "invalid_body") if of_integration && raw.starts_with("Can't rename an integration") => (
            "integration_in_use",
            "accounts are connected: keep the key, or create another integration and let people connect there".into(),
        ),
        (_, "unknown_provider_config") => ("unknown_integration", INTEGRATIONS.into()),
        (_, "unknown_connection") => ("unknown_connection", CONNECTIONS.into()),
        (400, "invalid_body") if auth_mode(text("message")).is_some() => (
            "wrong_auth_mode",
            format!("the provider's auth mode is {}: give credentials of that type", auth_mode(text("message")).unwrap_or_default()),
        ),
        (400, "connection_test_failed" | "connection_validation_failed") => {
            (own, "the provider did not accept these credentials: look at them and at connection_config".into())
        }
        (404, "not_found") if request.route == "POST /connections" => ("unknown_integration", INTEGRATIONS.into()),
        (404, "not_found") if request.route == "GET /providers/:provider" => ("unknown_provider", PROVIDERS.into()),
        (404, "not_found") if request.route.contains("/connections") => ("unknown_connection", CONNECTIONS.into()),
        (404, "not_found") if of_integration => ("unknown_integration", INTEGRATIONS.into()),
        (400 | 424, "invalid_credentials" | "connection_refresh_backoff") => ("refresh_failed", REFRESH.into()),
        (500..=599, _) => ("nango_failed", inside(request).into()),
        (404, "") => ("not_nango", "NANGO_BASE_URL must be the address of Nango's API; its version may also lack this route".into()),
        (_, "") => ("nango_error", "look at the arguments and try again".into()),
        _ => (own, "correct the arguments by what Nango says".into()),
    };
    // A code that is a value of the request is none.
    let is_given = |code: &str| given.iter().any(|value| value.eq_ignore_ascii_case(code));
    let (own, code) = (if is_given(own) { "" } else { own }, if code == own && is_given(own) { "" } else { code });
    let message = message(request, status, own, &said, &fields);
    let retry_after_seconds = if status == 429 { wait(answer) } else { None };
    let connection = json::at(error, "payload", "connection").cloned();
    Error::nango(ApiError {
        status,
        code: stable(code).to_owned(),
        message,
        fields,
        hint: Some(hint),
        retry_after_seconds,
        connection,
        outcome_unknown: status >= 500 && !request.reads(),
    })
}

/// The remedy for a failure inside Nango.
fn inside(request: &Request) -> &'static str {
    match request.reads() {
        true => "this is a failure inside Nango: try again in a moment, then look at its status or logs",
        false => "this is a failure inside Nango, and the request may have taken effect all the same: look before you repeat it",
    }
}

/// The mode that "Provider BASIC does not support API_KEY auth" names (observed of POST /connections).
fn auth_mode(said: &str) -> Option<&str> {
    let (mode, _) = said.strip_prefix("Provider ")?.split_once(" does not support ")?;
    mode.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_').then_some(mode)
}

/// Nango gives up for half a minute after each failure (observed), whatever the reason.
const REFRESH: &str = "the connection's token could not be refreshed: try once more in half a minute, in case the provider was only out of \
    reach; if it stays so, create_reconnect_session gives the link that repairs it";
const INTEGRATIONS: &str = "list_integrations shows the integrations of this environment";
const PROVIDERS: &str = "search_provider_templates finds the providers that Nango knows";
const CONNECTIONS: &str = "list_connections shows the connections of this environment; id and integration must belong together";

fn key_hint(environment: Option<&Environment>) -> String {
    match environment {
        Some(environment) => format!(
            "the API key in {} is not one of this Nango: take it from Environment Settings of the same server, and look at NANGO_BASE_URL",
            environment.key_variable
        ),
        None => "look at the API key and at NANGO_BASE_URL".into(),
    }
}

/// `Nango answered POST /connect/sessions with 400 (invalid_body): allowed_integrations[1]: Integration does not exist`.
fn message(request: &Request, status: u16, own: &str, said: &str, fields: &[(String, String)]) -> String {
    let own = if own.is_empty() { String::new() } else { format!(" ({})", stable(own)) };
    let reasons: Vec<String> = fields
        .iter()
        .map(|(path, reason)| if path.is_empty() { reason.clone() } else { format!("{path}: {reason}") })
        .chain((!said.is_empty()).then(|| said.to_owned()))
        .collect();
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
    let method = if request.route.starts_with('/') { format!("{} ", request.method) } else { String::new() };
    format!("Nango answered {method}{} with {status}{own}{why}", request.route)
}

/// `error.errors[]` as path and reason, at most ten. Path elements are always strings, indices too (observed).
fn fields(request: &Request, error: &Value, given: &[&str]) -> Vec<(String, String)> {
    json::items(error, "errors")
        .iter()
        .take(10)
        .map(|entry| {
            let mut at = String::new();
            for element in json::items(entry, "path").iter().filter_map(Value::as_str) {
                match element.parse::<usize>() {
                    Ok(index) => at.push_str(&format!("[{index}]")),
                    // REST calls it integration_id where everything else says provider_config_key.
                    Err(_) if element == "integration_id" && request.route.ends_with("/reconnect") => at.push_str("provider_config_key"),
                    Err(_) if element == "uniqueKey" && of_integration(request) => at.push_str("unique_key"),
                    Err(_) => {
                        let dot = if at.is_empty() { "" } else { "." };
                        at.push_str(&format!(
                            "{dot}{}",
                            shorten(&if is_key(request, element) { element.to_owned() } else { without(element, given) }, 64)
                        ));
                    }
                }
            }
            let reason = entry.get("message").or_else(|| entry.get("code")).and_then(Value::as_str).unwrap_or("refused");
            let reason = clean(reason, given);
            (at, if reason.is_empty() { "refused".to_owned() } else { reason })
        })
        .collect()
}

fn of_integration(request: &Request) -> bool {
    request.route.contains("/integrations")
}

/// A code of Nango's as a stable code of ours, if it has the form of one: letters, digits and `_`.
fn stable(code: &str) -> &str {
    let fits = (1..=64).contains(&code.len()) && code.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    if fits { code } else { "nango_error" }
}

/// A request that got no whole answer.
pub(crate) fn failure(request: &Request, error: TransportError, config: &Config, within: Duration) -> Error {
    let (route, base) = (request.route, &config.base);
    let reads = matches!(request.method, "GET" | "HEAD");
    // Of a write nobody knows whether it was done.
    let again = if reads { ": try again" } else { "" };
    let (code, message) = match error {
        TransportError::Denied => {
            ("host_denied", format!("the host denied outbound HTTP to {base}: {}", (config.gateway.allow)(&base.origin())))
        }
        TransportError::Refused => {
            ("connection_refused", format!("nobody answers at {base}: is Nango running there, and is NANGO_BASE_URL right?"))
        }
        TransportError::Unresolved => {
            ("unresolved_host", format!("the host name in {base} does not resolve from here: look at NANGO_BASE_URL"))
        }
        TransportError::Tls => {
            ("tls_failed", format!("no trusted TLS connection to {base}: look at its certificate, and at http or https in NANGO_BASE_URL"))
        }
        TransportError::Timeout => (
            "timeout",
            format!(
                "Nango did not answer {route} whole within {}.{} s{again}; the operator can raise NANGO_MCP_REQUEST_TIMEOUT, at most to 50",
                within.as_secs(),
                within.subsec_millis() / 100
            ),
        ),
        TransportError::Broken => {
            ("connection_lost", format!("the connection to {base} broke before the answer to {route} was whole{again}"))
        }
        TransportError::TooLarge if route == "/proxy" => (
            "answer_too_large",
            format!(
                "the provider's answer is larger than {} KiB: ask it for less, by its own paging, filters or fields in `query`; for a file \
                 the operator can raise NANGO_MCP_MAX_DOWNLOAD_BYTES",
                request.answer_cap >> 10
            ),
        ),
        TransportError::TooLarge => (
            "answer_too_large",
            format!(
                "the answer to {route} is larger than {} MiB: ask for less, for example with a smaller `limit`",
                request.answer_cap >> 20
            ),
        ),
        TransportError::Protocol => {
            ("protocol_error", format!("what answers at {base} does not speak HTTP as expected: look at NANGO_BASE_URL"))
        }
    };
    // Before these, nothing had left the host.
    let sent = !matches!(error, TransportError::Denied | TransportError::Refused | TransportError::Unresolved | TransportError::Tls);
    Error::transport(code, message, sent && !reads)
}
