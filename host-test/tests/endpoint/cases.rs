//! The transcripts: MCP 2026-07-28 basic/transports/streamable-http and basic/versioning, 2025-11-25 basic/transports,
//! JSON-RPC 2.0 §5.1.

mod offers;

use serde_json::{Value, json};

use super::JSON;

/// A request and its answer.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) status: u16,
    /// What the body has, at least; null for an empty body.
    pub(crate) says: Value,
    /// How the host's endpoint differs.
    pub(crate) host: Option<Differs>,
}

/// An answer of the host's endpoint that differs.
pub(crate) struct Differs {
    pub(crate) why: &'static str,
    pub(crate) status: u16,
    pub(crate) says: Value,
}

impl Case {
    fn new(name: &'static str, headers: Vec<(&'static str, String)>, body: impl Into<String>, status: u16, says: Value) -> Self {
        let own = |name: &str| headers.iter().any(|(have, _)| *have == name);
        let usual = JSON.into_iter().filter(|(name, _)| !own(name)).map(|(name, value)| (name, value.to_owned()));
        let headers = usual.collect::<Vec<_>>().into_iter().chain(headers).filter(|(_, value)| value != "-").collect();
        Self { name, method: "POST", path: "/mcp", headers, body: body.into(), status, says, host: None }
    }

    /// A stateless request, for a test that looks at the answer by itself.
    pub(crate) fn stateless(method: &str, params: Value) -> Self {
        modern("", method, params, &[], 200, Value::Null)
    }

    fn but_host(mut self, why: &'static str, status: u16, says: Value) -> Self {
        self.host = Some(Differs { why, status, says });
        self
    }

    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

const MODERN: &str = "2026-07-28";

fn request(id: &Value, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn meta(version: &str) -> Value {
    json!({"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {}})
}

/// A request of an era with a handshake, which this revision is named for in the header.
#[allow(clippy::needless_pass_by_value, reason = "a `json!` written where it is used is given away")]
fn legacy(name: &'static str, version: &str, method: &str, params: Value, status: u16, says: Value) -> Case {
    Case::new(name, vec![("mcp-protocol-version", version.to_owned())], request(&json!(1), method, &params).to_string(), status, says)
}

/// A stateless request, complete; `change` may spoil its headers (`-` leaves one out).
fn modern(name: &'static str, method: &str, mut params: Value, change: &[(&'static str, &str)], status: u16, says: Value) -> Case {
    if params.get("_meta").is_none() {
        params["_meta"] = meta(MODERN);
    }
    let mut headers = vec![("mcp-protocol-version", MODERN.to_owned()), ("mcp-method", method.to_owned())];
    if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
        headers.push(("mcp-name", name.to_owned()));
    }
    for (header, value) in change {
        headers.retain(|(name, _)| name != header);
        headers.push((header, (*value).to_owned()));
    }
    Case::new(name, headers, request(&json!("a-1"), method, &params).to_string(), status, says)
}

#[allow(clippy::needless_pass_by_value, reason = "a `json!` written where it is used is given away")]
fn error(id: Value, code: i32) -> Value {
    json!({"id": id, "error": {"code": code, "message": "*"}})
}

fn plain(name: &'static str, body: &str, status: u16, says: Value) -> Case {
    Case::new(name, vec![], body, status, says)
}

/// A stateless call that makes a link, of a client with these capabilities.
#[allow(clippy::needless_pass_by_value, reason = "a `json!` written where it is used is given away")]
fn asking(name: &'static str, capabilities: Value, says: Value) -> Case {
    let mut params = json!({"name": "create_connect_session",
        "arguments": {"allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}});
    params["_meta"] = meta(MODERN);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    modern(name, "tools/call", params, &[], 200, says)
}

/// Every transcript.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = envelopes();
    all.extend(http());
    all.extend(handshakes());
    all.extend(stateless());
    all.extend(calls());
    all.extend(offers::offers());
    all
}

fn envelopes() -> Vec<Case> {
    let deep = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping","params":{{"x":{}{}}}}}"#, "[".repeat(5000), "]".repeat(5000));
    vec![
        plain("no JSON", "{bad", 400, error(json!(null), -32700)),
        plain("nothing at all", "", 400, error(json!(null), -32700)),
        plain("no UTF-8 in spirit", "\u{0}", 400, error(json!(null), -32700)),
        plain("JSON and more", r#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#, 400, error(json!(null), -32700)),
        plain("a batch", r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, error(json!(null), -32600)),
        plain("an empty batch", "[]", 400, error(json!(null), -32600)),
        plain("a number", "7", 400, error(json!(null), -32600)),
        plain("null", "null", 400, error(json!(null), -32600)),
        plain("an empty object", "{}", 400, error(json!(null), -32600)),
        plain("no jsonrpc", r#"{"id":3,"method":"ping"}"#, 400, error(json!(3), -32600)),
        plain("another jsonrpc", r#"{"jsonrpc":"1.0","id":3,"method":"ping"}"#, 400, error(json!(3), -32600)),
        plain("no method", r#"{"jsonrpc":"2.0","id":3}"#, 400, error(json!(3), -32600)),
        plain("a method that is none", r#"{"jsonrpc":"2.0","id":3,"method":7}"#, 400, error(json!(3), -32600)),
        plain("an id of null", r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, 400, error(json!(null), -32600)),
        plain("an id that is an object", r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, 400, error(json!(null), -32600)),
        plain("two ids", r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, 200, json!({"id": 2, "result": {}})).but_host(
            "rmcp reads no message with a member that stands twice",
            400,
            error(json!(2), -32600),
        ),
        plain("an id that is a fraction", r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, 400, error(json!(null), -32600)),
        plain("an id beyond 64 bits", r#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"}"#, 400, error(json!(null), -32600)),
        plain(
            "the largest id",
            r#"{"jsonrpc":"2.0","id":9223372036854775807,"method":"ping"}"#,
            200,
            json!({"id": i64::MAX, "result": {}}),
        ),
        plain("an id that is a truth", r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, 400, error(json!(null), -32600)),
        plain("a response", r#"{"jsonrpc":"2.0","id":3,"result":{}}"#, 400, error(json!(3), -32600)),
        plain("deeply nested where it matters to nobody", &deep, 200, json!({"id": 7, "result": {}})).but_host(
            "rmcp reads all of a message into values, at most 128 deep",
            400,
            error(json!(7), -32600),
        ),
        plain("a text as id", r#"{"jsonrpc":"2.0","id":"é\"7","method":"ping"}"#, 200, json!({"id": "é\"7", "result": {}})),
        plain("a negative id", r#"{"jsonrpc":"2.0","id":-7,"method":"ping"}"#, 200, json!({"id": -7, "result": {}})),
        plain("params of null", r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, 200, json!({"id": 1, "result": {}})),
        plain("params that are a list", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#, 200, error(json!(1), -32602)),
        plain("unknown members", r#"{"jsonrpc":"2.0","id":1,"method":"ping","more":1}"#, 200, json!({"id": 1, "result": {}})),
        plain("a notification", r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, 202, json!(null)),
        plain("a notification nobody knows", r#"{"jsonrpc":"2.0","method":"notifications/whatever"}"#, 202, json!(null)),
        plain("a cancellation", r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#, 202, json!(null)),
        plain(
            "a call as a notification is not done",
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"list_environments"}}"#,
            202,
            json!(null),
        ),
    ]
}

fn http() -> Vec<Case> {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let typed = |name, media_type: &str, status, says| Case::new(name, vec![("content-type", media_type.to_owned())], ping, status, says);
    let verb = |name, method, path, status, says| {
        let mut case = Case::new(name, vec![], "", status, says);
        (case.method, case.path) = (method, path);
        case
    };
    let refused = || error(json!(null), -32600);
    let twice = |header, one: &str, other: &str| {
        Case::new("a header that stands there twice", vec![(header, one.to_owned()), (header, other.to_owned())], ping, 400, refused())
    };
    vec![
        typed("no media type", "-", 415, refused()),
        typed("another media type", "text/plain", 415, refused()),
        typed("nearly JSON", "application/jsonx", 415, refused()),
        typed("JSON in Latin-1", "application/json; charset=iso-8859-1", 415, refused()),
        typed("JSON in UTF-8", "Application/JSON; Charset=\"UTF-8\"", 200, json!({"id": 1, "result": {}})),
        Case::new("no Accept", vec![("accept", "-".to_owned())], ping, 200, json!({"id": 1, "result": {}})),
        Case::new("a session id is ignored", vec![("mcp-session-id", "x".to_owned())], ping, 200, json!({"id": 1, "result": {}})),
        verb("GET", "GET", "/mcp", 405, refused()),
        verb("DELETE", "DELETE", "/mcp", 405, refused()),
        verb("OPTIONS", "OPTIONS", "/mcp", 405, refused()),
        verb("elsewhere", "POST", "/elsewhere", 404, refused()),
        verb("no OAuth is announced", "GET", "/.well-known/oauth-protected-resource", 404, refused()),
        verb("no OAuth is announced for the path", "GET", "/.well-known/oauth-protected-resource/mcp", 404, refused()),
        Case { path: "/mcp/", ..Case::new("a slash behind", vec![], ping, 200, json!({"id": 1, "result": {}})) },
        Case { path: "/mcp?x=1", ..Case::new("a query is ignored", vec![], ping, 200, json!({"id": 1, "result": {}})) },
        Case::new("too large", vec![("content-length", "4194305".to_owned())], "", 413, refused()),
        Case::new("another origin", vec![("origin", "http://evil.example".to_owned())], ping, 403, refused()),
        Case::new("an origin that is none", vec![("origin", "null".to_owned())], ping, 403, refused()),
        Case::new("an origin that begins well", vec![("origin", "http://localhost.evil.example".to_owned())], ping, 403, refused()),
        Case::new("a local origin", vec![("origin", "http://localhost:5173".to_owned())], ping, 200, json!({"id": 1})),
        twice("origin", "http://localhost", "http://evil.example"),
        twice("mcp-name", "list_environments", "delete_connection"),
        twice("mcp-method", "ping", "tools/call"),
        twice("mcp-protocol-version", "2025-11-25", "2026-07-28"),
        twice("authorization", "Bearer a", "Bearer b"),
        Case::new("another host", vec![("host", "evil.example".to_owned())], ping, 403, refused()),
        Case::new("a host that begins well", vec![("host", "127.0.0.1.evil.example:80".to_owned())], ping, 403, refused()),
    ]
}

fn handshakes() -> Vec<Case> {
    let initialize = |version: &str| json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let server = json!({"name": "nango", "version": "*"});
    let everything = json!({"tools": {}, "prompts": {}, "resources": {}});
    let mut all = Vec::new();
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let answer = json!({"id": 1, "result": {"protocolVersion": version, "capabilities": everything, "serverInfo": server,
            "instructions": "*", "resultType": null}});
        all.push(legacy("initialize", version, "initialize", initialize(version), 200, answer.clone()));
        all.push(Case::new(
            "initialize without the header",
            vec![],
            request(&json!(1), "initialize", &initialize(version)).to_string(),
            200,
            answer,
        ));
        let tools = json!({"id": 1, "result": {"tools": [{"name": "create_connect_session", "inputSchema": {"type": "object"},
            "outputSchema": {"type": "object"}, "annotations": {"readOnlyHint": false}}], "resultType": null, "nextCursor": null}});
        all.push(legacy("tools/list", version, "tools/list", json!({}), 200, tools));
        all.push(legacy("ping", version, "ping", json!({}), 200, json!({"id": 1, "result": {}})));
        all.push(legacy("an unknown method", version, "completion/complete", json!({}), 200, error(json!(1), -32601)));
        all.push(legacy("a cursor nobody gave", version, "tools/list", json!({"cursor": "x"}), 200, error(json!(1), -32602)));
    }
    let newest = json!({"id": 1, "result": {"protocolVersion": "2025-11-25"}});
    let asks = |version| request(&json!(1), "initialize", &initialize(version)).to_string();
    all.extend([
        Case::new("initialize of a revision to come", vec![], asks("2099-01-01"), 200, newest.clone()),
        Case::new("initialize of an old revision", vec![], asks("2024-11-05"), 200, newest),
        plain(
            "initialize without a version",
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
            200,
            error(json!(1), -32602),
        ),
        legacy("a version that was never one", "2025-01-01", "ping", json!({}), 400, error(json!(1), -32022)),
        legacy("a version that is no date", "latest", "ping", json!({}), 400, error(json!(1), -32022)),
        plain(
            "no header at all is 2025-03-26",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            200,
            json!({"id": 1, "result": {"tools": "*"}}),
        ),
    ]);
    all
}

fn stateless() -> Vec<Case> {
    let id = || json!("a-1");
    let server = json!({"io.modelcontextprotocol/serverInfo": {"name": "nango", "version": "*"}});
    let everything = json!({"tools": {}, "prompts": {}, "resources": {}});
    let discovered = json!({"id": "a-1", "result": {"resultType": "complete", "supportedVersions": "*", "capabilities": everything,
        "instructions": "*", "ttlMs": 300_000, "cacheScope": "public", "_meta": server}});
    let listed = json!({"id": "a-1", "result": {"resultType": "complete", "tools": [{"name": "create_connect_session"}],
        "ttlMs": 300_000, "cacheScope": "public", "_meta": server, "nextCursor": null}});
    let unsupported = json!({"id": "a-1", "error": {"code": -32022, "data": {"supported": ["2026-07-28"], "requested": "v999.0.0"}}});
    let only_version = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": MODERN}});
    let only_capabilities = json!({"_meta": {"io.modelcontextprotocol/clientCapabilities": {}}});
    vec![
        modern("discover", "server/discover", json!({}), &[], 200, discovered),
        modern("tools/list", "tools/list", json!({}), &[], 200, listed),
        modern("a cursor nobody gave", "tools/list", json!({"cursor": "x"}), &[], 200, error(id(), -32602)),
        modern("discover without _meta", "server/discover", json!({"_meta": {}}), &[], 400, error(id(), -32602)),
        modern("no capabilities", "tools/list", only_version, &[], 400, error(id(), -32602)),
        modern("no version in _meta", "tools/list", only_capabilities, &[], 400, error(id(), -32602)),
        modern("no version header", "tools/list", json!({}), &[("mcp-protocol-version", "-")], 400, error(id(), -32020)),
        modern("an older version header", "tools/list", json!({}), &[("mcp-protocol-version", "2025-11-25")], 400, error(id(), -32020)),
        modern(
            "a version nobody knows, in both",
            "tools/list",
            json!({"_meta": meta("v999.0.0")}),
            &[("mcp-protocol-version", "v999.0.0")],
            400,
            unsupported,
        ),
        modern("a version nobody knows, in _meta", "tools/list", json!({"_meta": meta("v999.0.0")}), &[], 400, error(id(), -32020)),
        modern(
            "a revision to come",
            "tools/list",
            json!({"_meta": meta("2099-01-01")}),
            &[("mcp-protocol-version", "2099-01-01")],
            400,
            error(id(), -32022),
        ),
        modern("no method header", "tools/list", json!({}), &[("mcp-method", "-")], 400, error(id(), -32020)),
        modern("another method header", "tools/list", json!({}), &[("mcp-method", "tools/call")], 400, error(id(), -32020)),
        modern("the method in capitals", "tools/list", json!({}), &[("mcp-method", "Tools/List")], 400, error(id(), -32020)),
        modern("initialize is gone", "initialize", json!({}), &[], 404, error(id(), -32601)),
        modern("ping is gone", "ping", json!({}), &[], 404, error(id(), -32601)),
        modern("an unknown method", "completion/complete", json!({}), &[], 404, error(id(), -32601)),
        modern("blanks around a header", "tools/list", json!({}), &[("mcp-method", "  tools/list ")], 200, json!({"id": "a-1"})),
    ]
}

fn calls() -> Vec<Case> {
    let id = || json!("a-1");
    let environments = json!({"name": "list_environments", "arguments": {}});
    let done = json!({"content": [{"type": "text", "text": "~default"}], "structuredContent": {"environments": "*"}, "isError": false});
    let mut complete = done.clone();
    complete["resultType"] = json!("complete");
    complete["_meta"] = json!({"io.modelcontextprotocol/serverInfo": {"name": "nango"}});
    let link = json!({"name": "create_connect_session",
        "arguments": {"allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}});
    let linked = json!({"structuredContent": {"connect_link": "~session_token=nango_connect_session_"}, "isError": false});
    let failing = json!({"name": "get_connection", "arguments": {"connection_id": "c1", "provider_config_key": "github"}});
    let failed = json!({"content": [{"type": "text"}, {"type": "text", "text": "~{\"error\":{"}], "structuredContent": null,
        "isError": true, "_meta": {"nango-mcp/error": {"code": "unknown_connection"}}});
    let wrong = json!({"name": "create_connect_session", "arguments": {"allowedIntegrations": ["github"]}});
    let refused = json!({"content": [{"text": "~did you mean `allowed_integrations`?"}], "isError": true});
    let unknown = json!({"name": "list_environment", "arguments": {}});
    vec![
        legacy("a call", "2025-11-25", "tools/call", environments.clone(), 200, json!({"id": 1, "result": done})),
        legacy("a call of 2025-03-26", "2025-03-26", "tools/call", environments.clone(), 200, json!({"id": 1, "result": done})),
        legacy("a call that asks Nango", "2025-06-18", "tools/call", link.clone(), 200, json!({"id": 1, "result": linked})),
        legacy("a call that fails", "2025-11-25", "tools/call", failing.clone(), 200, json!({"id": 1, "result": failed})),
        legacy("a call with a wrong argument", "2025-11-25", "tools/call", wrong, 200, json!({"id": 1, "result": refused})),
        legacy("an unknown tool", "2025-11-25", "tools/call", unknown.clone(), 200, error(json!(1), -32602)),
        legacy("a call without a name", "2025-11-25", "tools/call", json!({"arguments": {}}), 200, error(json!(1), -32602)),
        legacy("a name that is none", "2025-11-25", "tools/call", json!({"name": 7}), 200, error(json!(1), -32602)),
        legacy(
            "arguments that are a list",
            "2025-11-25",
            "tools/call",
            json!({"name": "list_environments", "arguments": []}),
            200,
            error(json!(1), -32602),
        ),
        legacy(
            "no arguments",
            "2025-11-25",
            "tools/call",
            json!({"name": "list_environments"}),
            200,
            json!({"id": 1, "result": {"isError": false}}),
        ),
        modern("a stateless call", "tools/call", environments.clone(), &[], 200, json!({"id": "a-1", "result": complete})),
        modern("a stateless call that asks Nango", "tools/call", link, &[], 200, json!({"id": "a-1", "result": linked})),
        modern("a stateless call that fails", "tools/call", failing, &[], 200, json!({"id": "a-1", "result": failed})),
        modern("a stateless call of an unknown tool", "tools/call", unknown, &[], 200, error(id(), -32602)),
        modern("no name header", "tools/call", environments.clone(), &[("mcp-name", "-")], 400, error(id(), -32020)),
        modern("another name header", "tools/call", environments.clone(), &[("mcp-name", "get_connection")], 400, error(id(), -32020)),
        modern(
            "a name header in base64",
            "tools/call",
            environments.clone(),
            &[("mcp-name", "=?base64?bGlzdF9lbnZpcm9ubWVudHM=?=")],
            200,
            json!({"id": "a-1", "result": {"isError": false}}),
        ),
        asking(
            "a link that the client can open",
            json!({"elicitation": {"url": {}}}),
            json!({"id": "a-1", "result": {"resultType": "input_required", "requestState": "*", "inputRequests": {"open_link": {
                "method": "elicitation/create", "params": {"mode": "url", "url": "~session_token=", "message": "~Please open"},
            }}}}),
        ),
        asking(
            "a client with forms alone",
            json!({"elicitation": {}}),
            json!({"id": "a-1", "result": {"resultType": "complete", "structuredContent": {"connect_link": "*"}}}),
        ),
        asking(
            "an elicitation that is none",
            json!({"elicitation": 7}),
            json!({"id": "a-1", "result": {"resultType": "complete", "structuredContent": {"connect_link": "*"}}}),
        )
        .but_host("rmcp reads capabilities that are not of their form as none at all", 400, error(id(), -32602)),
        modern("another name in base64", "tools/call", environments, &[("mcp-name", "=?base64?eA==?=")], 400, error(id(), -32020)),
    ]
}
