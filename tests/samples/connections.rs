//! The toolset connections.

use serde_json::{Value, json};

use super::{connection, row};
use crate::table::Table;

/// See [`super::sample`].
pub(super) fn sample(tool: &str) -> Option<(Value, Table)> {
    let nango = Table::new();
    Some(match tool {
        "list_connections" => (json!({"environment": "dev"}), nango.on("GET /connections", 200, json!({"connections": [row("c-1")]}))),
        "get_connection" => (
            json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}),
            nango.on("GET /connections/c-1", 200, connection()),
        ),
        _ => return None,
    })
}
