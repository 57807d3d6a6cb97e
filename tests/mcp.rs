//! MCP's own methods, message by message.

mod offers;

use nango_mcp::Config;
use nango_mcp::config::ConfigError;
use nango_mcp::mcp::{MODERN, Message, answer};
use serde_json::{Value, json};

use super::table::Table;

/// The answer to a request of an era with a handshake.
#[track_caller]
pub(crate) fn legacy(config: &Result<Config, ConfigError>, nango: &Table, method: &str, params: &Value) -> Value {
    ask(config, nango, method, params, Message::default())
}

/// The answer to a stateless request with the headers that it should have.
#[track_caller]
pub(crate) fn modern(config: &Result<Config, ConfigError>, nango: &Table, method: &str, params: &Value) -> Value {
    let name = params["name"].as_str().or(params["uri"].as_str()).map(header);
    modern_named(config, nango, method, params, name.as_deref())
}

/// The same with another header Mcp-Name.
#[track_caller]
pub(crate) fn modern_named(config: &Result<Config, ConfigError>, nango: &Table, method: &str, params: &Value, name: Option<&str>) -> Value {
    let mut params = params.clone();
    params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}});
    ask(config, nango, method, &params, Message { version: Some(MODERN), method: Some(method), name, body: b"" })
}

/// A value as a header carries it.
fn header(value: &str) -> String {
    use base64ct::{Base64, Encoding as _};
    format!("=?base64?{}?=", Base64::encode_string(value.as_bytes()))
}

#[track_caller]
fn ask(config: &Result<Config, ConfigError>, nango: &Table, method: &str, params: &Value, message: Message<'_>) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let reply = answer(config, nango, &Message { body: body.as_bytes(), ..message });
    let answer: Value = serde_json::from_str(&reply.body.unwrap()).unwrap();
    assert_eq!(answer["id"], 1, "{answer}");
    answer
}
