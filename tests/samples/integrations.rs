//! The toolset integrations.

use serde_json::{Value, json};

use super::{connection, integration, row, session};
use crate::table::Table;

/// See [`super::sample`].
pub(super) fn sample(tool: &str) -> Option<(Value, Table)> {
    let nango = Table::new();
    Some(match tool {
        "list_integrations" => {
            (json!({"environment": "dev"}), nango.on("GET /integrations", 200, json!({"data": [integration("github")]})))
        }
        "get_integration" => (
            json!({"environment": "dev", "integration_id": "github"}),
            nango.on("GET /integrations/github", 200, json!({"data": integration("github")})),
        ),
        "search_provider_templates" => (
            json!({"environment": "dev", "query": "github"}),
            nango.on("GET /providers", 200, json!({"data": [provider("github")]})).on(
                "GET /integrations",
                200,
                json!({"data": [integration("github")]}),
            ),
        ),
        "get_provider" => (
            json!({"environment": "dev", "provider": "zendesk"}),
            nango.on("GET /providers/zendesk", 200, json!({"data": provider("zendesk")})),
        ),
        "create_integration" => (
            json!({
                "environment": "dev", "provider": "github", "unique_key": "github",
                "credentials": {"type": "OAUTH2", "client_id": "own-client-id", "client_secret": "own-client-secret", "scopes": ["repo", "user"]},
            }),
            nango.on("POST /integrations", 200, json!({"data": integration("github")})),
        ),
        "update_integration" => (
            json!({"environment": "dev", "integration_id": "github", "display_name": "GitHub", "reconnect_connection_ids": ["c-1"]}),
            nango
                .on("PATCH /integrations/github", 200, json!({"data": integration("github")}))
                .on("GET /connections/c-1", 200, connection())
                .on("POST /connect/sessions/reconnect", 201, session()),
        ),
        "delete_integration" => (
            json!({"environment": "dev", "integration_id": "github"}),
            nango.on("GET /connections", 200, json!({"connections": [row("c-1"), row("c-2")]})).on(
                "DELETE /integrations/github",
                200,
                json!({"success": true}),
            ),
        ),
        _ => return None,
    })
}

/// A provider as the catalogue shows it.
pub(crate) fn provider(name: &str) -> Value {
    json!({
        "display_name": "Zendesk", "categories": ["popular", "support"], "auth_mode": "OAUTH2",
        "authorization_url": "https://${connectionConfig.subdomain}.zendesk.com/oauth/authorizations/new",
        "token_url": "https://${connectionConfig.subdomain}.zendesk.com/oauth/tokens",
        "token_params": {"grant_type": "authorization_code"}, "proxy": {"base_url": "https://${connectionConfig.subdomain}.zendesk.com"},
        "docs": "https://nango.dev/docs/api-integrations/zendesk",
        "setup_guide_url": "https://nango.dev/docs/api-integrations/zendesk/app",
        "docs_connect": "https://nango.dev/docs/api-integrations/zendesk/connect",
        "connection_config": {"subdomain": {
            "type": "string", "title": "Zendesk Domain", "description": "The subdomain", "pattern": "^[a-z0-9_-]+$", "example": "domain",
            "prefix": "https://", "suffix": ".zendesk.com", "doc_section": "#step-1",
        }},
        "default_scopes": ["read", "write"], "name": name, "logo_url": "http://localhost:3003/images/zendesk.svg",
    })
}
