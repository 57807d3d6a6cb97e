//! All that is known around one connection, in one call.

use serde_json::{Map, Value};

use super::{ConnectionError, HeldTags, Person, PersonOrganization, arguments, found, is_mode, read};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::{Answer, AnyKey, ConnectionId, IntegrationKey, Path, Request};
use crate::tool::{Arg, Dict, Effect, Int, List, Open, Passed, Toolset, choices, object, result};
use crate::tools::connect::Next;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
    }
}

choices! {
    /// Whether the connection works.
    pub(crate) enum Health {
        Unknown = "unknown",
        Ok = "ok",
        ReconnectRequired = "reconnect_required",
    }
}

/// Values by the path at which they stand.
type ByPath = Dict<AnyKey, Value, 50>;

result! {
    /// Fields that tell scopes or rights, by path such as `credentials.raw.scope`.
    pub(crate) struct Scopes {
        /// Of the connection: what was granted.
        connection: ByPath,
        /// Of the integration: what is asked for.
        integration: ByPath,
    }
}

result! {
    /// What of the connection is shown.
    pub(crate) struct Seen {
        /// Its id.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// Nango's name for the provider.
        provider: Option<String>,
        /// Its settings: values or names.
        connection_config: Option<Open>,
        /// What is wrong.
        errors: Option<List<ConnectionError, 0, 1000>>,
        /// The person.
        end_user: Option<Person>,
        /// Tags.
        tags: Option<HeldTags>,
        /// Metadata.
        metadata: Option<Open>,
    }
}

result! {
    /// The connection and what surrounds it.
    pub(crate) struct Output {
        /// The connection's id.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// Nango's name for the provider.
        provider: Option<String>,
        /// The provider's name for people.
        display_name: Option<String>,
        /// How the provider authenticates, such as OAUTH2 or API_KEY.
        auth_mode: Option<String>,
        /// ok, reconnect_required (the credentials no longer work), or unknown.
        health: Health,
        /// What is wrong; empty when nothing is known to be.
        errors: List<Passed<ConnectionError>, 0, 1000>,
        /// The person, where the connection was made with end_user.
        end_user: Option<Passed<Person>>,
        /// The person's organization: of end_user, else of the tags organization_id and organization_display_name.
        organization: Option<PersonOrganization>,
        /// Tags.
        tags: Option<Passed<HeldTags>>,
        /// Metadata: your application's own data.
        metadata: Option<Open>,
        /// Scopes and rights, wherever connection and integration show them.
        scopes: Scopes,
        /// Values of the connection_config fields that the provider declares and does not mark secret.
        connection_config: ByPath,
        /// Names of the other connection_config fields; their values stay in Nango.
        connection_config_hidden: List<String, 0, 1000>,
        /// Nango's page about the provider.
        docs: Option<String>,
        /// The call that repairs the connection; absent when nothing is to be repaired.
        next: Option<Next>,
        /// Parts that could not be read.
        warnings: List<String, 0, 10>,
        /// How many fields of the connection are not shown here.
        dropped_fields: Int<0, 1_000_000>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "get_connection_context";
    const TITLE: &'static str = "Explain a connection";
    const DESCRIPTION: &'static str = "Show one connection with its integration and provider: health, scopes, auth mode, person, tags, readable settings, \
        docs and what to do next. Use it to find out why calls fail or what a connection may do; get_connection is one request \
        instead of three and enough for tags or errors, list_connections finds connections. A refused refresh shows as health \
        reconnect_required, with `next` ready for create_reconnect_session. Of credentials only scope texts are shown; what \
        the key may not read stands in `warnings`. Needs environment:connections:read, and environment:integrations:read for \
        the integration.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:read"];
    const BETTER_WITH: &'static [&'static str] = &["environment:integrations:read"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let integration = Path::fixed("/integrations").segment(&args.provider_config_key);
        let mut answers = cx
            .send_all(&[read(&args.connection_id, &args.provider_config_key), Request::get("GET /integrations/:uniqueKey", integration)])
            .into_iter();
        let mut next_answer = || answers.next().unwrap_or_else(|| Err(Error::invalid_answer("GET /connections/:id", 200)));
        let (first, second) = (next_answer(), next_answer());
        let refused = first.as_ref().is_err_and(|error| error.code() == "refresh_failed");
        let connection = found(cx, &args.connection_id, &args.provider_config_key, first)?;
        let mut warnings = Vec::new();
        let integration = part("integration", second, ("unique_key", &args.provider_config_key), &mut warnings);
        let name = json_text(&connection, "provider").or_else(|| json_text(&integration, "provider"));
        let provider = match name.as_deref().and_then(IntegrationKey::from_text) {
            Some(name) => {
                let request = Request::get("GET /providers/:provider", Path::fixed("/providers").segment(&name));
                part("provider", cx.send(&request), ("name", &name), &mut warnings)
            }
            None => Value::Null,
        };
        let mut dropped = 0;
        let seen = seen(&connection, &mut dropped)?;
        let health = if refused { Health::ReconnectRequired } else { health(&connection) };
        let mut scopes = Scopes { connection: by_path(), integration: by_path() };
        collect(&connection, "", 0, false, &mut scopes.connection);
        scopes.connection.0.retain(|(path, _)| !in_secret(path, &provider));
        collect(&integration, "", 0, false, &mut scopes.integration);
        let (connection_config, hidden) = config(&connection, &provider);
        Ok(Output {
            connection_id: args.connection_id.to_string(),
            provider_config_key: args.provider_config_key.to_string(),
            provider: name,
            display_name: json_text(&provider, "display_name"),
            auth_mode: json_text(&provider, "auth_mode").filter(|mode| is_mode(mode)),
            health,
            errors: List(json::items(&seen, "errors").iter().cloned().map(Passed::of).collect()),
            end_user: seen.get("end_user").cloned().map(Passed::of),
            organization: organization(&seen),
            tags: seen.get("tags").cloned().map(Passed::of),
            metadata: seen.get("metadata").and_then(Value::as_object).cloned(),
            scopes,
            connection_config,
            connection_config_hidden: List(hidden),
            docs: json_text(&provider, "docs").filter(|docs| docs.starts_with("https://")),
            next: (health == Health::ReconnectRequired).then(|| Next {
                tool: "create_reconnect_session".into(),
                arguments: arguments(cx, &args.connection_id, &args.provider_config_key),
            }),
            warnings: List(warnings),
            dropped_fields: Int(dropped),
        })
    }
}

/// What stands under `data`, if it has this name in this field; else null and a warning.
fn part(what: &str, answer: Result<Answer, Error>, (field, name): (&str, &str), warnings: &mut Vec<String>) -> Value {
    let body = answer.and_then(|answer| match answer.json()?.get_mut("data").map(Value::take) {
        Some(data) if data.get(field).and_then(Value::as_str) == Some(name) => Ok(data),
        _ => Err(Error::invalid_answer(answer.route, answer.status)),
    });
    body.unwrap_or_else(|error| {
        warnings.push(format!("the {what} could not be read: {}", error.sentence()));
        Value::Null
    })
}

/// The connection by the table of what is shown.
fn seen(connection: &Value, dropped: &mut i64) -> Result<Value, Error> {
    let answer = Answer { route: "GET /connections/:id", status: 200, body: json::write(connection).into_bytes(), rate_limit: None };
    let seen: Passed<Seen> = answer.project(None, dropped)?;
    Ok(seen.give())
}

fn json_text(value: &Value, field: &str) -> Option<String> {
    value.get(field).and_then(Value::as_str).map(str::to_owned)
}

/// What the connection's errors say; those of a sync are none of its credentials.
fn health(connection: &Value) -> Health {
    match connection.get("errors") {
        Some(Value::Array(errors)) => {
            let sync = |error: &Value| error.get("type").and_then(Value::as_str) == Some("sync");
            if errors.iter().all(sync) { Health::Ok } else { Health::ReconnectRequired }
        }
        _ => Health::Unknown,
    }
}

fn organization(seen: &Value) -> Option<PersonOrganization> {
    let person = json::at(seen, "end_user", "organization").filter(|organization| organization.is_object());
    let (id, display_name) = match person {
        Some(organization) => (json_text(organization, "id"), json_text(organization, "display_name")),
        None => {
            let tag = |key: &str| json::text_at(seen, "tags", key).map(str::to_owned);
            (tag("organization_id"), tag("organization_display_name"))
        }
    };
    (id.is_some() || display_name.is_some()).then_some(PersonOrganization { id, display_name })
}

fn by_path() -> ByPath {
    std::iter::empty().collect()
}

/// How deep scopes are looked for.
const DEEPEST: usize = 8;

/// Fields that tell scopes, with their paths. Inside of credentials only `scope` and `scopes` count: whatever else is
/// there stays in Nango.
fn collect(value: &Value, path: &str, depth: usize, secret: bool, out: &mut ByPath) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let lower = key.to_ascii_lowercase();
                let exact = matches!(lower.as_str(), "scope" | "scopes");
                let telling = lower.contains("scope") || matches!(lower.as_str(), "permission" | "permissions" | "resource" | "resources");
                if (exact || (telling && !secret)) && is_scope(value, secret) && at.chars().count() <= 255 && out.0.len() < 50 {
                    out.0.push((at, value.clone()));
                } else {
                    collect(value, &at, depth + 1, secret || lower == "credentials", out);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate().take(100) {
                collect(item, &format!("{path}[{at}]"), depth + 1, secret, out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether this path leads into a setting that the provider's template marks secret.
fn in_secret(path: &str, provider: &Value) -> bool {
    let setting = path.strip_prefix("connection_config.").and_then(|rest| rest.split(['.', '[']).next());
    let field = setting.and_then(|setting| json::at(provider, "connection_config", setting));
    field.is_some_and(|field| !is_open(field))
}

/// Whether a template declares this setting without marking it secret.
fn is_open(field: &Value) -> bool {
    field.is_object() && matches!(field.get("secret"), None | Some(Value::Bool(false)))
}

/// Whether a value has the form of scopes: words, a list of words, or outside of credentials a number.
fn is_scope(value: &Value, secret: bool) -> bool {
    match value {
        Value::String(text) => {
            let word = |word: &str| word.len() <= 128 && word.bytes().all(|c| c.is_ascii_alphanumeric() || b":/_.-*+@#|".contains(&c));
            text.len() <= 4096 && text.split([' ', ',', ';']).all(word)
        }
        Value::Array(items) => items.len() <= 200 && items.iter().all(|item| item.is_string() && is_scope(item, secret)),
        Value::Number(_) => !secret,
        Value::Null | Value::Bool(_) | Value::Object(_) => false,
    }
}

/// The connection's settings: values where the provider's template declares the field and does not mark it secret, else
/// names.
fn config(connection: &Value, provider: &Value) -> (ByPath, Vec<String>) {
    let (mut shown, mut hidden) = (by_path(), Vec::new());
    let empty = Map::new();
    for (key, value) in connection.get("connection_config").and_then(Value::as_object).unwrap_or(&empty) {
        let open = json::at(provider, "connection_config", key).is_some_and(is_open);
        let plain = matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
        if open && plain && (1..=255).contains(&key.chars().count()) && shown.0.len() < 50 {
            shown.0.push((key.clone(), value.clone()));
        } else if hidden.len() < 1000 {
            hidden.push(key.clone());
        }
    }
    (shown, hidden)
}
