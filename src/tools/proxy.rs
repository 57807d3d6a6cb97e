//! Calls to providers through Nango, which adds the account's credentials: their tokens are never seen here.

mod answer;
mod cursor;
pub(crate) mod download_provider_file;
mod narrow;
mod page;
pub(crate) mod proxy_request;
mod shape;

use serde_json::Value;

use crate::context::Context;
use crate::error::Error;
use crate::nango::proxy::is_trimmed;
use crate::nango::{AnyKey, BaseUrl, ConnectionId, HeaderName, HeaderValue, IntegrationKey};
use crate::tool::Dict;

/// Query parameters: texts, numbers, truths, or lists of these.
pub(crate) type Query = Dict<AnyKey, Value, 100>;

/// Headers for the provider.
pub(crate) type Headers = Dict<HeaderName, HeaderValue, 50>;

/// What holds of every proxied call.
///
/// # Errors
/// `bad_query_value`, `forbidden_header`, `unsendable_id`.
fn rules(integration: &IntegrationKey, connection: &ConnectionId, query: Option<&Query>, headers: Option<&Headers>) -> Result<(), Error> {
    for (path, id) in [("provider_config_key", &**integration), ("connection_id", &**connection)] {
        if is_trimmed(id) {
            let say = format!("`{path}` has blanks at its ends, and the header that carries it would lose them");
            return Err(Error::argument("unsendable_id", path, say));
        }
    }
    let plain = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    for (at, (_, value)) in query.into_iter().flat_map(|query| &query.0).enumerate() {
        if !plain(value) && !value.as_array().is_some_and(|values| values.iter().all(plain)) {
            let say = format!("parameter {} of `query` must be a text, a number, true or false, or a list of these", at + 1);
            return Err(Error::argument("bad_query_value", "query", say));
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for (name, _) in headers.into_iter().flat_map(|headers| &headers.0) {
        let name = name.to_ascii_lowercase();
        if seen.contains(&name) {
            return Err(Error::argument("forbidden_header", "headers", "`headers` names a header twice: names compare without case"));
        }
        seen.push(name);
    }
    Ok(())
}

/// Refuse another base URL unless the operator allows it: Nango sends the account's credentials there.
fn may_override(cx: &Context<'_>, base_url: Option<&BaseUrl>) -> Result<(), Error> {
    if base_url.is_none() || cx.config.allow_base_url_override {
        return Ok(());
    }
    let say = "this server calls providers at their own base URL only; leave `base_url_override` out, or the operator sets \
        NANGO_MCP_ALLOW_BASE_URL_OVERRIDE=true";
    Err(Error::policy("base_url_override_not_allowed", say))
}

/// Query parameters as texts; a list repeats its name.
fn pairs(query: Option<&Query>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in query.into_iter().flat_map(|query| &query.0) {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let text = value.as_str().map_or_else(|| crate::json::write(value), str::to_owned);
            pairs.push((name.clone(), text));
        }
    }
    pairs
}

/// Headers with their names in lower case.
fn lower(headers: Option<&Headers>) -> Vec<(String, String)> {
    let headers = headers.into_iter().flat_map(|headers| &headers.0);
    headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_string())).collect()
}
