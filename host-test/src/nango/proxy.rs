//! `/proxy/*`: Nango's refusals before a call, then `provider` in the provider's place.
//!
//! A base URL override that is not refused outright is one whose name cannot be resolved: there is no network here.

use serde_json::{Map, Value};

use super::answer::Answer;
use super::call::Call;
use super::outbound::{Host, host};
use super::provider;
use super::routes::Turn;
use super::validate::{CONNECTION_ID, Fields, Issues, Path, STATUS_LIST, Text, UNIQUE_KEY};

const HEADERS: [&str; 7] =
    ["provider-config-key", "connection-id", "retries", "base-url-override", "decompress", "retry-on", "forward-headers-on-redirect"];

/// A proxied call.
pub(crate) fn call(turn: &mut Turn) -> Result<Answer, Answer> {
    let headers = Headers::read(turn.call)?;
    // The list of denied hosts comes first, what else is not allowed shows when the call is made.
    if headers.base_url.as_deref().and_then(host) == Some(Host::Loopback) {
        return Err(not_allowed("This base URL override is not allowed by server configuration."));
    }
    let environment = turn.environment();
    let Some(integration) = environment.integrations.get(&headers.integration) else {
        let message = "Provider config not found for the given provider config key. \
                       Please make sure the provider config exists in the Nango dashboard.";
        return Err(Answer::coded(404, "unknown_provider_config", message));
    };
    let provider = integration.provider.clone();
    let now = turn.now;
    let Some(connection) = turn.environment().connection(&headers.connection, &headers.integration) else {
        return Err(Answer::coded(400, "server_error", "Failed to get connection"));
    };
    if connection.wants_refresh(false, now) && connection.can_refresh() {
        connection.refresh(now);
    } else if connection.wants_refresh(false, now) {
        if connection.auth_errors.is_empty() {
            connection.note_auth_error(now);
        }
        let message = "A recent refresh attempt failed. Backing off before retrying.";
        return Err(Answer::coded(424, "connection_refresh_backoff", message));
    }
    if headers.base_url.is_some() {
        return Err(not_allowed("This outbound URL is not allowed by server configuration."));
    }
    if turn.catalogue.base_url(&provider).is_none() {
        return Err(Answer::coded(400, "unsupported_provider", "unsupported_provider"));
    }
    Ok(provider::answer(&provider, turn.call))
}

fn not_allowed(message: &str) -> Answer {
    Answer::coded(400, "base_url_override_not_allowed", message)
}

struct Headers {
    integration: String,
    connection: String,
    base_url: Option<String>,
}

impl Headers {
    /// Checks the headers that are Nango's. All others are none of its business.
    fn read(call: &Call) -> Result<Headers, Answer> {
        let given: Map<String, Value> =
            HEADERS.iter().filter_map(|name| call.header(name).map(|value| ((*name).to_owned(), value.into()))).collect();
        let mut issues = Issues::default();
        let mut fields = Fields::over(&given, Path::root(), &mut issues);
        let integration = fields.text("provider-config-key", Text::of(UNIQUE_KEY));
        let connection = fields.text("connection-id", Text::of(CONNECTION_ID));
        retries(&mut fields);
        let base_url = base_url(&mut fields);
        boolean(&mut fields, "decompress");
        retry_on(&mut fields);
        boolean(&mut fields, "forward-headers-on-redirect");
        issues.done("invalid_headers")?;
        Ok(Headers { integration: integration.unwrap_or_default(), connection: connection.unwrap_or_default(), base_url })
    }
}

fn retries(fields: &mut Fields) {
    let path = fields.at("retries");
    let given = fields.raw("retries").and_then(Value::as_str).map(str::trim);
    if given.is_some_and(|retries| !retries.is_empty() && retries.parse::<f64>().is_err()) {
        fields.issues.add("invalid_type", "Invalid input: expected number, received NaN", &path);
    }
}

fn base_url(fields: &mut Fields) -> Option<String> {
    let path = fields.at("base-url-override");
    let given = fields.optional_text("base-url-override", Text::any()).filter(|url| !url.is_empty());
    if given.as_deref().is_some_and(|url| host(url).is_none()) {
        fields.issues.add("invalid_union", "Invalid input", &path);
    }
    given
}

fn retry_on(fields: &mut Fields) {
    let path = fields.at("retry-on");
    let is_status = |status: &str| !status.is_empty() && status.bytes().all(|b| b.is_ascii_digit());
    if let Some(statuses) = fields.raw("retry-on").and_then(Value::as_str)
        && !statuses.split(',').all(is_status)
    {
        fields.issues.add("invalid_format", format!("Invalid string: must match pattern {STATUS_LIST}"), &path);
    }
}

fn boolean(fields: &mut Fields, key: &'static str) {
    let path = fields.at(key);
    if fields.raw(key).is_some_and(|given| given != "true" && given != "false") {
        fields.issues.add("invalid_value", "Invalid option: expected one of \"true\"|\"false\"", &path);
    }
}
