//! `/integrations`.

use std::hash::{DefaultHasher, Hash, Hasher};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Builder;

use super::answer::Answer;
use super::app;
use super::auth::Caller;
use super::clock::{javascript, whole_millis};
use super::providers::{self, Catalogue};
use super::routes::Turn;
use super::state::Environment;
use super::validate::{Fields, Issues, PROVIDER, Path, Text, UNIQUE_KEY};

/// The auth modes whose integrations need an app of the customer's own (integration.service.ts). TBA may have one.
const WITH_APP: [&str; 4] = ["OAUTH1", "OAUTH2", "APP", "CUSTOM"];
const NAME: Text = Text::between(1, 255);
/// What JavaScript's encodeURIComponent encodes, so far as a unique key can hold it.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

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

#[derive(Clone, Default)]
struct Include {
    /// Where the provider is to send its webhooks; null when Nango takes none of it.
    webhook: Option<Value>,
    credentials: bool,
}

impl Integration {
    fn json(&self, key: &str, public_url: &str, include: &Include) -> Value {
        let mut map = Map::new();
        map.insert("unique_key".into(), key.into());
        map.insert("provider".into(), self.provider.as_str().into());
        map.insert("display_name".into(), self.display_name.as_str().into());
        map.insert("logo".into(), providers::logo(public_url, &self.provider).into());
        if let Some(url) = &include.webhook {
            map.insert("webhook_url".into(), url.clone());
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

fn shown(turn: &mut Turn, key: &str, include: &Include) -> Result<Answer, Answer> {
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
    let data: Vec<Value> = all.map(|(key, found)| found.json(key, public_url, &Include::default())).collect();
    Ok(Answer::json(200, &json!({ "data": data })))
}

/// `GET /integrations/:key`.
pub(crate) fn read(turn: &mut Turn) -> Result<Answer, Answer> {
    let mut issues = Issues::default();
    let mut fields = Fields::over(&turn.call.query, Path::root(), &mut issues);
    let (mut webhook, mut credentials) = (false, false);
    let wanted = match fields.raw("include") {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    };
    for word in wanted {
        match word.as_str() {
            Some("webhook") => webhook = true,
            Some("credentials") => credentials = true,
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
    let credentials = credentials && turn.caller.allows("environment:integrations:read_credentials");
    let include = Include { webhook: webhook.then(|| webhook_url(turn, &key)), credentials };
    shown(turn, &key, &include)
}

/// Only a provider whose webhooks Nango can route has an address for them. It names the environment by its id.
fn webhook_url(turn: &mut Turn, key: &str) -> Value {
    let (public_url, catalogue) = (turn.public_url, turn.catalogue);
    let mut hasher = DefaultHasher::new();
    turn.caller.environment().hash(&mut hasher);
    let environment = Builder::from_random_bytes(u128::from(hasher.finish()).to_le_bytes()).into_uuid();
    let provider = turn.environment().integrations.get(key).map(|found| found.provider.as_str());
    let routed = provider.and_then(|name| catalogue.entry(name)).is_some_and(|entry| entry.get("webhook_routing_script").is_some());
    let key = utf8_percent_encode(key, COMPONENT);
    Value::from(routed.then(|| format!("{public_url}/webhook/{environment}/{key}")))
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
            let credentials = value.and_then(|value| app::read(value, path, fields.issues));
            let forward_webhooks = fields.optional_bool("forward_webhooks");
            for free in ["integration_config", "custom"] {
                let path = fields.at(free);
                for (key, value) in fields.optional_record(free).into_iter().flatten() {
                    Text::between(0, 8192).check(Some(value), &path.at(key), fields.issues);
                }
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

/// `POST /integrations`: 200, not 201.
pub(crate) fn create(turn: &mut Turn) -> Result<Answer, Answer> {
    let given = Given::read(turn, true)?;
    let (provider, key) = (given.provider.clone().unwrap_or_default(), given.unique_key.clone().unwrap_or_default());
    let Some(entry) = turn.catalogue.entry(&provider) else { return Err(refused("Invalid provider", "provider")) };
    let mode = entry.get("auth_mode").and_then(Value::as_str).unwrap_or_default();
    given.check_mode(mode)?;
    if given.credentials.is_none() && WITH_APP.contains(&mode) {
        return Err(Answer::coded(400, "invalid_body", "Missing credentials"));
    }
    if turn.environment().integrations.contains_key(&key) {
        // The path is not the field's name.
        return Err(refused("Unique key already exists", "uniqueKey"));
    }
    let mut integration = new_integration(entry, &provider, given.credentials.unwrap_or_default(), turn.now);
    if let Some(name) = given.display_name {
        integration.display_name = name;
    }
    integration.forward_webhooks = given.forward_webhooks.unwrap_or(true);
    turn.environment().integrations.insert(key.clone(), integration);
    shown(turn, &key, &Include::default())
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
    let given = Given::read(turn, false)?;
    let key = named(turn)?;
    let (now, catalogue) = (turn.now, turn.catalogue);
    let environment = turn.environment();
    let Some(found) = environment.integrations.get(&key) else { return Err(missing(&key)) };
    given.check_mode(catalogue.auth_mode(&found.provider).unwrap_or_default())?;
    let renamed = given.unique_key.filter(|new| *new != key);
    if let Some(new) = &renamed {
        if environment.integrations.contains_key(new) {
            return Err(Answer::coded(400, "invalid_body", "uniqueKey is already used by another integration"));
        }
        if environment.connections.iter().any(|connection| connection.integration == key) {
            return Err(Answer::coded(400, "invalid_body", "Can't rename an integration with active connections"));
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
    shown(turn, &key, &Include::default())
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
