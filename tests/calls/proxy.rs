//! proxy_request and download_provider_file: what leaves, what comes back, who refused.

use nango_mcp::File;
use serde_json::{Value, json};

use crate::samples::sample;
use crate::table::{KEY, Outcome, TOKEN, Table, call, call_with, config, refused, with};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

fn arguments(change: Value) -> Value {
    with(&sample("proxy_request").0, change)
}

#[track_caller]
fn request(nango: &Table, change: Value) -> Outcome {
    call(nango, "proxy_request", &arguments(change))
}

/// The one request that a call makes, of a provider that answers it with `{}`.
#[track_caller]
fn sent(change: Value) -> crate::table::Sent {
    let outcome = request(&Table::new().on("*", 200, json!({})), change);
    assert!(!outcome.result.is_error, "{}", outcome.text());
    let [sent] = &outcome.sent[..] else { panic!("{:?}", outcome.lines()) };
    sent.clone()
}

fn header<'a>(sent: &'a crate::table::Sent, name: &str) -> Vec<&'a str> {
    sent.headers.iter().filter(|(have, _)| have == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_call_reaches_the_provider_with_what_it_was_given() {
    let sent = sent(json!({
        "method": "POST", "path": "/crm/v3/a%20b/ü?acl&x=1+2&y=%2F&z=caf%E9&ü=\"", "query": {"limit": 5, "on": true, "id": ["a", "b c"]},
        "headers": {"Accept": "text/csv", "X-Api-Version": "2"}, "body": {"n": 1}, "retries": 2,
    }));
    assert_eq!(sent.line, "POST /proxy/crm/v3/a%20b/%C3%BC?acl&x=1+2&y=%2F&z=caf%E9&%C3%BC=%22&limit=5&on=true&id=a&id=b%20c");
    for (name, values) in [
        ("provider-config-key", vec!["github"]),
        ("connection-id", vec!["c-1"]),
        ("nango-proxy-accept", vec!["text/csv"]),
        ("nango-proxy-x-api-version", vec!["2"]),
        ("retries", vec!["2"]),
        ("base-url-override", vec![]),
        ("content-type", vec!["application/json"]),
    ] {
        assert_eq!(header(&sent, name), values, "{name}");
    }
    // Nango itself waits 3 and 6 s between its repetitions.
    assert_eq!(sent.within.as_secs(), 29);
    let plain = self::sent(json!({}));
    assert_eq!((plain.line.as_str(), plain.within.as_secs()), ("GET /proxy/user", 20));
    assert_eq!(header(&plain, "nango-proxy-accept"), ["application/json, text/*;q=0.9, */*;q=0.8"]);
    assert!(header(&plain, "retries").is_empty());
}

#[test]
fn a_body_arrives_as_it_was_written() {
    for body in [r#"{"id":12345678901234567890123,"price":1.10,"a":[1,2]}"#, "[]", "null", "\"text\"", "1e400", r#"{"a":1,"a":2}"#] {
        let nango = Table::new().raw("*", 200, JSON, "{}");
        let base = arguments(json!({"method": "PUT"})).to_string();
        let text = format!("{},\"body\":{body}}}", base.strip_suffix('}').unwrap());
        let result = nango_mcp::call_tool(&config(&[]), &Raw(nango, body.to_owned()), "proxy_request", &text).unwrap();
        assert!(!result.is_error, "{body}: {:?}", result.text);
    }
}

/// A Nango that looks at nothing but the text of the body.
struct Raw(Table, String);

impl nango_mcp::Transport for Raw {
    fn send(
        &self,
        requests: &[nango_mcp::transport::HttpRequest],
        _: std::time::Duration,
    ) -> Vec<Result<nango_mcp::transport::HttpAnswer, nango_mcp::transport::TransportError>> {
        assert_eq!(requests[0].body.as_deref(), Some(self.1.as_bytes()));
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        vec![Ok(nango_mcp::transport::HttpAnswer { status: 200, headers, body: b"{}".to_vec() })]
    }
    fn now(&self) -> std::time::Duration {
        self.0.now()
    }
    fn sleep(&self, _: std::time::Duration) {}
}

#[test]
fn what_could_leave_the_route_or_change_the_caller_is_refused() {
    // The Python server's way out: `..` behind /proxy reaches the API with the environment's key.
    for path in [
        "/../connections/c1",
        "/a/../../connections",
        "/%2e%2e/connections/c1",
        "/%252e%252e/x",
        "/..%2fconnections",
        "/x/..;/../y",
        "//evil.example/x",
        "/%2f%2fevil.example",
        "/a\tb",
        "/%00",
        "/a%0d%0aX: y",
        "/./x",
    ] {
        for tool in ["proxy_request", "download_provider_file"] {
            refused(tool, &with(&sample(tool).0, json!({"path": path, "query": {"provider_config_key": "github"}})), "unsafe_path", "path");
        }
    }
    for path in ["connections", "https://evil.example/", "..", "/a\\..\\b", "/a#b", "\\\\evil"] {
        refused("proxy_request", &arguments(json!({"path": path})), "wrong_format", "path");
    }
    for name in [
        "Authorization",
        "authorization",
        "Proxy-Authorization",
        "Cookie",
        "HOST",
        "Content-Length",
        "Connection",
        "Transfer-Encoding",
        "Te",
        "Nango-Proxy-Authorization",
        "nango-is-sync",
        "Provider-Config-Key",
        "connection-id",
        "Upgrade",
        "Keep-Alive",
        "Trailer",
    ] {
        let mut headers = json!({});
        headers[name] = "some-value".into();
        let outcome = refused("proxy_request", &arguments(json!({"headers": headers})), "forbidden_header", &format!("headers.{name}"));
        assert!(outcome.sentence().contains("headers"), "{}", outcome.sentence());
    }
    for value in ["a\r\nx: y", "é", "a\0", "a\tb"] {
        refused("proxy_request", &arguments(json!({"headers": {"x-a": value}})), "wrong_format", "headers.x-a");
    }
    refused("proxy_request", &arguments(json!({"headers": {"x a": "b"}})), "wrong_format", "headers.x a");
    for method in ["OPTIONS", "get", "TRACE", "CONNECT"] {
        refused("proxy_request", &arguments(json!({"method": method})), "unknown_value", "method");
    }
}

#[test]
fn another_base_url_needs_the_operator() {
    let url = json!({"base_url_override": "https://other.example"});
    let outcome = request(&Table::new(), url.clone());
    assert_eq!((outcome.code(), outcome.sent.len()), ("base_url_override_not_allowed", 0));
    assert!(outcome.sentence().contains("NANGO_MCP_ALLOW_BASE_URL_OVERRIDE=true"));
    let allowing = config(&[("NANGO_MCP_ALLOW_BASE_URL_OVERRIDE", "true")]);
    let nango = Table::new().on("*", 200, json!({}));
    let outcome = call_with(&allowing, &nango, "proxy_request", &arguments(url));
    assert_eq!(header(&outcome.sent[0], "base-url-override"), ["https://other.example"]);
    assert!(outcome.sent[0].origin.ends_with("api.nango.dev"), "Nango is called all the same");
}

#[test]
fn read_only_leaves_get_and_head() {
    let closed = config(&[("NANGO_MCP_READ_ONLY", "true")]);
    for (method, code) in
        [("GET", ""), ("HEAD", ""), ("POST", "read_only"), ("PUT", "read_only"), ("PATCH", "read_only"), ("DELETE", "read_only")]
    {
        let nango = Table::new().on("*", 200, json!({}));
        let outcome = call_with(&closed, &nango, "proxy_request", &arguments(json!({"method": method})));
        assert_eq!((outcome.code(), outcome.sent.is_empty()), (code, !code.is_empty()), "{method}");
    }
    let listed = nango_mcp::list_tools(&closed);
    let proxy = listed.iter().find(|listed| listed.entry.name == "proxy_request").unwrap();
    assert_eq!(proxy.input_schema["properties"]["method"]["enum"], json!(["GET", "HEAD"]));
    assert_eq!(proxy.effect, nango_mcp::tool::Effect::Read);
}

#[test]
fn the_phrase_follows_the_method() {
    let demanding = config(&[("NANGO_MCP_APPROVAL", "phrase")]);
    for (method, phrase) in [
        ("GET", None),
        ("POST", Some("I understand this changes the Nango environment")),
        ("DELETE", Some("I understand this deletes Nango configuration")),
    ] {
        let outcome = call_with(&demanding, &Table::new().on("*", 200, json!({})), "proxy_request", &arguments(json!({"method": method})));
        match phrase {
            None => assert!(!outcome.result.is_error),
            Some(phrase) => assert!(outcome.code() == "confirmation_required" && outcome.sentence().contains(phrase)),
        }
    }
}

#[test]
fn every_kind_of_body_comes_back_as_what_it_is() {
    let show = |status: u16, kind: &str, body: &[u8]| {
        let headers: Vec<(&str, &str)> = [("content-type", kind)].into_iter().filter(|(_, kind)| !kind.is_empty()).collect();
        let outcome = request(&Table::new().raw("*", status, &headers, body), json!({}));
        outcome.value().clone()
    };
    for (status, kind, body, response, called, warned) in [
        (200, "application/json", &br#"{"a":[1,2.5,"x",null]}"#[..], json!({"a": [1, 2.5, "x", null]}), "json", false),
        (200, "application/vnd.api+json", b"[]", json!([]), "json", false),
        (200, "text/plain", b" {\"a\":1}", json!({"a": 1}), "json", true),
        (200, "", b"[1]", json!([1]), "json", true),
        (200, "text/plain", b"12", json!("12"), "text", false),
        (200, "application/json", b"{\"a\":", json!("{\"a\":"), "text", true),
        (200, "text/html", "<p>é".as_bytes(), json!("<p>é"), "text", false),
        (200, "text/csv", b"a,b\n1,2\n", json!("a,b\n1,2\n"), "text", false),
        (200, "image/png", b"\x89PNG\xff", json!("iVBOR/8="), "binary", false),
        (200, "text/plain", b"a\0b", json!("YQBi"), "binary", false),
        (204, "", b"", Value::Null, "none", false),
        (200, "application/json", b"", Value::Null, "none", false),
        (200, "application/json", b"null", Value::Null, "json", false),
    ] {
        let value = show(status, kind, body);
        let meta = &value["response_meta"];
        assert_eq!(value.get("response").cloned().unwrap_or_default(), response, "{kind} {body:?}");
        assert_eq!((meta["kind"].as_str(), meta["bytes"].as_u64()), (Some(called), Some(body.len() as u64)), "{kind} {body:?}");
        assert_eq!(meta["warnings"].as_array().unwrap().len(), usize::from(warned), "{kind} {body:?}: {meta}");
        assert_eq!(meta.get("encoding").is_some(), called == "binary");
        assert_eq!(meta["truncated"], false);
        assert_eq!(value["ok"], true);
    }
}

#[test]
fn a_head_has_headers_only() {
    let nango = Table::new().raw("HEAD /proxy/user", 200, &[("content-type", "application/pdf"), ("x-request-id", "r-1")], "");
    let value = request(&nango, json!({"method": "HEAD"})).value().clone();
    assert_eq!(
        (&value["content_type"], &value["headers"], value.get("response")),
        (&json!("application/pdf"), &json!({"x-request-id": "r-1"}), None)
    );
}

#[test]
fn a_provider_s_refusal_is_data() {
    let headers = [
        ("content-type", "application/json"),
        ("retry-after", "7"),
        ("x-ratelimit-remaining", "0"),
        ("set-cookie", "s=1"),
        ("x-request-id", "r"),
    ];
    for status in [300, 304, 400, 401, 403, 404, 409, 422, 500, 502, 503] {
        let body = json!({"error": {"code": "unauthorized", "message": "no"}}).to_string();
        let outcome = request(&Table::new().raw("*", status, &headers, &body), json!({"fields": ["x"], "response_path": "/nowhere"}));
        let value = outcome.value();
        assert_eq!((&value["ok"], &value["status"], &value["response"]["error"]["message"]), (&json!(false), &json!(status), &json!("no")));
        // What x-ratelimit says may be Nango's own.
        assert_eq!(value["headers"], json!({"retry-after": "7", "x-request-id": "r"}));
    }
    let page = request(&Table::new().raw("*", 502, &[("content-type", "text/html")], "<h1>Bad"), json!({}));
    assert_eq!((&page.value()["ok"], &page.value()["response"]), (&json!(false), &json!("<h1>Bad")));
}

#[test]
fn what_nango_itself_refuses_is_an_error_with_a_remedy() {
    let shape = |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
    for (status, body, code, says) in [
        (401, json!({"error": {"message": "x", "code": "unknown_account", "payload": {}}}), "key_rejected", "NANGO_SECRET_KEY"),
        (403, shape("forbidden", "Insufficient scope. Required: environment:proxy"), "missing_scope", "environment:proxy"),
        (404, shape("unknown_provider_config", "Provider config not found"), "unknown_integration", "list_integrations"),
        (400, shape("server_error", "Failed to get connection"), "unknown_connection", "list_connections"),
        (424, shape("connection_refresh_backoff", "Backing off"), "refresh_failed", "create_reconnect_session"),
        (402, shape("plan_limit", "no more"), "plan_limit", "plan"),
        (400, shape("base_url_override_not_allowed", "not allowed"), "base_url_override_refused", "does not resolve"),
        (400, shape("base_url_override_disabled", "disabled"), "base_url_override_refused", "leave `base_url_override` out"),
        (400, shape("unsupported_provider", "unsupported_provider"), "no_base_url", "base URL"),
        (
            400,
            json!({"error": {"code": "invalid_headers", "errors": [{"code": "invalid_type", "message": "no", "path": ["retries"]}]}}),
            "invalid_headers",
            "retries",
        ),
        (
            500,
            json!({"message": "connect ECONNREFUSED 10.0.0.1:443", "code": "ECONNREFUSED", "method": "get"}),
            "provider_unreachable",
            "Nango did not reach",
        ),
        (
            500,
            json!({"error": {"message": "An error occurred.", "code": "generic_error_support", "payload": "u"}}),
            "nango_failed",
            "inside Nango",
        ),
    ] {
        for tool in ["proxy_request", "download_provider_file"] {
            let outcome = call(&Table::new().on("*", status, body.clone()), tool, &sample(tool).0);
            assert_eq!((outcome.error["kind"].as_str(), outcome.code()), (Some("nango"), code), "{}", outcome.text());
            assert!(outcome.sentence().contains(says) && outcome.sentence().contains("GET /proxy"), "{}", outcome.sentence());
        }
    }
}

#[test]
fn nango_s_429_is_waited_out_and_a_provider_s_only_for_reads() {
    let own = json!({"error": {"code": "too_many_request", "method": "POST", "path": "/proxy/user"}}).to_string();
    let theirs = json!({"message": "slow down"}).to_string();
    let copied = json!({"error": {"code": "too_many_request", "message": "slow down"}}).to_string();
    let limited =
        |body: &str, after: &str| Table::new().raw("*", 429, &[("content-type", "application/json"), ("retry-after", after)], body);
    for (body, method, after, slept, code) in [
        (&own, "POST", "5", vec![5, 5, 5], "rate_limited"),
        (&own, "GET", "57", vec![], "rate_limited"),
        (&theirs, "POST", "1", vec![], ""),
        (&theirs, "DELETE", "1", vec![], ""),
        (&theirs, "GET", "20", vec![20, 20], ""),
        (&theirs, "HEAD", "3600", vec![], ""),
        (&theirs, "GET", "Fri, 27 Nov 2026 20:00:00 GMT", vec![], ""),
        (&theirs, "GET", "0", vec![1, 2, 4], ""),
        // Nango's word, but not its form: a provider's, and so a write is not repeated.
        (&copied, "POST", "1", vec![], ""),
        (&copied, "GET", "1", vec![1, 2, 4], ""),
    ] {
        let nango = limited(body, after);
        let outcome = request(&nango, json!({"method": method}));
        assert_eq!((nango.slept(), outcome.code()), (slept, code), "{method} {body}");
        if code.is_empty() {
            assert_eq!((&outcome.value()["status"], &outcome.value()["headers"]["retry-after"]), (&json!(429), &json!(after)));
        }
    }
}

#[test]
fn secrets_in_a_provider_s_answer_are_removed_and_nothing_else() {
    let said = format!("{KEY} and {TOKEN} and gho_of_the_provider");
    let nango = || Table::new().raw("*", 200, &[("content-type", "application/json")], json!({"said": said, KEY: [said]}).to_string());
    let outcome = request(&nango(), json!({}));
    assert_eq!(
        outcome.value()["response"],
        json!({"said": "[removed] and [removed] and gho_of_the_provider", "[removed]": ["[removed] and [removed] and gho_of_the_provider"]})
    );
    let text = request(&Table::new().raw("*", 200, &[("content-type", "text/plain"), ("x-request-id", KEY)], &said), json!({}));
    assert!(!text.text().contains(KEY) && !text.text().contains(TOKEN), "{}", text.text());
    let file = call(
        &Table::new().raw("*", 200, &[("content-type", "text/plain")], &said),
        "download_provider_file",
        &sample("download_provider_file").0,
    );
    let [File { bytes, .. }] = &file.result.files[..] else { panic!() };
    assert_eq!(bytes.len(), said.len());
    assert_eq!(String::from_utf8_lossy(bytes), said.replace(KEY, &"*".repeat(36)).replace(TOKEN, &"*".repeat(TOKEN.len())));
    assert_eq!(text.value()["response"], "[removed] and [removed] and gho_of_the_provider");
}

#[test]
fn a_file_comes_with_its_name_and_digest() {
    let (arguments, nango) = sample("download_provider_file");
    let outcome = call(&nango, "download_provider_file", &arguments);
    assert_eq!(outcome.lines(), ["GET /proxy/files/report.pdf"]);
    assert_eq!(header(&outcome.sent[0], "nango-proxy-accept"), ["*/*"]);
    // `printf %s '%PDF-1.7' | sha256sum`
    let digest = "86edbaa24831badfa0a8b04bb410141e2ee4182b6d0014493fe262a7a331c20b";
    let value = outcome.value();
    assert_eq!((&value["name"], &value["media_type"], &value["size"]), (&json!("report.pdf"), &json!("application/pdf"), &json!(8)));
    assert_eq!(value["sha256"], digest);
    let [file] = &outcome.result.files[..] else { panic!() };
    assert_eq!((file.uri.as_str(), file.bytes.as_slice()), (format!("nango-file:{digest}/report.pdf").as_str(), &b"%PDF-1.7"[..]));
    for (path, suggested, name) in [
        ("/a/b c?x=/y.txt", Value::Null, "b-c"),
        ("/", Value::Null, "file"),
        ("/...hidden", Value::Null, "hidden"),
        ("/x", json!("Report_1.pdf"), "Report_1.pdf"),
        ("/ü", Value::Null, "file"),
    ] {
        let nango = Table::new().raw("*", 200, &[], "x");
        let outcome = call(&nango, "download_provider_file", &with(&arguments, json!({"path": path, "suggested_name": suggested})));
        assert_eq!(outcome.value()["name"], name, "{path}");
    }
    for bad in ["../x", ".x", "a/b", "", "a b"] {
        let outcome = call(&Table::new(), "download_provider_file", &with(&arguments, json!({"suggested_name": bad})));
        assert_eq!((outcome.error["field"].as_str(), outcome.sent.len()), (Some("suggested_name"), 0), "{bad}");
    }
}

#[test]
fn no_file_is_a_failure_that_names_the_status() {
    let arguments = sample("download_provider_file").0;
    for (status, body, code) in [(404, "{\"message\":\"none\"}", "provider_error"), (200, "", "empty_file"), (204, "", "empty_file")] {
        let outcome = call(&Table::new().raw("*", status, JSON, body), "download_provider_file", &arguments);
        assert_eq!(outcome.code(), code);
        assert!(outcome.sentence().contains(&status.to_string()) && outcome.sentence().contains("proxy_request"), "{}", outcome.sentence());
        assert!(outcome.result.files.is_empty());
    }
}
