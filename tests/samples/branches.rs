//! More good calls: those that take other ways through a tool than its sample, so that tests over all tools see every
//! request that a tool can make.

use serde_json::{Value, json};

use super::{connection, integration, row, sample, session};
use crate::table::{Table, with};

/// A good call, and the Nango for it.
pub(crate) struct Branch {
    pub(crate) tool: &'static str,
    /// What sets it apart.
    pub(crate) what: &'static str,
    make: fn() -> (Value, Table),
}

impl Branch {
    /// Good arguments, and a Nango that also answers what is asked only when something fails.
    pub(crate) fn make(&self) -> (Value, Table) {
        let (arguments, nango) = if self.what.is_empty() { sample(self.tool) } else { (self.make)() };
        let nango = nango
            .or("GET /connections", 200, json!({"connections": [row("c-1")]}))
            .or("GET /providers/github", 200, json!({"data": super::connections::provider()}))
            .or("POST /connect/sessions/reconnect", 201, session())
            .or("GET /integrations/github", 200, json!({"data": integration("github")}))
            .or("GET /integrations", 200, json!({"data": [integration("github")]}));
        (arguments, nango)
    }
}

/// The sample of every tool, and the branches.
pub(crate) fn all() -> Vec<Branch> {
    let samples = nango_mcp::tools::TOOLS.iter().map(|entry| Branch { tool: entry.name, what: "", make: || (json!({}), Table::new()) });
    samples.chain(branches()).collect()
}

/// Nango's report of a failed refresh.
fn unrefreshed() -> Value {
    json!({"error": {"code": "invalid_credentials", "message": "The external API returned an error when trying to refresh the access token."}})
}

/// The connection as a key without `read_credentials` sees it.
fn bare() -> Value {
    with(&connection(), json!({"credentials": {}}))
}

fn changed(tool: &str, change: Value) -> Value {
    with(&sample(tool).0, change)
}

fn branches() -> Vec<Branch> {
    let branch = |tool, what, make| Branch { tool, what, make };
    vec![
        branch("list_connections", "by person, in both ways", || {
            let page = json!({"connections": [row("c-1")]});
            let nango = Table::new().on("GET /connections", 200, json!({"connections": []})).on("GET /connections", 200, page);
            (changed("list_connections", json!({"end_user_id": "u1"})), nango)
        }),
        branch("ensure_connection", "connected", || {
            let nango = Table::new().on("GET /connections", 200, json!({"connections": [row("c-1")]})).on(
                "GET /connections/c-1",
                200,
                connection(),
            );
            (changed("ensure_connection", json!({})), nango)
        }),
        branch("ensure_connection", "broken", || {
            let broken = with(&bare(), json!({"errors": [{"type": "auth", "log_id": "17_x"}]}));
            let nango = Table::new()
                .on("GET /connections", 200, json!({"connections": [row("c-1")]}))
                .on("GET /connections/c-1", 200, broken)
                .on("POST /connect/sessions/reconnect", 201, session());
            (changed("ensure_connection", json!({"organization_id": "o1"})), nango)
        }),
        branch("ensure_connection", "refresh failed", || {
            let nango = Table::new()
                .on("GET /connections", 200, json!({"connections": [row("c-1")]}))
                .on("GET /connections/c-1", 400, unrefreshed())
                .on("POST /connect/sessions/reconnect", 201, session());
            (changed("ensure_connection", json!({})), nango)
        }),
        branch("ensure_connection", "several", || {
            let nango = Table::new().on("GET /connections", 200, json!({"connections": [row("c-1"), row("c-2")]}));
            (changed("ensure_connection", json!({"tags": {"team": "t"}})), nango)
        }),
        branch("wait_for_connection", "of a repair", || {
            let nango = Table::new().on("GET /connections/c-1", 200, connection());
            (changed("wait_for_connection", json!({"end_user_id": null, "connection_id": "c-1"})), nango)
        }),
        branch("wait_for_connection", "by tags, later", || {
            let nango = Table::new()
                .on("GET /connections", 200, json!({"connections": []}))
                .on("GET /connections", 200, json!({"connections": [row("c-1")]}))
                .on("GET /integrations", 200, json!({"data": [integration("github")]}));
            (changed("wait_for_connection", json!({"end_user_id": null, "tags": {"Team": "t"}})), nango)
        }),
        branch("create_reconnect_session", "auth mode asked for", || {
            let nango = Table::new().on("GET /connections/c-1", 200, bare()).on("POST /connect/sessions/reconnect", 201, session());
            (changed("create_reconnect_session", json!({})), nango)
        }),
        branch("create_reconnect_session", "refresh failed", || {
            let nango = Table::new().on("GET /connections/c-1", 400, unrefreshed()).on("POST /connect/sessions/reconnect", 201, session());
            (changed("create_reconnect_session", json!({})), nango)
        }),
        branch("get_connection_context", "refresh failed", || {
            let nango = Table::new().on("GET /connections/c-1", 400, unrefreshed());
            (changed("get_connection_context", json!({})), nango)
        }),
        branch("refresh_connection_credentials", "expired", || {
            let nango = Table::new().on("GET /connections/c-1", 400, unrefreshed()).on("GET /connections/c-1", 200, connection());
            (changed("refresh_connection_credentials", json!({})), nango)
        }),
        branch("import_connection", "over another", || {
            let nango = Table::new().on("POST /connections", 201, connection());
            (changed("import_connection", json!({"overwrite": true})), nango)
        }),
        branch("import_connection", "without an id", || {
            let nango = Table::new().on("POST /connections", 201, connection());
            (changed("import_connection", json!({"connection_id": null})), nango)
        }),
        branch("replace_connection_tags", "merge", || (changed("replace_connection_tags", json!({"mode": "merge"})), tags())),
        branch("update_connection_metadata", "replace", || {
            let nango = Table::new().on("POST /connections/metadata", 201, json!({"metadata": {"plan": 1}})).on(
                "GET /connections/c-1",
                200,
                with(&connection(), json!({"metadata": {"plan": 1}})),
            );
            (changed("update_connection_metadata", json!({"mode": "replace"})), nango)
        }),
        branch("update_connection_end_user", "another id", || {
            let person = json!({"id": "u2", "email": "u1@example.com", "display_name": "U One", "tags": {}, "organization": null});
            let tags = json!({"end_user_id": "u2", "team": "t", "end_user_email": "u1@example.com", "end_user_display_name": "U One"});
            let nango = Table::new()
                .on("GET /connections/c-1", 200, connection())
                .on("PATCH /connections/c-1", 200, json!({"success": true}))
                .on("GET /connections/c-1", 200, with(&connection(), json!({"end_user": person, "tags": tags})));
            (changed("update_connection_end_user", json!({"id": "u2"})), nango)
        }),
        branch("update_integration", "scopes, and two links", || {
            let credentials = json!({"type": "OAUTH2", "client_id": "id-of-app", "client_secret": "secret-of-app", "scopes": "a"});
            let second = with(&bare(), json!({"connection_id": "c-2"}));
            let nango = Table::new()
                .on("GET /integrations/github", 200, json!({"data": with(&integration("github"), json!({"credentials": credentials}))}))
                .on("PATCH /integrations/github", 200, json!({"data": integration("github")}))
                .on("GET /connections/c-1", 200, connection())
                .on("GET /connections/c-2", 200, second)
                .on("POST /connect/sessions/reconnect", 201, session());
            (changed("update_integration", json!({"scopes": ["a", "b"], "reconnect_connection_ids": ["c-1", "c-2"]})), nango)
        }),
        branch("get_integration", "with its webhook", || {
            let shown = with(&integration("github"), json!({"webhook_url": "https://api.nango.dev/webhook/x/github"}));
            let nango = Table::new().on("GET /integrations/github", 200, json!({"data": shown}));
            (changed("get_integration", json!({"include_webhook": true})), nango)
        }),
        branch("apply_connection_convention", "metadata replaced", || {
            (changed("apply_connection_convention", json!({"patch_metadata": false})), sample("apply_connection_convention").1)
        }),
        branch("apply_connection_convention", "refresh failed", || {
            let nango = Table::new()
                .on("GET /connections/c-1", 400, unrefreshed())
                .on("PATCH /connections/c-1", 200, json!({"success": true}))
                .on("PATCH /connections/metadata", 200, json!({"metadata": {}}));
            (changed("apply_connection_convention", json!({})), nango)
        }),
        branch("audit_connection_conventions", "several pages", || {
            let rows = |from: usize, to: usize| -> Value { (from..to).map(|at| row(&format!("c-{at}"))).collect() };
            let nango = Table::new()
                .on("GET /connections", 200, json!({"connections": rows(0, 100)}))
                .on("GET /connections", 200, json!({"connections": rows(100, 200)}))
                .on("GET /connections", 200, json!({"connections": rows(200, 210)}));
            (changed("audit_connection_conventions", json!({})), nango)
        }),
        branch("proxy_request", "a write", || {
            let nango = Table::new().on("POST /proxy/user", 201, json!({"login": "u1"}));
            (changed("proxy_request", json!({"method": "POST", "body": {"a": 1}})), nango)
        }),
    ]
}

fn tags() -> Table {
    sample("replace_connection_tags").1
}
