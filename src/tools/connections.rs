//! Connections: people's accounts at providers.

pub(crate) mod get_connection;
pub(crate) mod list_connections;

use crate::nango::{ConnectionId, IntegrationKey, Path, Request};
use crate::tool::object;

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

/// GET /connections/:id. Nango refreshes an expired token on the way, and reports it when that fails.
pub(crate) fn read(id: &ConnectionId, integration: &IntegrationKey) -> Request {
    Request::get("GET /connections/:id", Path::fixed("/connections").segment(id)).query("provider_config_key", &**integration)
}
