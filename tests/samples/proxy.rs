//! The toolset proxy.

use serde_json::{Value, json};

use crate::table::Table;

/// See [`super::sample`].
pub(super) fn sample(tool: &str) -> Option<(Value, Table)> {
    let nango = Table::new();
    Some(match tool {
        "proxy_request" => (
            json!({"environment": "dev", "provider_config_key": "github", "connection_id": "c-1", "method": "GET", "path": "/user"}),
            nango.on("GET /proxy/user", 200, json!({"login": "u1"})),
        ),
        "download_provider_file" => (
            json!({"environment": "dev", "provider_config_key": "github", "connection_id": "c-1", "path": "/files/report.pdf"}),
            nango.raw("GET /proxy/files/report.pdf", 200, &[("content-type", "application/pdf")], "%PDF-1.7"),
        ),
        _ => return None,
    })
}
