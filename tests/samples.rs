//! One good call of every tool, and a Nango that answers it.

pub(crate) mod branches;
pub(crate) mod connections;
mod conventions;
pub(crate) mod integrations;
mod proxy;

use serde_json::{Value, json};

use crate::table::{TOKEN, Table, with};

/// The answer to a created Connect session.
pub(crate) fn session() -> Value {
    let link = format!("https://connect.nango.dev/?session_token={TOKEN}");
    json!({"data": {"token": TOKEN, "connect_link": link, "expires_at": "2026-11-23T13:12:45.060Z"}})
}

/// The answer to GET /connect/session.
pub(crate) fn seen_session() -> Value {
    json!({"data": {
        "endUser": {"id": "u1", "display_name": "U One", "email": "u1@example.com", "tags": {}, "organization": {"id": "o1", "display_name": "O"}},
        "connectUISettings": {"showWatermark": true}, "allowed_integrations": ["github"], "isReconnecting": true,
    }})
}

/// A connection as GET /connections/:id shows it.
pub(crate) fn connection() -> Value {
    json!({
        "id": 16, "connection_id": "c-1", "provider_config_key": "github", "provider": "github", "errors": [],
        "end_user": {"id": "u1", "email": "u1@example.com", "display_name": null, "tags": {}, "organization": null},
        "tags": {"end_user_id": "u1", "team": "t"}, "metadata": {"own": [1]}, "connection_config": {"subdomain": "acme"},
        "webhook_url_override": null, "created_at": "2026-11-23T13:06:19.418+00:00",
        "updated_at": "2026-11-23T13:06:19.529+00:00", "last_fetched_at": "2026-11-23T13:06:19.539+00:00",
        "credentials": {"type": "OAUTH2", "access_token": "gho_planted_secret", "raw": {"access_token": "gho_planted_secret"}},
    })
}

/// A row of GET /connections.
pub(crate) fn row(id: &str) -> Value {
    json!({
        "id": 13, "connection_id": id, "provider_config_key": "github", "provider": "github", "errors": [], "end_user": null,
        "tags": {"end_user_id": "u1"}, "metadata": {}, "created": "2026-11-23T13:05:43.66+00:00",
    })
}

/// A row of GET /integrations.
pub(crate) fn integration(key: &str) -> Value {
    json!({
        "unique_key": key, "provider": "github", "display_name": "GitHub", "logo": "http://localhost:3003/github.svg",
        "forward_webhooks": true, "created_at": "2026-11-23T12:40:52.859Z", "updated_at": "2026-11-23T12:40:52.859Z",
    })
}

/// Good arguments, and the Nango for them. A tool without a sample fails every test over all tools.
pub(crate) fn sample(tool: &str) -> (Value, Table) {
    let nango = Table::new();
    match tool {
        "create_connect_session" => (
            json!({"environment": "dev", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}),
            nango.on("POST /connect/sessions", 201, session()),
        ),
        "create_standard_connect_session" => (
            json!({
                "environment": "dev", "provider_config_key": "github", "principal": "u1", "owner_kind": "user", "purpose": "documents",
            }),
            nango.on("POST /connect/sessions", 201, session()),
        ),
        "create_reconnect_session" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}),
            nango.on("GET /connections/c-1", 200, connection()).on("POST /connect/sessions/reconnect", 201, session()),
        ),
        "ensure_connection" => (
            json!({"environment": "dev", "provider_config_key": "github", "end_user_id": "u1"}),
            nango.on("GET /connections", 200, json!({"connections": []})).on("POST /connect/sessions", 201, session()),
        ),
        "wait_for_connection" => (
            json!({
                "environment": "dev", "provider_config_keys": ["github"], "end_user_id": "u1", "since": "2026-11-23T12:42:45.060Z",
            }),
            nango
                .on("GET /connections", 200, json!({"connections": [row("c-1")]}))
                .on("GET /integrations", 200, json!({"data": [integration("github")]}))
                .on("GET /connections/c-1", 200, with(&connection(), json!({"updated_at": "2026-11-23T13:06:19.529+00:00"}))),
        ),
        "get_connect_session" => (json!({"session_token": TOKEN}), nango.on("GET /connect/session", 200, seen_session())),
        "cancel_connect_session" => (
            json!({"connect_link": format!("https://connect.nango.dev/?session_token={TOKEN}")}),
            nango.on("DELETE /connect/session", 204, Value::Null),
        ),
        "list_environments" => (json!({}), nango),
        "check_environment" => (
            json!({"environment": "dev"}),
            nango
                .on("GET /health", 200, json!({"result": "ok"}))
                .on("GET /providers/github", 200, json!({"data": {"name": "github"}}))
                .on("GET /integrations", 200, json!({"data": []}))
                .on("GET /connections", 200, json!({"connections": []})),
        ),
        _ => [connections::sample, conventions::sample, integrations::sample, proxy::sample]
            .iter()
            .find_map(|sample| sample(tool))
            .unwrap_or_else(|| panic!("tests/samples has no sample call of {tool}")),
    }
}
