//! `/proxy/*`: Nango's refusals before a call, then `provider` in the provider's place.
//!
//! A base URL override that is not refused outright is one whose name cannot be resolved: there is no network here.

use serde_json::{Map, Value};

use super::answer::Answer;
use super::call::Call;
use super::outbound::{Host, host};
use super::provider;
use super::routes::Turn;
use super::validate::{Fields, Issues, Path, STATUS_LIST, Text};

const HEADERS: [&str; 6] = ["provider-config-key", "connection-id", "retries", "retry-on", "base-url-override", "decompress"];

/// A proxied call.
pub(crate) fn call(turn: &mut Turn) -> Result<Answer, Answer> {
    let headers = Headers::read(turn.call)?;
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
    match headers.base_url.as_deref().map(host) {
        Some(Some(Host::Loopback)) => {
            return Err(not_allowed("This base URL override is not allowed by server configuration."));
        }
        Some(_) => return Err(not_allowed("This outbound URL is not allowed by server configuration.")),
        None if turn.catalogue.base_url(&provider).is_none() => {
            return Err(Answer::coded(400, "unsupported_provider", "unsupported_provider"));
        }
        None => {}
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
        let integration = fields.text("provider-config-key", Text::between(1, 255));
        let connection = fields.text("connection-id", Text::between(1, 255));
        let path = fields.at("retries");
        if let Some(retries) = fields.raw("retries").and_then(Value::as_str)
            && !retries.trim().is_empty()
            && retries.trim().parse::<f64>().is_err()
        {
            fields.issues.add("invalid_type", "Invalid input: expected number, received NaN", &path);
        }
        let path = fields.at("retry-on");
        if let Some(statuses) = fields.raw("retry-on").and_then(Value::as_str)
            && !statuses.split(',').all(|status| !status.is_empty() && status.bytes().all(|b| b.is_ascii_digit()))
        {
            fields.issues.add("invalid_format", format!("Invalid string: must match pattern {STATUS_LIST}"), &path);
        }
        let path = fields.at("base-url-override");
        let base_url = fields.optional_text("base-url-override", Text::any()).filter(|url| !url.is_empty());
        if base_url.as_deref().is_some_and(|url| host(url).is_none()) {
            fields.issues.add("invalid_union", "Invalid input", &path);
        }
        issues.done("invalid_headers")?;
        Ok(Headers { integration: integration.unwrap_or_default(), connection: connection.unwrap_or_default(), base_url })
    }
}
