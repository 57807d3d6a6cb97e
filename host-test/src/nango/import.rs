//! `POST /connections`: importing a connection with its credentials.

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::answer::Answer;
use super::clock::javascript;
use super::connection::{Connection, Times};
use super::end_user::EndUser;
use super::outbound::check_webhook;
use super::routes::Turn;
use super::tags::{self, Tags};
use super::validate::{Fields, Issues, Path, Text, length};

const SECRET: Text = Text::between(1, 8192);

struct Imported {
    integration: String,
    credentials: Map<String, Value>,
    connection_id: Option<String>,
    metadata: Map<String, Value>,
    connection_config: Map<String, Value>,
    webhook_url_override: Option<String>,
    end_user: Option<EndUser>,
    tags: Option<Tags>,
}

/// An id that exists already is overwritten, without a word: what the call does not carry is gone.
pub(crate) fn import(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    let imported = Imported::read(turn.body())?;
    let Some(integration) = turn.environment().integrations.get(&imported.integration) else {
        return Err(Answer::coded(404, "not_found", "Integration does not exist"));
    };
    let (provider, app) = (integration.provider.clone(), integration.credentials.clone());
    let mode = turn.catalogue.auth_mode(&provider).unwrap_or_default();
    let kind = imported.credentials.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != mode {
        return Err(Answer::coded(400, "invalid_body", &format!("Provider {mode} does not support {kind} auth")));
    }
    let config = config(kind, imported.connection_config, &app)?;
    let id = imported.connection_id.unwrap_or_else(|| Uuid::new_v4().to_string());
    // Nothing else is asked of an id here, but the database has no room for more.
    if length(&id) > 255 {
        return Err(Answer::unexpected());
    }
    let generated = tags::generated(imported.end_user.as_ref(), None);
    let key = imported.integration;
    let mut connection = Connection::new(id.clone(), key.clone(), provider, kept(imported.credentials, turn.now), turn.now);
    // Not observed above the capacity.
    connection.tags = tags::merged(generated, imported.tags).map_err(|_| Answer::unexpected())?;
    connection.end_user = imported.end_user;
    connection.metadata = tags::stored(imported.metadata);
    connection.connection_config = tags::stored(config);
    connection.webhook_url_override = imported.webhook_url_override;
    let environment = turn.caller.environment().to_owned();
    match turn.environment().connection(&id, &key) {
        Some(before) => {
            connection.id = before.id;
            connection.created_at = before.created_at;
            connection.updated_at = before.updated_at;
            connection.last_fetched_at = before.last_fetched_at;
            *before = connection;
        }
        None => turn.state.add_connection(&environment, connection),
    }
    match turn.environment().connection(&id, &key) {
        Some(stored) => Ok(Answer::json(201, &stored.full(Times::Import, true))),
        None => Err(Answer::unexpected()),
    }
}

/// The connection's settings. TBA needs the account, and Nango puts the integration's app beside it, secret and all
/// (postConnection.ts).
fn config(kind: &str, mut given: Map<String, Value>, app: &Value) -> Result<Map<String, Value>, Answer> {
    if kind != "TBA" {
        return Ok(given);
    }
    if !given.get("accountId").is_some_and(|account| *account != json!("") && !account.is_null()) {
        let message = "Missing accountId in connection_config. This is required to create a TBA connection.";
        return Err(Answer::coded(400, "invalid_body", message));
    }
    for part in ["client_id", "client_secret"] {
        given.insert(format!("oauth_{part}"), app.get(part).cloned().unwrap_or_default());
    }
    Ok(given)
}

impl Imported {
    fn read(body: Option<&Value>) -> Result<Imported, Answer> {
        let mut issues = Issues::default();
        let read = Fields::open(body, Path::root(), &mut issues).and_then(|mut fields| {
            let integration = fields.text("provider_config_key", Text::any());
            let value = fields.raw("credentials");
            let path = fields.at("credentials");
            let credentials = credentials(value, &path, fields.issues);
            let connection_id = fields.optional_text("connection_id", Text::any());
            let metadata = fields.optional_record("metadata").cloned();
            let config = fields.optional_record("connection_config").cloned();
            if let Some(scopes) = config.as_ref().and_then(|config| config.get("oauth_scopes_override")) {
                // Here, unlike in a session, a list.
                if !scopes.is_array() {
                    let path = fields.at("connection_config").at("oauth_scopes_override");
                    fields.issues.wrong_type("array", Some(scopes), &path);
                }
            }
            let webhook = fields.optional_text("webhook_url_override", Text::any());
            if let Some(url) = &webhook {
                check_webhook(url, &fields.at("webhook_url_override"), fields.issues);
            }
            let path = fields.at("end_user");
            let end_user = fields.raw("end_user").and_then(|value| EndUser::read(value, path, fields.issues));
            let path = fields.at("tags");
            let tags = fields.raw("tags").and_then(|value| tags::read(Some(value), &path, fields.issues));
            fields.end();
            Some(Imported {
                integration: integration?,
                credentials: credentials?,
                connection_id,
                metadata: metadata.unwrap_or_default(),
                connection_config: config.unwrap_or_default(),
                webhook_url_override: webhook.filter(|url| !url.is_empty()),
                end_user,
                tags,
            })
        });
        issues.done("invalid_body")?;
        read.ok_or_else(Answer::unexpected)
    }
}

/// What credentials of a type must hold, and what they may, beside `expires_at` and `config_override`
/// (validation.ts, connectionCredentials…Schema).
type Parts = (&'static [(&'static str, Text)], &'static [(&'static str, Text)]);

fn parts(kind: &str) -> Option<Parts> {
    const ID: Text = Text::between(1, 255);
    const TOKEN: Text = Text::between(1, 2048);
    const OF_CLIENT: Text = Text::between(1, 4096);
    const API_KEY: Text = Text::between(1, 1024);
    const ANY: Text = Text::at_least(1);
    const LONG: Text = Text::between(1, 10_000);
    // A part of a basic credential may be empty: Stripe's password is.
    const BASIC: Text = Text::between(0, 1024);
    Some(match kind {
        "OAUTH2" => (&[("access_token", SECRET)], &[("refresh_token", SECRET)]),
        "OAUTH2_CC" => (
            &[("token", OF_CLIENT), ("client_id", ID), ("client_secret", TOKEN)],
            &[("client_certificate", LONG), ("client_private_key", LONG)],
        ),
        "OAUTH1" => (&[("oauth_token", TOKEN), ("oauth_token_secret", TOKEN)], &[]),
        "API_KEY" => (&[("apiKey", API_KEY)], &[]),
        "BASIC" => (&[("username", BASIC), ("password", BASIC)], &[]),
        "TBA" => (&[("token_id", ANY), ("token_secret", ANY)], &[]),
        "APP" | "CUSTOM" => (&[("app_id", ID), ("installation_id", ID)], &[]),
        "NONE" => (&[], &[]),
        _ => return None,
    })
}

/// Checks credentials by their type. Dates come out as JavaScript writes them.
fn credentials(value: Option<&Value>, path: &Path, issues: &mut Issues) -> Option<Map<String, Value>> {
    let mut fields = Fields::open(value, path.clone(), issues)?;
    let mut credentials = value?.as_object()?.clone();
    let kind = fields.raw("type").and_then(Value::as_str).unwrap_or_default();
    let Some((required, optional)) = parts(kind) else {
        fields.issues.add("invalid_union", "Invalid input", &path.at("type"));
        return None;
    };
    for (key, rule) in required {
        fields.text(key, *rule);
    }
    for (key, rule) in optional {
        fields.optional_text(key, *rule);
    }
    if matches!(kind, "OAUTH2" | "OAUTH2_CC") {
        expiry(&mut fields, &mut credentials);
    }
    if matches!(kind, "OAUTH2" | "TBA") {
        config_override(&mut fields);
    }
    fields.end();
    Some(credentials)
}

fn expiry(fields: &mut Fields, credentials: &mut Map<String, Value>) {
    let Some(given) = fields.raw("expires_at") else { return };
    match given.as_str().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok()) {
        Some(at) => {
            credentials.insert("expires_at".to_owned(), javascript(at.to_offset(time::UtcOffset::UTC)).into());
        }
        None => {
            let path = fields.at("expires_at");
            fields.issues.wrong_type("date", Some(given), &path);
        }
    }
}

/// The app of this one connection, in place of the integration's.
fn config_override(fields: &mut Fields) {
    let Some(given) = fields.raw("config_override") else { return };
    let path = fields.at("config_override");
    if let Some(mut own) = Fields::open(Some(given), path, fields.issues) {
        own.optional_text("client_id", Text::between(1, 255));
        own.optional_text("client_secret", Text::between(1, 2048));
        own.end();
    }
}

/// Credentials as they are stored: OAuth ones keep the input as `raw`, an app's installation has got a token for an
/// hour, no credentials are `{}`.
fn kept(credentials: Map<String, Value>, now: OffsetDateTime) -> Value {
    match credentials.get("type").and_then(Value::as_str) {
        Some("NONE") | None => json!({}),
        Some(kind) if kind.starts_with("OAUTH") => {
            let mut kept = credentials.clone();
            kept.insert("raw".to_owned(), credentials.into());
            kept.into()
        }
        Some("APP" | "CUSTOM") => {
            let token = format!("embedded_{}", Uuid::new_v4().simple());
            let expires_at = javascript(now + Duration::HOUR);
            let raw = json!({ "token": token, "expires_at": expires_at });
            json!({ "type": "APP", "access_token": token, "expires_at": expires_at, "raw": raw })
        }
        Some(_) => credentials.into(),
    }
}
