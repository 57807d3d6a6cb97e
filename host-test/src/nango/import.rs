//! `POST /connections`: importing a connection with its credentials.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::answer::Answer;
use super::clock::javascript;
use super::connection::{Connection, Times};
use super::end_user::EndUser;
use super::outbound::check_webhook;
use super::routes::Turn;
use super::tags::{self, Tags};
use super::validate::{Fields, Issues, Path, Text, UNIQUE_KEY, length};

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
        // The message was not observed.
        let message = format!("Integration \"{}\" does not exist", imported.integration);
        return Err(Answer::coded(404, "not_found", &message));
    };
    let provider = integration.provider.clone();
    let mode = turn.catalogue.auth_mode(&provider).unwrap_or_default();
    let kind = imported.credentials.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != mode {
        return Err(Answer::coded(400, "invalid_body", &format!("Provider {mode} does not support {kind} auth")));
    }
    let id = imported.connection_id.unwrap_or_else(|| Uuid::new_v4().to_string());
    // Nothing else is asked of an id here, but the database has no room for more.
    if length(&id) > 255 {
        return Err(Answer::unexpected());
    }
    let generated = tags::generated(imported.end_user.as_ref(), None);
    let key = imported.integration;
    let mut connection = Connection::new(id.clone(), key.clone(), provider, kept(imported.credentials), turn.now);
    // Not observed above the capacity.
    connection.tags = tags::merged(generated, imported.tags).map_err(|_| Answer::unexpected())?;
    connection.end_user = imported.end_user;
    connection.metadata = tags::stored(imported.metadata);
    connection.connection_config = tags::stored(imported.connection_config);
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

impl Imported {
    fn read(body: Option<&Value>) -> Result<Imported, Answer> {
        let mut issues = Issues::default();
        let read = Fields::open(body, Path::root(), &mut issues).and_then(|mut fields| {
            let integration = fields.text("provider_config_key", Text::of(UNIQUE_KEY));
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

/// Checks credentials by their type. Dates come out as JavaScript writes them.
fn credentials(value: Option<&Value>, path: &Path, issues: &mut Issues) -> Option<Map<String, Value>> {
    let mut fields = Fields::open(value, path.clone(), issues)?;
    let mut credentials = value?.as_object()?.clone();
    let kind = fields.raw("type").and_then(Value::as_str).unwrap_or_default();
    let required: &[&'static str] = match kind {
        "OAUTH2" => &["access_token"],
        "OAUTH2_CC" => &["client_id", "client_secret"],
        "OAUTH1" => &["oauth_token", "oauth_token_secret"],
        "API_KEY" => &["apiKey"],
        "BASIC" => &["username", "password"],
        "TBA" => &["token_id", "token_secret"],
        "APP" | "CUSTOM" => &["app_id", "installation_id"],
        "NONE" => &[],
        _ => {
            fields.issues.add("invalid_union", "Invalid input", &path.at("type"));
            return None;
        }
    };
    for key in required {
        // A basic password may be empty: Stripe's is.
        fields.text(key, if kind == "BASIC" { Text::any() } else { SECRET });
    }
    if matches!(kind, "OAUTH2" | "OAUTH2_CC") {
        fields.optional_text("refresh_token", SECRET);
        fields.optional_text("token", SECRET);
        fields.raw("config_override");
        if let Some(at) = fields.raw("expires_at") {
            match at.as_str().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok()) {
                Some(at) => {
                    let utc = at.to_offset(time::UtcOffset::UTC);
                    credentials.insert("expires_at".to_owned(), javascript(utc).into());
                }
                None => fields.issues.wrong_type("date", Some(at), &path.at("expires_at")),
            }
        }
    }
    fields.end();
    Some(credentials)
}

/// Credentials as they are stored: OAuth ones keep the input as `raw`, no credentials are `{}`.
fn kept(credentials: Map<String, Value>) -> Value {
    match credentials.get("type").and_then(Value::as_str) {
        Some("NONE") | None => json!({}),
        Some(kind) if kind.starts_with("OAUTH") => {
            let mut kept = credentials.clone();
            kept.insert("raw".to_owned(), credentials.into());
            kept.into()
        }
        Some(_) => credentials.into(),
    }
}
