//! The toolset integrations.

use serde_json::{Value, json};

use super::integration;
use crate::table::Table;

/// See [`super::sample`].
pub(super) fn sample(tool: &str) -> Option<(Value, Table)> {
    let nango = Table::new();
    Some(match tool {
        "list_integrations" => {
            (json!({"environment": "dev"}), nango.on("GET /integrations", 200, json!({"data": [integration("github")]})))
        }
        _ => return None,
    })
}
