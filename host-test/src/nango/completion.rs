//! Completing a session: what happens when the end user has entered or granted the credentials.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::answer::Answer;
use super::auth::Caller;
use super::clock::whole_millis;
use super::connection::Connection;
use super::integrations::Integration;
use super::providers::Catalogue;
use super::routes::Turn;
use super::session::Session;
use super::state::{Environment, State};
use super::tags;
use super::validate::{Fields, Issues, Path, Text, UNIQUE_KEY};

/// `POST /api-auth/api-key/:integration?connect_session_token=…`, as the Connect UI calls it.
pub(crate) fn api_key(turn: &mut Turn) -> Result<Answer, Answer> {
    let mut issues = Issues::default();
    let key = Fields::open(turn.body(), Path::root(), &mut issues).and_then(|mut fields| {
        let key = fields.text("apiKey", Text::between(1, 4096));
        fields.end();
        key
    });
    issues.done("invalid_body")?;
    let credentials = json!({ "type": "API_KEY", "apiKey": key });
    let integration = turn.param.clone();
    finish(turn, &integration, Some(credentials))
}

/// `POST /connect/complete?session_token=…&integration=…`: the click of the end user, which Nango has no route for.
/// The credentials are made up after the provider's auth mode. Without `integration` it is the one allowed.
pub(crate) fn click(turn: &mut Turn) -> Result<Answer, Answer> {
    let mut issues = Issues::default();
    let mut fields = Fields::over(&turn.call.query, Path::root(), &mut issues);
    fields.raw("session_token");
    let only = match &turn.caller {
        Caller::Session(session) => match session.allowed_integrations.as_deref() {
            Some([only]) => Some(only.clone()),
            _ => None,
        },
        _ => None,
    };
    let integration = match only {
        Some(only) => fields.optional_text("integration", Text::of(UNIQUE_KEY)).or(Some(only)),
        None => fields.text("integration", Text::of(UNIQUE_KEY)),
    };
    fields.end();
    issues.done("invalid_query_params")?;
    finish(turn, &integration.unwrap_or_default(), None)
}

fn finish(turn: &mut Turn, integration: &str, credentials: Option<Value>) -> Result<Answer, Answer> {
    let Caller::Session(session) = &turn.caller else { return Err(Answer::unexpected()) };
    let connection_id = complete(turn.state, turn.catalogue, session, integration, credentials, turn.now)?;
    Ok(Answer::json(200, &json!({ "connectionId": connection_id, "providerConfigKey": integration })))
}

/// Completes a session for an integration and gives the connection's id. Given credentials are an API key.
pub(crate) fn complete(
    state: &mut State,
    catalogue: &Catalogue,
    session: &Session,
    key: &str,
    credentials: Option<Value>,
    now: OffsetDateTime,
) -> Result<String, Answer> {
    let id = connect(state, catalogue, session, key, credentials, now)?;
    note(state, session, key, Some(&id));
    Ok(id)
}

/// The provider says no, or the person does: no connection is made and none is changed.
pub(crate) fn fail(state: &mut State, session: &Session, key: &str) -> Result<(), Answer> {
    offered(state.environment(&session.environment), key)?;
    allowed(session, key)?;
    note(state, session, key, None);
    Ok(())
}

fn note(state: &mut State, session: &Session, key: &str, connection_id: Option<&str>) {
    if let Some(kept) = state.sessions.get_mut(&session.token) {
        kept.note(key, connection_id);
    }
}

fn offered<'e>(environment: &'e Environment, key: &str) -> Result<&'e Integration, Answer> {
    environment.integrations.get(key).ok_or_else(|| Answer::bare(404, "unknown_provider_config"))
}

fn allowed(session: &Session, key: &str) -> Result<(), Answer> {
    if session.allows(key) { Ok(()) } else { Err(Answer::bare(400, "integration_not_allowed")) }
}

/// Makes the session's connection, or updates the one it reconnects.
fn connect(
    state: &mut State,
    catalogue: &Catalogue,
    session: &Session,
    key: &str,
    credentials: Option<Value>,
    now: OffsetDateTime,
) -> Result<String, Answer> {
    let environment = state.environment(&session.environment);
    let provider = offered(environment, key)?.provider.clone();
    let mode = catalogue.auth_mode(&provider).unwrap_or_default();
    if credentials.is_some() && mode != "API_KEY" {
        return Err(Answer::bare(400, "invalid_auth_mode"));
    }
    allowed(session, key)?;
    let credentials = credentials.unwrap_or_else(|| made_up(mode));
    let config = session.connection_config(key);
    if let Some((id, _)) = &session.reconnects
        && let Some(connection) = environment.connection(id, key)
    {
        update(connection, session, credentials, config, keeps_settings(mode), now);
        return Ok(id.clone());
    }
    // A connection deleted since the session was made comes back under its id.
    let id = session.reconnects.as_ref().map_or_else(|| Uuid::new_v4().to_string(), |(id, _)| id.clone());
    let mut connection = Connection::new(id.clone(), key.to_owned(), provider, credentials, now);
    connection.end_user = session.end_user.clone();
    connection.tags = session.tags.clone();
    connection.connection_config = tags::stored(config);
    connection.webhook_url_override = session.webhook_url_override.clone();
    state.add_connection(&session.environment, connection);
    Ok(id)
}

/// The tags become the session's, even when it has none; so does the webhook URL. What Nango was told about the
/// connection survives a round of OAuth, but not a new API key.
fn update(connection: &mut Connection, session: &Session, credentials: Value, config: Map<String, Value>, keep: bool, now: OffsetDateTime) {
    connection.credentials = credentials;
    connection.tags = session.tags.clone();
    connection.webhook_url_override = session.webhook_url_override.clone();
    if session.end_user.is_some() {
        connection.end_user = session.end_user.clone();
    }
    if keep {
        connection.connection_config.extend(config);
    } else {
        connection.metadata = Map::new();
        connection.connection_config = config;
    }
    connection.connection_config = tags::stored(std::mem::take(&mut connection.connection_config));
    connection.auth_errors.clear();
    connection.updated_at = whole_millis(now);
    connection.last_fetched_at = Some(connection.updated_at);
}

fn keeps_settings(mode: &str) -> bool {
    matches!(mode, "OAUTH1" | "OAUTH2" | "CUSTOM" | "APP")
}

/// Credentials for an auth mode, as a provider might give them.
pub(super) fn made_up(mode: &str) -> Value {
    let secret = format!("embedded_{}", Uuid::new_v4().simple());
    match mode {
        "NONE" => json!({}),
        "API_KEY" => json!({ "type": mode, "apiKey": secret }),
        "BASIC" => json!({ "type": mode, "username": "embedded", "password": secret }),
        "OAUTH1" => json!({
            "type": mode,
            "oauth_token": secret,
            "oauth_token_secret": secret,
            "raw": { "oauth_token": secret, "oauth_token_secret": secret },
        }),
        "OAUTH2_CC" => json!({ "type": mode, "token": secret, "raw": { "access_token": secret } }),
        _ => json!({
            "type": mode,
            "access_token": secret,
            "raw": { "access_token": secret, "token_type": "bearer" },
        }),
    }
}
