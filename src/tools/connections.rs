//! Connections: people's accounts at providers.

pub(crate) mod get_connection;
pub(crate) mod list_connections;

use crate::error::Error;
use crate::nango::{Answer, ConnectionId, IntegrationKey, Path, Request};
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
