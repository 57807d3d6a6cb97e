//! `/integrations`.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::answer::Answer;
use super::auth::Caller;
use super::clock::{javascript, whole_millis};
use super::providers::{self, Catalogue};
use super::routes::Turn;
use super::state::Environment;
use super::validate::{Fields, Issues, PROVIDER, Path, Text, UNIQUE_KEY};

/// The auth modes whose integrations need an app of the customer's own.
const WITH_APP: [&str; 5] = ["OAUTH1", "OAUTH2", "TBA", "APP", "CUSTOM"];
const NAME: Text = Text::between(1, 255);

/// An integration; its unique key is the key of the map that holds it.
#[derive(Clone, Debug)]
pub(crate) struct Integration {
    pub provider: String,
    pub display_name: String,
    pub forward_webhooks: bool,
    /// The app's credentials, with their type; null for providers that need none.
    pub credentials: Value,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

#[derive(Clone, Copy, Default)]
struct Include {
    webhook: bool,
    credentials: bool,
}

impl Integration {
    fn json(&self, key: &str, public_url: &str, include: Include) -> Value {
        let mut map = Map::new();
        map.insert("unique_key".into(), key.into());
        map.insert("provider".into(), self.provider.as_str().into());
        map.insert("display_name".into(), self.display_name.as_str().into());
        map.insert("logo".into(), providers::logo(public_url, &self.provider).into());
        if include.webhook {
            map.insert("webhook_url".into(), Value::Null);
        }
        if include.credentials {
            map.insert("credentials".into(), self.credentials.clone());
        }
        map.insert("forward_webhooks".into(), self.forward_webhooks.into());
        map.insert("created_at".into(), javascript(self.created_at).into());
        map.insert("updated_at".into(), javascript(self.updated_at).into());
        Value::Object(map)
    }
}

fn shown(turn: &mut Turn, key: &str, include: Include) -> Result<Answer, Answer> {
    let public_url = turn.public_url;
    let data = turn.environment().integrations.get(key).map(|found| found.json(key, public_url, include));
    data.map(|data| Answer::json(200, &json!({ "data": data }))).ok_or_else(|| missing(key))
}

fn missing(key: &str) -> Answer {
    Answer::coded(404, "not_found", &format!("Integration \"{key}\" does not exist"))
}

/// A refusal of one value that is not about its form.
fn refused(message: &str, field: &str) -> Answer {
    let mut issues = Issues::default();
    issues.add("invalid_string", message, &Path::root().at(field));
    issues.done("invalid_body").err().unwrap_or_else(Answer::unexpected)
}

/// The key in the path.
fn named(turn: &Turn) -> Result<String, Answer> {
    let mut issues = Issues::default();
    let key = Value::String(turn.param.clone());
    Text::of(UNIQUE_KEY).check(Some(&key), &Path::root().at("uniqueKey"), &mut issues);
    issues.done("invalid_uri_params")?;
    Ok(turn.param.clone())
}

/// `GET /integrations`. A session sees the ones it allows.
pub(crate) fn list(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    let caller = turn.caller.clone();
    let visible = |key: &str| match &caller {
        Caller::Session(session) => session.allows(key),
        _ => true,
    };
    let public_url = turn.public_url;
    let all = turn.environment().integrations.iter().filter(|(key, _)| visible(key));
    let data: Vec<Value> = all.map(|(key, found)| found.json(key, public_url, Include::default())).collect();
    Ok(Answer::json(200, &json!({ "data": data })))
}

/// `GET /integrations/:key`.
pub(crate) fn read(turn: &mut Turn) -> Result<Answer, Answer> {
    let mut issues = Issues::default();
    let mut fields = Fields::over(&turn.call.query, Path::root(), &mut issues);
    let mut include = Include::default();
    let wanted = match fields.raw("include") {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    };
    for word in wanted {
        match word.as_str() {
            Some("webhook") => include.webhook = true,
            Some("credentials") => include.credentials = true,
            _ => {
                let path = fields.at("include");
                fields.issues.add("invalid_union", "Invalid input", &path);
                break;
            }
        }
    }
    fields.end();
    issues.done("invalid_query_params")?;
    let key = named(turn)?;
    // Without the scope for them, credentials are left out, not refused.
    include.credentials &= turn.caller.allows("environment:integrations:read_credentials");
    shown(turn, &key, include)
}

/// What a body may say of an integration, for creation and change alike.
struct Given {
    provider: Option<String>,
    unique_key: Option<String>,
    display_name: Option<String>,
    forward_webhooks: Option<bool>,
    credentials: Option<Value>,
}

impl Given {
    fn read(turn: &Turn, new: bool) -> Result<Given, Answer> {
        turn.no_query()?;
        let mut issues = Issues::default();
        let given = Fields::open(turn.body(), Path::root(), &mut issues).map(|mut fields| {
            let (provider, unique_key) = if new {
                (fields.text("provider", Text::of(PROVIDER)), fields.text("unique_key", Text::of(UNIQUE_KEY)))
            } else {
                (None, fields.optional_text("unique_key", Text::of(UNIQUE_KEY)))
            };
            let display_name = fields.optional_text("display_name", NAME);
            let value = fields.raw("credentials");
            let path = fields.at("credentials");
            let credentials = value.and_then(|value| credentials(value, &path, fields.issues));
            let forward_webhooks = fields.optional_bool("forward_webhooks");
            for free in ["integration_config", "custom"] {
                fields.optional_record(free);
            }
            fields.end();
            Given { provider, unique_key, display_name, forward_webhooks, credentials }
        });
        issues.done("invalid_body")?;
        given.ok_or_else(Answer::unexpected)
    }

    fn check_mode(&self, mode: &str) -> Result<(), Answer> {
        let kind = self.credentials.as_ref().and_then(|given| given.get("type")).and_then(Value::as_str);
        match kind {
            Some(kind) if kind != mode => Err(Answer::coded(400, "invalid_body", "incompatible credentials auth type and provider auth")),
            _ => Ok(()),
        }
    }
}

/// Checks an app's credentials; whatever is wrong with them, it is one issue. Absent parts are kept as null.
fn credentials(value: &Value, path: &Path, issues: &mut Issues) -> Option<Value> {
    let (required, optional): (&[&'static str], &[&'static str]) = match value.get("type").and_then(Value::as_str) {
        Some("OAUTH1" | "OAUTH2" | "TBA") => (&["client_id", "client_secret"], &["scopes", "webhook_secret"]),
        Some("APP") => (&["app_id", "app_link", "private_key"], &[]),
        Some("CUSTOM") => (&["client_id", "client_secret", "app_id", "app_link", "private_key"], &[]),
        _ => (&[], &[]),
    };
    let mut inner = Issues::default();
    let kept = Fields::open(Some(value), path.clone(), &mut inner).map(|mut fields| {
        let mut kept = Map::new();
        kept.insert("type".to_owned(), fields.raw("type").cloned().into());
        for key in required {
            kept.insert((*key).to_owned(), fields.text(key, Text::between(1, 8192)).into());
        }
        for key in optional {
            kept.insert((*key).to_owned(), fields.optional_text(key, Text::between(0, 8192)).into());
        }
        fields.end();
        kept
    });
    let scopes = kept.as_ref().and_then(|kept| kept.get("scopes")).and_then(Value::as_str);
    if required.is_empty() || !inner.is_empty() || !scopes.is_none_or(is_scope_list) {
        issues.add("invalid_union", "invalid credentials object", path);
        return None;
    }
    kept.map(Value::Object)
}

/// Scopes with commas between them and no spaces.
fn is_scope_list(scopes: &str) -> bool {
    let is_scope = |scope: &str| !scope.is_empty() && scope.chars().all(|c| c.is_ascii_alphanumeric() || ":/_.*-".contains(c));
    scopes.is_empty() || scopes.split(',').all(is_scope)
}

/// `POST /integrations`: 200, not 201.
pub(crate) fn create(turn: &mut Turn) -> Result<Answer, Answer> {
    let given = Given::read(turn, true)?;
    let (provider, key) = (given.provider.clone().unwrap_or_default(), given.unique_key.clone().unwrap_or_default());
    let Some(entry) = turn.catalogue.entry(&provider) else { return Err(refused("Invalid provider", "provider")) };
    if turn.environment().integrations.contains_key(&key) {
        // The path is not the field's name.
        return Err(refused("Unique key already exists", "uniqueKey"));
    }
    let mode = entry.get("auth_mode").and_then(Value::as_str).unwrap_or_default();
    given.check_mode(mode)?;
    if given.credentials.is_none() && WITH_APP.contains(&mode) {
        return Err(Answer::coded(400, "invalid_body", "Missing credentials"));
    }
    let mut integration = new_integration(entry, &provider, given.credentials.unwrap_or_default(), turn.now);
    if let Some(name) = given.display_name {
        integration.display_name = name;
    }
    integration.forward_webhooks = given.forward_webhooks.unwrap_or(true);
    turn.environment().integrations.insert(key.clone(), integration);
    shown(turn, &key, Include::default())
}

fn new_integration(entry: &Value, provider: &str, credentials: Value, now: OffsetDateTime) -> Integration {
    let created_at = whole_millis(now);
    Integration {
        provider: provider.to_owned(),
        display_name: entry.get("display_name").and_then(Value::as_str).unwrap_or(provider).to_owned(),
        forward_webhooks: true,
        credentials,
        created_at,
        updated_at: created_at,
    }
}

/// `PATCH /integrations/:key`. Even an empty change moves `updated_at`.
pub(crate) fn patch(turn: &mut Turn) -> Result<Answer, Answer> {
    let key = named(turn)?;
    let given = Given::read(turn, false)?;
    let (now, catalogue) = (turn.now, turn.catalogue);
    let environment = turn.environment();
    let Some(found) = environment.integrations.get(&key) else { return Err(missing(&key)) };
    given.check_mode(catalogue.auth_mode(&found.provider).unwrap_or_default())?;
    let renamed = given.unique_key.filter(|new| *new != key);
    if let Some(new) = &renamed {
        if environment.integrations.contains_key(new) {
            return Err(refused("uniqueKey is already used by another integration", "uniqueKey"));
        }
        if environment.connections.iter().any(|connection| connection.integration == key) {
            return Err(refused("Can't rename an integration with active connections", "uniqueKey"));
        }
    }
    let Some(mut integration) = environment.integrations.remove(&key) else { return Err(missing(&key)) };
    if let Some(name) = given.display_name {
        integration.display_name = name;
    }
    if let Some(forward) = given.forward_webhooks {
        integration.forward_webhooks = forward;
    }
    if let Some(credentials) = given.credentials {
        integration.credentials = credentials;
    }
    integration.updated_at = whole_millis(now);
    let key = renamed.unwrap_or(key);
    environment.integrations.insert(key.clone(), integration);
    shown(turn, &key, Include::default())
}

/// `DELETE /integrations/:key`: its connections go with it, unasked.
pub(crate) fn delete(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    let key = named(turn)?;
    let environment = turn.environment();
    environment.integrations.remove(&key).ok_or_else(|| missing(&key))?;
    environment.connections.retain(|connection| connection.integration != key);
    Ok(Answer::json(200, &json!({ "success": true })))
}

/// The demo's integrations.
pub(crate) fn seed(environment: &mut Environment, catalogue: &Catalogue, now: OffsetDateTime) {
    for provider in ["github", "hubspot", "slack", "zendesk", "airtable-pat", "stripe-api-key", "unauthenticated"] {
        let Some(entry) = catalogue.entry(provider) else { continue };
        let credentials = match entry.get("auth_mode").and_then(Value::as_str) {
            Some(mode) if WITH_APP.contains(&mode) => json!({
                "type": mode,
                "client_id": format!("{provider}-demo-client"),
                "client_secret": "demo-secret",
                "scopes": "",
                "webhook_secret": null,
            }),
            _ => Value::Null,
        };
        let integration = new_integration(entry, provider, credentials, now);
        environment.integrations.entry(provider.to_owned()).or_insert(integration);
    }
}
