//! A forced refresh, and whether it moved anything.

use serde_json::Value;

use super::{is, is_mode, read};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::{Answer, ConnectionId, IntegrationKey, time};
use crate::tool::{Effect, Toolset, object, result};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
    }
}

result! {
    /// What the refresh changed.
    pub(crate) struct Output {
        /// The connection's id.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// Whether the credentials or their expiry really changed.
        refreshed: bool,
        /// The kind of credentials, such as OAUTH2 or API_KEY.
        credentials_type: Option<String>,
        /// When the credentials expired before, where they do.
        expires_at_before: Option<String>,
        /// When they expire now, where they do.
        expires_at_after: Option<String>,
        /// Why nothing changed; absent when something did.
        reason: Option<String>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "refresh_connection_credentials";
    const TITLE: &'static str = "Force a token refresh";
    const DESCRIPTION: &'static str = "Make Nango refresh a connection's access token now and report whether token or expiry really changed. Use it after \
        rights changed at the provider, or when a valid token is refused; Nango refreshes expired tokens by itself, so to see \
        whether a connection works use get_connection. It cannot ask for new scopes. If the provider refuses, the call fails \
        with `refresh_failed` and the person needs create_reconnect_session. No token is shown. Needs \
        environment:connections:read_credentials.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:read_credentials"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        // With the refresh token in both answers, one comparison of all credentials says whether anything moved.
        let request = read(&args.connection_id, &args.provider_config_key).query("refresh_token", "true");
        let before = match cx.send(&request) {
            Ok(answer) => Some(credentials(args, &answer)?),
            // Expired, and the refresh on the way failed or is held off: forcing it is the other try.
            Err(error) if error.code() == "refresh_failed" => None,
            Err(error) => return Err(error),
        };
        let after = credentials(args, &cx.send(&request.query("force_refresh", "true"))?)?;
        let refreshed = before.as_ref().is_none_or(|before| *before != after);
        let credentials_type = after.get("type").and_then(Value::as_str).filter(|kind| is_mode(kind)).map(str::to_owned);
        let reason = (!refreshed).then(|| reason(credentials_type.as_deref(), &after));
        Ok(Output {
            connection_id: args.connection_id.to_string(),
            provider_config_key: args.provider_config_key.to_string(),
            refreshed,
            expires_at_before: before.as_ref().and_then(expiry),
            expires_at_after: expiry(&after),
            credentials_type,
            reason,
        })
    }
}

/// The credentials of an answer, to be compared here.
fn credentials(args: &Args, answer: &Answer) -> Result<Value, Error> {
    let mut connection = answer.json()?;
    let ours = is(&connection, &args.connection_id, &args.provider_config_key);
    match connection.get_mut("credentials").map(Value::take) {
        Some(credentials @ Value::Object(_)) if ours => Ok(credentials),
        _ => Err(Error::invalid_answer(answer.route, answer.status)),
    }
}

/// The expiry, if it is a time and nothing else.
fn expiry(credentials: &Value) -> Option<String> {
    let at = credentials.get("expires_at")?.as_str()?;
    time::clock(at).map(|_| at.to_owned())
}

/// Why a forced refresh changed nothing. Nango itself gives no hint (observed).
fn reason(kind: Option<&str>, credentials: &Value) -> String {
    let refresh_token = credentials.get("refresh_token").or_else(|| json::at(credentials, "raw", "refresh_token"));
    match kind {
        None => "Nango shows no credentials of this connection: it has none, or none that this API key may read \
            (environment:connections:read_credentials)"
            .into(),
        Some(kind @ ("API_KEY" | "BASIC" | "NONE" | "OAUTH1" | "TBA")) => {
            format!("credentials of type {kind} do not expire, so there is nothing to refresh")
        }
        Some("OAUTH2") if refresh_token.is_none_or(Value::is_null) => {
            "Nango has no refresh token for this connection: when the access token stops working, the person must reconnect \
            (create_reconnect_session)"
                .into()
        }
        Some(_) => "Nango answered, but token and expiry are as they were before".into(),
    }
}
