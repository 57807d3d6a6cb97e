//! Connections: people's accounts at providers.

pub(crate) mod get_connection;
pub(crate) mod list_connections;

use serde_json::Value;

use crate::error::Error;
use crate::nango::tags::Tags;
use crate::nango::{Answer, ConnectionId, IntegrationKey, Path, Request, TagKey, TagValue};
use crate::tool::{List, Open, object};

object! {
    /// Something wrong with a connection.
    pub(crate) struct ConnectionError {
        /// What failed: auth (the credentials no longer work) or sync.
        r#type: Option<String>,
        /// Where Nango's log of it is.
        log_id: Option<String>,
    }
}

object! {
    /// The organization of a person.
    pub(crate) struct PersonOrganization {
        /// Its id in your application.
        id: Option<String>,
        /// Its name.
        display_name: Option<String>,
    }
}

object! {
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

object! {
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

/// GET /connections/:id. Nango refreshes an expired token on the way, and reports it when that fails.
pub(crate) fn read(id: &ConnectionId, integration: &IntegrationKey) -> Request {
    Request::get("GET /connections/:id", Path::fixed("/connections").segment(id)).query("provider_config_key", &**integration)
}

/// Whether this is the connection that was asked for: a Nango, or what stands before it, may answer with another.
#[inline(never)]
pub(crate) fn is_the_one(connection: &Value, id: &ConnectionId, integration: &IntegrationKey) -> bool {
    let is = |field: &str, wanted: &str| connection.get(field).and_then(Value::as_str) == Some(wanted);
    is("connection_id", id) && is("provider_config_key", integration)
}

/// The connection's tags that can be sent again, and how many cannot.
#[inline(never)]
pub(crate) fn tags_of(connection: &Value) -> (Tags, usize) {
    let tags = match connection.get("tags") {
        Some(Value::Object(tags)) => tags,
        Some(Value::Null) | None => return (Tags::new(), 0),
        Some(_) => return (Tags::new(), 1),
    };
    let fits = |key: &str, value: &str| TagKey::from_text(key).is_some() && TagValue::from_text(value).is_some();
    let kept = tags.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str().filter(|value| fits(key, value))?.to_owned())));
    let kept: Tags = kept.collect();
    let lost = tags.len() - kept.len();
    (kept, lost)
}
