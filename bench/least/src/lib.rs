//! What MCP costs before anything of it is checked: the bare component's POST, and around it the request read as JSON and the
//! answer of `create_connect_session` written, as long as the real one. Whoever sends this well-formed call gets a link; there is
//! no configuration, no access, no rule, no error that says anything.

use std::fmt::Display;

use serde_json::{Value, json};
use waki::{Client, ErrorCode, Request, Response, handler};

#[handler]
fn call(request: Request) -> Result<Response, ErrorCode> {
    let base = variable("NANGO_BASE_URL")?;
    let key = variable("NANGO_SECRET_KEY")?;
    let message: Value = serde_json::from_slice(&request.body().map_err(failed)?).map_err(failed)?;
    let at = |pointer: &str| message.pointer(pointer).cloned().unwrap_or_default();
    let (tags, allowed) = (at("/params/arguments/tags"), at("/params/arguments/allowed_integrations"));
    let sent = Client::new()
        .post(&format!("{base}/connect/sessions"))
        .header("accept", "application/json")
        .header("user-agent", "bench-least")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {key}"))
        .body(json!({"tags": &tags, "allowed_integrations": &allowed}).to_string())
        .send();
    let answer: Value = serde_json::from_slice(&sent.and_then(Response::body).map_err(failed)?).map_err(failed)?;
    let said = |pointer: &str| answer.pointer(pointer).cloned().unwrap_or_default();
    let (link, until) = (said("/data/connect_link"), said("/data/expires_at"));
    let arguments = json!({
        "environment": at("/params/arguments/environment"),
        "provider_config_keys": &allowed,
        "end_user_id": at("/params/arguments/tags/end_user_id"),
        "since": &until,
    });
    let result = json!({
        "connect_link": link,
        "issued_at": &until,
        "expires_at": &until,
        "say": "Please open the link to connect github; it is for you alone and works until 12:17 UTC.",
        "next": {"tool": "wait_for_connection", "arguments": arguments},
        "allowed_integrations": allowed,
        "tags": tags,
    });
    let answer = json!({
        "jsonrpc": "2.0",
        "id": at("/id"),
        "result": {
            "content": [{"type": "text", "text": result.to_string()}],
            "isError": false,
            "structuredContent": result,
            "resultType": "complete",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "nango", "title": "Nango", "version": "0.1.0"}},
        },
    });
    let response = Response::builder().header("content-type", "application/json").header("cache-control", "no-store");
    response.body(answer.to_string()).build()
}

#[expect(clippy::disallowed_methods, reason = "nothing else hands variables to a bare component")]
fn variable(name: &str) -> Result<String, ErrorCode> {
    std::env::var(name).map_err(failed)
}

fn failed(error: impl Display) -> ErrorCode {
    ErrorCode::InternalError(Some(error.to_string()))
}
