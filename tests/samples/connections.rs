//! The toolset connections.

use serde_json::{Value, json};

use super::{connection, integration, row};
use crate::table::{Table, with};

/// See [`super::sample`].
pub(super) fn sample(tool: &str) -> Option<(Value, Table)> {
    let nango = Table::new();
    Some(match tool {
        "list_connections" => (json!({"environment": "dev"}), nango.on("GET /connections", 200, json!({"connections": [row("c-1")]}))),
        "get_connection" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}),
            nango.on("GET /connections/c-1", 200, connection()),
        ),
        "get_connection_context" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}),
            nango
                .on("GET /connections/c-1", 200, with(&connection(), json!({"errors": [{"type": "auth", "log_id": "17_x"}]})))
                .on("GET /integrations/github", 200, json!({"data": integration("github")}))
                .on("GET /providers/github", 200, json!({"data": provider()})),
        ),
        "refresh_connection_credentials" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}),
            nango.on("GET /connections/c-1", 200, expiring("2026-11-23T14:00:00.000Z", "gho_old")).on(
                "GET /connections/c-1",
                200,
                expiring("2026-11-23T22:00:00.000Z", "gho_new"),
            ),
        ),
        "import_connection" => (
            json!({
                "environment": "dev", "provider_config_key": "github", "connection_id": "c-1",
                "credentials": {"type": "OAUTH2", "access_token": "gho_given_token"},
            }),
            nango.on("GET /connections", 200, json!({"connections": []})).on("POST /connections", 201, connection()),
        ),
        "delete_connection" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}),
            nango.on("DELETE /connections/c-1", 200, json!({"success": true})),
        ),
        "replace_connection_tags" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github", "tags": {"Plan": "Pro"}}),
            nango.on("GET /connections/c-1", 200, connection()).on("PATCH /connections/c-1", 200, json!({"success": true})),
        ),
        "update_connection_metadata" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github", "metadata": {"plan": 1}}),
            nango.on("PATCH /connections/metadata", 200, json!({"metadata": {"plan": 1}})).on(
                "GET /connections/c-1",
                200,
                with(&connection(), json!({"metadata": {"own": [1], "plan": 1}})),
            ),
        ),
        "update_connection_end_user" => {
            let person = json!({"id": "u1", "email": "u1@example.com", "display_name": "U One", "tags": {}, "organization": null});
            let tags = json!({
                "end_user_id": "u1", "team": "t", "end_user_email": "u1@example.com", "end_user_display_name": "U One",
            });
            (
                json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github", "display_name": "U One"}),
                nango
                    .on("GET /connections/c-1", 200, connection())
                    .on("GET /connections", 200, json!({"connections": [row("c-1")]}))
                    .on("PATCH /connections/c-1", 200, json!({"success": true}))
                    .on("GET /connections/c-1", 200, with(&connection(), json!({"end_user": person, "tags": tags}))),
            )
        }
        _ => return None,
    })
}

/// A provider's template, as GET /providers/:provider shows it.
pub(crate) fn provider() -> Value {
    json!({
        "name": "github", "display_name": "GitHub", "auth_mode": "OAUTH2", "categories": ["dev-tools"],
        "docs": "https://nango.dev/docs/api-integrations/github",
        "connection_config": {"subdomain": {"type": "string", "title": "Domain"}, "pin": {"type": "string", "secret": true}},
    })
}

/// The connection with an expiring token.
pub(crate) fn expiring(at: &str, token: &str) -> Value {
    let credentials =
        json!({"type": "OAUTH2", "access_token": token, "refresh_token": "r", "expires_at": at, "raw": {"access_token": token}});
    with(&connection(), json!({"credentials": credentials}))
}
