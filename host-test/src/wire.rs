//! What is no JSON-RPC request, answered before rmcp sees it: rmcp passes over it in silence on stdio, so that the
//! client waits for ever, and answers with plain text on HTTP.

use nango_mcp::endpoint::MAX_BODY;
use serde_json::{Value, json};

/// The answer to a message that is none; `None` if it may pass.
///
/// -32700 for what is no JSON, -32600 for JSON that is no single message (JSON-RPC 2.0 §5.1; batches left MCP with
/// 2025-06-18). JSON nested deeper than rmcp's parser goes is answered with its id, where one can be read.
pub fn refusal(message: &[u8]) -> Option<Value> {
    let (code, id, say) = match serde_json::from_slice::<Value>(message) {
        Ok(Value::Object(_)) => return None,
        Ok(Value::Array(_)) => (-32600, Value::Null, "a batch is not supported: send one message"),
        Ok(_) => (-32600, Value::Null, "a message is a JSON object"),
        Err(_) if std::str::from_utf8(message).is_err() => (-32700, Value::Null, "the message is not UTF-8"),
        Err(error) if error.classify() == serde_json::error::Category::Syntax && id(message).is_some() => (
            -32600,
            id(message).unwrap_or_default(),
            "the message is nested too deeply, or holds a number out of range or half a character (a lone surrogate)",
        ),
        Err(_) => (-32700, Value::Null, "the message is not JSON"),
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": say}}))
}

/// The answer to an object that is no message of JSON-RPC 2.0; `None` to a notification, which is never answered.
pub(crate) fn malformed(message: &[u8]) -> Option<Value> {
    let message: Value = serde_json::from_slice(message).ok()?;
    if message.get("id").is_none() && message.get("method").is_some_and(Value::is_string) {
        return None;
    }
    let given = message.get("id");
    let id = given.filter(|id| id.is_string() || id.is_i64()).cloned().unwrap_or_default();
    let say = match given {
        Some(given) if *given != id => "`id` is a text or an integer",
        _ => "the message is no request or notification of JSON-RPC 2.0",
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32600, "message": say}}))
}

/// The answer to a request with the id of one that is not answered yet. With that id it would seem to answer the first.
pub(crate) fn id_in_use() -> Value {
    let say = "the id is that of a request which is not answered yet; this one is not done";
    json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": say}})
}

/// The answer to a line that is longer than a message may be.
pub(crate) fn too_long() -> Value {
    let say = format!("the message is longer than {} MiB", MAX_BODY >> 20);
    json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": say}})
}

/// The id of a message whose other parts are not built, and so may be of any depth.
fn id(message: &[u8]) -> Option<Value> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        id: Option<Value>,
    }
    serde_json::from_slice::<Envelope>(message).ok()?.id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_refused_with_its_code_and_id() {
        let of = |message: &str| refusal(message.as_bytes()).map(|answer| (answer["error"]["code"].clone(), answer["id"].clone()));
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#), None);
        assert_eq!(of("{bad"), Some((json!(-32700), json!(null))));
        assert_eq!(of(""), Some((json!(-32700), json!(null))));
        assert_eq!(of("[]"), Some((json!(-32600), json!(null))));
        assert_eq!(of("7"), Some((json!(-32600), json!(null))));
        let deep = format!(r#"{{"jsonrpc":"2.0","id":7,"params":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        assert_eq!(of(&deep), Some((json!(-32600), json!(7))));
        assert_eq!(of(r#"{"id":8,"params":1e400}"#), Some((json!(-32600), json!(8))));
        let no_text = refusal(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}").unwrap();
        assert_eq!((&no_text["error"]["code"], &no_text["error"]["message"]), (&json!(-32700), &json!("the message is not UTF-8")));
    }
}
