//! What a connection has that completing a reconnect would wipe, read so that it can be sent again.

use serde_json::Value;

use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::Tags;
use crate::nango::{ConnectionId, IntegrationKey, Path, Request};
use crate::tools::connections;

/// What the connection has that completing a reconnect would wipe.
#[derive(Default)]
pub(crate) struct Kept {
    /// Its tags, as far as they can be sent again.
    pub(crate) tags: Tags,
    /// Where webhooks about it go instead of the environment's URL.
    pub(crate) webhook_url_override: Option<String>,
    /// The id of its person, where Nango has a record of one.
    pub(crate) person: Option<String>,
    /// What is lost all the same.
    pub(crate) warnings: Vec<String>,
}

impl Kept {
    /// Read it. A key that may not read connections is no obstacle: the link is still wanted.
    ///
    /// # Errors
    /// No connection, or another than asked for.
    pub(crate) fn read(cx: &Context<'_>, id: &ConnectionId, integration: &IntegrationKey) -> Result<Self, Error> {
        let answer = cx.send(&connections::read(id, integration));
        if answer.as_ref().is_err_and(|error| error.code() == "missing_scope") {
            let say = "the API key may not read connections (environment:connections:read), so the connection's present tags and webhook \
                URL are not known and completing this link replaces them by the ones given here";
            return Ok(Self { warnings: vec![say.into()], ..Self::default() });
        }
        // A failed refresh is the usual reason for a reconnect. What is not this connection is refused: a link made all
        // the same would wipe its tags, or put another's in their place.
        let connection = connections::found(cx, id, integration, answer)?;
        Ok(Self::of(&connection, || auth_mode(cx, &connection)))
    }

    /// What of this connection is kept. `mode` looks for its auth mode where that decides what is lost.
    pub(crate) fn of(connection: &Value, mode: impl FnOnce() -> Option<String>) -> Self {
        let (tags, lost) = connections::tags_of(connection);
        let mut warnings = losses(connection, mode);
        if !lost.is_empty() {
            warnings.push(format!(
                "{} of the connection's tags break Nango's own rules and cannot be sent again: completing this link drops them",
                lost.len()
            ));
        }
        let webhook_url_override = connection.get("webhook_url_override").and_then(Value::as_str).map(str::to_owned);
        let person = json::text_at(connection, "end_user", "id").map(str::to_owned);
        Self { tags, webhook_url_override, person, warnings }
    }
}

/// What completing the reconnect resets: for providers without OAuth, metadata and connection_config
/// (observed for API_KEY; packages/server/lib/controllers/auth for the others).
fn losses(connection: &Value, mode: impl FnOnce() -> Option<String>) -> Vec<String> {
    let lost: Vec<String> = ["metadata", "connection_config"]
        .into_iter()
        .filter_map(|field| {
            let keys = connection.get(field)?.as_object()?;
            let names: Vec<&str> = keys.keys().map(String::as_str).take(10).collect();
            (!names.is_empty()).then(|| format!("{field} ({})", names.join(", ")))
        })
        .collect();
    if lost.is_empty() {
        return Vec::new();
    }
    let lost = lost.join(" and ");
    match mode() {
        Some(mode) if mode.contains("OAUTH") || mode == "APP" || mode == "CUSTOM" => Vec::new(),
        Some(mode) => vec![format!("the provider's auth mode is {mode}: completing this link resets {lost}; write them again afterwards")],
        None => vec![format!("unless the provider uses OAuth, completing this link resets {lost}; look at them afterwards")],
    }
}

/// The auth mode of the credentials, where the key may see them.
pub(crate) fn shown_mode(connection: &Value) -> Option<String> {
    json::text_at(connection, "credentials", "type").filter(|mode| connections::is_mode(mode)).map(str::to_owned)
}

/// The auth mode: of the credentials where the key may see them, else of the provider, which any key may read.
fn auth_mode(cx: &Context<'_>, connection: &Value) -> Option<String> {
    let mode = shown_mode(connection).or_else(|| {
        let provider = IntegrationKey::from_text(connection.get("provider")?.as_str()?)?;
        let request = Request::get("GET /providers/:provider", Path::fixed("/providers").segment(&provider));
        json::text_at(&cx.send(&request).ok()?.json().ok()?, "data", "auth_mode").map(str::to_owned)
    });
    mode.filter(|mode| connections::is_mode(mode))
}
