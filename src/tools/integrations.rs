//! Integrations: the services that an environment can connect.

pub(crate) mod create_integration;
mod credentials;
pub(crate) mod delete_integration;
pub(crate) mod get_integration;
pub(crate) mod get_provider;
pub(crate) mod list_integrations;
pub(crate) mod search_provider_templates;
pub(crate) mod update_integration;

pub(crate) use self::credentials::Credentials;
use crate::error::Error;
use crate::json;
use crate::nango::{Answer, AnyKey, IntegrationKey, LongText, Path};
use crate::tool::{Arg, Dict, Passed, result};

/// Settings of an integration, by name.
pub(crate) type Settings = Passed<Dict<AnyKey, LongText, 50>>;

result! {
    /// An integration, as all routes show it; credentials are no part of it.
    pub(crate) struct Integration {
        /// Its unique key: what other tools take as provider_config_key or allowed_integrations.
        unique_key: String,
        /// Nango's name for the provider.
        provider: String,
        /// The name for people.
        display_name: Option<String>,
        /// Whether Nango forwards the provider's webhooks.
        forward_webhooks: Option<bool>,
        /// When it was made.
        created_at: Option<String>,
        /// When it was last changed.
        updated_at: Option<String>,
    }
}

/// Where an integration is.
pub(crate) fn path(key: &IntegrationKey) -> Path {
    Path::fixed("/integrations").segment(key)
}

/// The integration of an answer, held to be the one that was asked for.
///
/// # Errors
/// As [`Answer::project`].
pub(crate) fn shown(answer: &Answer, key: &str, dropped: &mut i64) -> Result<Passed<Integration>, Error> {
    let integration = answer.project::<Passed<Integration>>(Some("data"), dropped)?.give();
    if integration.get("unique_key") == Some(&json::text(key)) {
        Ok(Passed::of(integration))
    } else {
        Err(Error::invalid_answer(answer.route, answer.status))
    }
}

/// The integration after a change. If the answer cannot be believed, the change has been made all the same.
///
/// # Errors
/// As [`shown`].
pub(crate) fn changed(answer: &Answer, key: &str, dropped: &mut i64) -> Result<Passed<Integration>, Error> {
    shown(answer, key, dropped).map_err(|error| error.after(&["the change, which Nango took"], &[]))
}

/// How an integration of this auth mode gets its credentials (packages/server/lib/services/integration.service.ts:
/// which modes an integration must have credentials for).
pub(crate) fn needs(auth_mode: &str) -> &'static str {
    match auth_mode {
        "OAUTH1" | "OAUTH2" => "client_id and client_secret of an app registered at the provider; then each person authorizes",
        "TBA" => "client_id and client_secret of an app registered at the provider; then each person gives tokens",
        "APP" => "app_id, app_link and private_key of an app registered at the provider; then each person installs it",
        "CUSTOM" => "client_id, client_secret, app_id, app_link and private_key of an app registered at the provider",
        "MCP_OAUTH2" | "MCP_OAUTH2_GENERIC" => "nothing here; each person authorizes, and a client of your own is set in Nango's dashboard",
        "NONE" => "nothing, neither here nor of the person",
        _ => "nothing here; each person gives theirs when connecting",
    }
}
