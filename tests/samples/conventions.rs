//! The toolset conventions.

use serde_json::{Value, json};

use super::{connection, row};
use crate::table::Table;

/// See [`super::sample`].
pub(super) fn sample(tool: &str) -> Option<(Value, Table)> {
    let nango = Table::new();
    let account = json!({
        "environment": "dev", "provider_config_key": "github", "principal": "u1", "owner_kind": "user", "purpose": "documents",
    });
    Some(match tool {
        "describe_connection_convention" => (json!({}), nango),
        "build_connection_convention" => (account, nango),
        "apply_connection_convention" => (
            crate::table::with(&account, json!({"connection_id": "c-1"})),
            nango
                .on("GET /connections/c-1", 200, connection())
                .on("PATCH /connections/c-1", 200, json!({"success": true}))
                .on("PATCH /connections/metadata", 200, json!({"metadata": {}}))
                .on("POST /connections/metadata", 201, json!({"metadata": {}})),
        ),
        "audit_connection_conventions" => {
            (json!({"environment": "dev"}), nango.on("GET /connections", 200, json!({"connections": [row("c-1")]})))
        }
        _ => return None,
    })
}
