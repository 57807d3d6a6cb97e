//! Connections: people's accounts at providers.

pub(crate) mod delete_connection;
pub(crate) mod get_connection;
pub(crate) mod get_connection_context;
pub(crate) mod import_connection;
pub(crate) mod list_connections;
pub(crate) mod refresh_connection_credentials;
pub(crate) mod replace_connection_tags;
pub(crate) mod update_connection_end_user;
pub(crate) mod update_connection_metadata;

use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::{ApiError, Error};
use crate::json;
use crate::nango::tags::Tags;
use crate::nango::{Answer, AnyKey, ConnectionId, IntegrationKey, Path, Request, TagKey, TagValue};
use crate::tool::{Dict, List, Open, Passed, result};

/// Tags as Nango holds them.
pub(crate) type HeldTags = Dict<AnyKey, String, 100>;

result! {
    /// Something wrong with a connection.
    pub(crate) struct ConnectionError {
        /// What failed: auth (the credentials no longer work) or sync.
        r#type: Option<String>,
        /// Where Nango's log of it is.
        log_id: Option<String>,
    }
}

result! {
    /// The organization of a person.
    pub(crate) struct PersonOrganization {
        /// Its id in your application.
        id: Option<String>,
        /// Its name.
        display_name: Option<String>,
    }
}

result! {
    /// The person a connection belongs to, where it was made with end_user.
    pub(crate) struct Person {
        /// The id in your application.
        id: Option<String>,
        /// The email address.
        email: Option<String>,
        /// The name.
        display_name: Option<String>,
        /// The organization.
        organization: Option<PersonOrganization>,
    }
}

result! {
    /// A connection, as far as it is shown.
    pub(crate) struct Connection {
        /// Its id; with provider_config_key it names the connection.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// Nango's name for the provider.
        provider: Option<String>,
        /// What is wrong; empty when it works.
        errors: Option<List<ConnectionError, 0, 1000>>,
        /// The person, where the connection was made with end_user.
        end_user: Option<Person>,
        /// Tags.
        tags: Option<HeldTags>,
        /// Metadata: your application's own data.
        metadata: Option<Open>,
        /// When it was made.
        created_at: Option<String>,
        /// When it was last authorized or changed.
        updated_at: Option<String>,
        /// When its credentials were last read.
        last_fetched_at: Option<String>,
    }
}

/// A connection that is only passed on.
pub(crate) type Shown = Passed<Connection>;

result! {
    /// The part of a connection whose values stay in Nango.
    struct Aside {
        /// Settings of the provider; some are secret.
        connection_config: Option<Open>,
    }
}

/// The names of the connection_config fields that are set, if the answer has any such object.
///
/// # Errors
/// As [`Answer::project`].
pub(crate) fn connection_config_names(answer: &Answer) -> Result<Option<List<String, 0, 1000>>, Error> {
    let aside: Aside = answer.project(None, &mut 0)?;
    Ok(aside.connection_config.map(|config| List(config.keys().take(1000).cloned().collect())))
}

/// One connection.
const ROUTE: &str = "GET /connections/:id";

/// GET /connections/:id. Nango refreshes an expired token on the way, and reports it when that fails.
pub(crate) fn read(id: &ConnectionId, integration: &IntegrationKey) -> Request {
    Request::get(ROUTE, Path::fixed("/connections").segment(id)).query("provider_config_key", &**integration)
}

/// What Nango holds of a connection, whatever its health, to be looked into: the answer of [`read`]; if that reports a
/// failed refresh, the connection in the report, else its row in the list, which refreshes nothing.
///
/// # Errors
/// Whatever else went wrong; `invalid_answer` where it is not this connection.
pub(crate) fn found(
    cx: &Context<'_>,
    id: &ConnectionId,
    integration: &IntegrationKey,
    answer: Result<Answer, Error>,
) -> Result<Value, Error> {
    let connection = match answer {
        Ok(answer) => answer.json()?,
        Err(error) if error.code() == "refresh_failed" => match error.api().and_then(|api| api.connection.clone()) {
            Some(connection) if connection.get("tags").is_some_and(Value::is_object) => connection,
            _ => row(cx, id, integration)?,
        },
        Err(error) => return Err(error),
    };
    if is(&connection, id, integration) { Ok(connection) } else { Err(Error::invalid_answer(ROUTE, 200)) }
}

/// [`read`], and [`found`].
///
/// # Errors
/// As [`found`].
#[inline(never)]
pub(crate) fn look(cx: &Context<'_>, id: &ConnectionId, integration: &IntegrationKey) -> Result<Value, Error> {
    let answer = cx.send(&read(id, integration));
    found(cx, id, integration, answer)
}

/// Whether this is that connection.
pub(crate) fn is(connection: &Value, id: &ConnectionId, integration: &IntegrationKey) -> bool {
    let is = |field: &str, wanted: &str| connection.get(field).and_then(Value::as_str) == Some(wanted);
    is("connection_id", id) && is("provider_config_key", integration)
}

/// Whether its credentials no longer work, so that the person has to authorize it again. A sync that fails is not mended
/// by that.
pub(crate) fn is_broken(connection: &Value) -> bool {
    json::items(connection, "errors").iter().any(|error| error.get("type").and_then(Value::as_str) != Some("sync"))
}

/// The connection as the list shows it; null if it is not there.
///
/// # Errors
/// As [`Context::send`]; `invalid_answer` where there is no list, which must not read as "not there".
pub(crate) fn row(cx: &Context<'_>, id: &ConnectionId, integration: &IntegrationKey) -> Result<Value, Error> {
    let request = Request::get("GET /connections", Path::fixed("/connections"))
        .query("connectionId", &**id)
        .query("integrationId", &**integration)
        .query("limit", "1");
    let answer = cx.send(&request)?;
    let body = answer.json()?;
    if !body.get("connections").is_some_and(Value::is_array) {
        return Err(Error::invalid_answer(answer.route, answer.status));
    }
    Ok(json::items(&body, "connections").first().cloned().unwrap_or_default())
}

/// A connection's tags that can be sent again, and the keys of those that cannot, because they break Nango's rules.
pub(crate) fn tags_of(connection: &Value) -> (Tags, Vec<String>) {
    let (mut kept, mut lost) = (Tags::new(), Vec::new());
    match connection.get("tags") {
        Some(Value::Object(tags)) => {
            for (key, value) in tags {
                match value.as_str() {
                    Some(value) if TagKey::from_text(key).is_some() && TagValue::from_text(value).is_some() => {
                        kept.push((key.clone(), value.to_owned()));
                    }
                    _ => lost.push(key.clone()),
                }
            }
        }
        Some(Value::Null) | None => {}
        Some(_) => lost.push("tags".to_owned()),
    }
    (kept, lost)
}

/// What names a connection to the tools: environment, connection_id, provider_config_key.
pub(crate) fn arguments(cx: &Context<'_>, id: &ConnectionId, integration: &IntegrationKey) -> Map<String, Value> {
    json::object([
        ("environment", json::text(cx.environment())),
        ("connection_id", json::text(id)),
        ("provider_config_key", json::text(integration)),
    ])
}

/// PATCH /connections/:id.
///
/// # Errors
/// As [`Context::send`]; `invalid_answer` where Nango does not say that it was done.
#[inline(never)]
pub(crate) fn patch(cx: &Context<'_>, id: &ConnectionId, integration: &IntegrationKey, body: Map<String, Value>) -> Result<(), Error> {
    let path = Path::fixed("/connections").segment(id);
    succeeded(&cx.send(&Request::patch("PATCH /connections/:id", path, body.into()).query("provider_config_key", &**integration))?)
}

/// Take `{"success": true}`.
///
/// # Errors
/// `invalid_answer`.
pub(crate) fn succeeded(answer: &Answer) -> Result<(), Error> {
    match answer.json()?.get("success") {
        Some(Value::Bool(true)) => Ok(()),
        _ => Err(Error::invalid_answer(answer.route, answer.status)),
    }
}

/// Take the echo of written metadata.
///
/// # Errors
/// `invalid_answer`.
pub(crate) fn echoed(answer: &Answer) -> Result<(), Error> {
    if answer.json()?.get("metadata").is_some_and(Value::is_object) {
        Ok(())
    } else {
        Err(Error::invalid_answer(answer.route, answer.status))
    }
}

/// A refusal because of what Nango holds. Nothing was written.
#[inline(never)]
pub(crate) fn refuse(code: &str, message: &str, hint: &str) -> Error {
    Error::nango(ApiError { status: 0, code: code.into(), message: message.into(), hint: Some(hint.into()), ..ApiError::default() })
}

/// Whether this is an auth mode in Nango's spelling, and nothing else.
pub(crate) fn is_mode(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
}

/// Tags as a JSON object.
#[inline(never)]
pub(crate) fn tag_object(tags: &Tags) -> Value {
    let mut object = json::empty();
    for (key, value) in tags {
        json::put(&mut object, key, json::text(value));
    }
    object.into()
}
