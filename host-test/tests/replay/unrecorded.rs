//! What was observed of Nango, or read in its source, but is in no recorded pair.

use std::time::Duration;

use serde_json::{Value, json};

use super::Sent;
use super::setup::{Bench, DEV, PROD, token};

#[tokio::test]
async fn a_reconnect_without_tags_wipes_them() {
    let bench = Bench::start().await;
    bench.import("api-key", "airtable-pat", json!({ "type": "API_KEY", "apiKey": "k" })).await;
    bench.import("oauth", "github", token()).await;
    for (id, integration, kept) in [("api-key", "airtable-pat", false), ("oauth", "github", true)] {
        let before = bench.connection(id, integration);
        let body = json!({ "connection_id": id, "integration_id": integration });
        let session = bench.session("/connect/sessions/reconnect", body).await;
        assert_eq!(bench.connection(id, integration), before, "a session alone changes nothing");
        bench.clock.advance(Duration::from_secs(5));
        let done = bench.click(&session, integration).await;
        assert_eq!(done.body, json!({ "connectionId": id, "providerConfigKey": integration }));
        let after = bench.connection(id, integration);
        assert_eq!(after["tags"], json!({}));
        assert_eq!(after["webhook_url_override"], Value::Null);
        assert_eq!(after["metadata"] == before["metadata"], kept, "{integration}");
        assert_eq!(after["connection_config"] == before["connection_config"], kept, "{integration}");
        assert_eq!(after["id"], before["id"]);
        assert_eq!(after["created_at"], before["created_at"]);
        assert_ne!(after["updated_at"], before["updated_at"]);
        assert_ne!(after["credentials"], before["credentials"]);
    }
}

#[tokio::test]
async fn a_reconnect_sets_exactly_the_tags_it_is_given() {
    let bench = Bench::start().await;
    bench.import("c", "github", token()).await;
    let body = json!({
        "connection_id": "c",
        "integration_id": "github",
        "end_user": { "id": "u2" },
        "tags": { "New": "Tag" },
        "webhook_url_override": "https://hooks.example.com/b",
    });
    let session = bench.session("/connect/sessions/reconnect", body).await;
    // A session is not used up.
    for _ in 0..2 {
        assert_eq!(bench.click(&session, "github").await.status, 200);
    }
    let after = bench.connection("c", "github");
    assert_eq!(after["tags"], json!({ "new": "Tag", "end_user_id": "u2" }));
    assert_eq!(after["webhook_url_override"], "https://hooks.example.com/b");
    assert_eq!(after["end_user"]["id"], "u2");
}

#[tokio::test]
async fn a_session_ends_after_thirty_minutes() {
    let bench = Bench::start().await;
    let session = bench.session("/connect/sessions", json!({ "tags": {} })).await;
    let read = Bench::request(&session, "GET", "/connect/session", None);
    bench.clock.advance(Duration::from_secs(1799));
    let shown = bench.server.send(&read).await.body;
    let keys: Vec<&str> = shown["data"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["endUser", "connectUISettings", "websocketsPath"], "what is not set is absent");
    assert_eq!(bench.nango.sessions(), 1);
    bench.clock.advance(Duration::from_secs(1));
    let reply = bench.server.send(&read).await;
    assert_eq!((reply.status, &reply.body["error"]["code"]), (401, &json!("unknown_connect_session_token")));
    assert_eq!(bench.click(&session, "github").await.status, 401);
    assert_eq!(bench.nango.sessions(), 0);
    assert!(bench.nango.complete(&session, "github").is_err());
}

#[tokio::test]
async fn a_session_completes_only_what_it_allows() {
    let bench = Bench::start().await;
    let session = bench.session("/connect/sessions", json!({ "tags": {}, "allowed_integrations": ["github", "slack"] })).await;
    let refused = bench.click(&session, "hubspot").await;
    assert_eq!((refused.status, refused.body), (400, json!({ "error": { "code": "integration_not_allowed" } })));
    let id = bench.nango.complete(&session, "slack").expect("a connection");
    assert_eq!(bench.connection(&id, "slack")["credentials"]["type"], "OAUTH2");
    let missing = bench.call("POST", &format!("/connect/complete?session_token={session}"), Value::Null).await;
    assert_eq!(missing.body["error"]["errors"][0]["path"], json!(["integration"]));
}

#[tokio::test]
async fn too_many_merged_tags_are_a_500() {
    let bench = Bench::start().await;
    let tags: Value = (0..10).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let reply = bench.call("POST", "/connect/sessions", json!({ "end_user": { "id": "u" }, "tags": tags })).await;
    let expected = json!({ "error": { "code": "server_error", "message": "Failed to create connect session" } });
    assert_eq!((reply.status, reply.body), (500, expected));
}

#[tokio::test]
async fn overriding_the_documentation_link_is_forbidden() {
    let bench = Bench::start().await;
    let body = json!({ "tags": {}, "overrides": { "github": { "docs_connect": "https://docs.example.com" } } });
    let reply = bench.call("POST", "/connect/sessions", body).await;
    assert_eq!((reply.status, &reply.body["error"]["code"]), (403, &json!("forbidden")));
    assert_eq!(reply.body["error"]["message"], "You are not allowed to override the docs connect url");
}

#[tokio::test]
async fn checks_come_in_their_order() {
    let bench = Bench::start().await;
    let with = |kind: &str, key: &str| Sent {
        method: "POST".to_owned(),
        path: "/connect/sessions?env=dev".to_owned(),
        headers: vec![("Content-Type".to_owned(), kind.to_owned()), ("Authorization".to_owned(), key.to_owned())],
        body: None,
    };
    let cases = [
        (with("application/json", "nobody"), "{\"a\":", 400, "invalid_json"),
        (with("text/plain", "nobody"), "x", 415, "invalid_content_type"),
        (with("application/json", "nobody"), "{}", 401, "invalid_secret_key_format"),
        (with("application/json", DEV), "{}", 400, "invalid_query_params"),
    ];
    for (request, body, status, code) in cases {
        let reply = bench.server.send_text(&request, Some(body)).await;
        assert_eq!((reply.status, &reply.body["error"]["code"]), (status, &json!(code)));
    }
    let put = bench.call("PUT", "/connect/sessions", json!({})).await;
    assert_eq!((put.status, put.headers["content-type"].as_str()), (404, "text/html; charset=utf-8"));
    assert!(!put.headers.contains_key("x-ratelimit-limit"));
}

#[tokio::test]
async fn the_keys_of_an_account_share_its_window() {
    let bench = Bench::start().await;
    for (key, left) in [(DEV, "199"), (PROD, "198"), (DEV, "197")] {
        let reply = bench.server.send(&Bench::request(key, "GET", "/connections", None)).await;
        assert_eq!((reply.body, reply.headers["x-ratelimit-remaining"].as_str()), (json!({ "connections": [] }), left));
    }
    for _ in 0..197 {
        bench.call("GET", "/connections", Value::Null).await;
    }
    bench.clock.advance(Duration::from_millis(59_500));
    let refused = bench.server.send(&Bench::request(PROD, "POST", "/connections?x=y", None)).await;
    let error = json!({ "code": "too_many_request", "method": "POST", "path": "/connections" });
    assert_eq!((refused.status, refused.body), (429, json!({ "error": error })));
    assert_eq!(refused.headers["retry-after"], "0");
    bench.clock.advance(Duration::from_millis(500));
    assert_eq!(bench.call("GET", "/connections", Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_broken_connection_shows_it_everywhere() {
    let bench = Bench::start().await;
    bench.import("c", "github", token()).await;
    assert!(bench.nango.break_connection("c", "github"));
    assert!(!bench.nango.break_connection("c", "slack"));
    let list = bench.call("GET", "/connections", Value::Null).await;
    assert_eq!(list.body["connections"][0]["errors"][0]["type"], "auth");
    let read = bench.call("GET", "/connections/c?provider_config_key=github", Value::Null).await;
    assert_eq!((read.status, &read.body["error"]["code"]), (400, &json!("invalid_credentials")));
    let mut request = Bench::request(DEV, "GET", "/proxy/user", None);
    request.headers.push(("Provider-Config-Key".to_owned(), "github".to_owned()));
    request.headers.push(("Connection-Id".to_owned(), "c".to_owned()));
    let proxied = bench.server.send(&request).await;
    assert_eq!((proxied.status, &proxied.body["error"]["code"]), (424, &json!("connection_refresh_backoff")));
    let session = bench.session("/connect/sessions/reconnect", json!({ "connection_id": "c", "integration_id": "github" })).await;
    bench.click(&session, "github").await;
    assert_eq!(bench.connection("c", "github")["errors"], json!([]));
    assert_eq!(bench.server.send(&request).await.status, 200);
}

#[tokio::test]
async fn the_proxy_echoes_what_nango_would_forward() {
    let bench = Bench::start().await;
    bench.import("c", "github", token()).await;
    let mut request = Bench::request(DEV, "POST", "/proxy/repos/a%2Fb?x=1", Some(json!({ "n": 1 })));
    let missing = bench.server.send(&request).await;
    assert_eq!(missing.body["error"]["code"], "invalid_headers");
    for (name, value) in [("Provider-Config-Key", "github"), ("Connection-Id", "c"), ("Nango-Proxy-Accept", "text/x"), ("X-Own", "1")] {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    let expected = json!({
        "provider": "github",
        "method": "POST",
        "path": "/repos/a%2Fb",
        "query": "x=1",
        "headers": { "accept": "text/x" },
        "body": { "n": 1 },
    });
    assert_eq!(bench.server.send(&request).await.body, expected);
    request.path = "/proxy/status/429".to_owned();
    let limited = bench.server.send(&request).await;
    assert_eq!((limited.status, limited.headers["x-ratelimit-remaining"].as_str()), (429, "7"));
    request.headers[3].1 = "nobody".to_owned();
    assert_eq!(bench.server.send(&request).await.body["error"]["message"], "Failed to get connection");
}

#[tokio::test]
async fn an_import_over_an_id_leaves_nothing_of_the_old() {
    let bench = Bench::start().await;
    bench.import("c", "github", token()).await;
    let before = bench.connection("c", "github");
    bench.clock.advance(Duration::from_secs(1));
    let body = json!({ "provider_config_key": "github", "connection_id": "c", "credentials": token() });
    assert_eq!(bench.call("POST", "/connections", body).await.status, 201);
    let after = bench.connection("c", "github");
    assert_eq!((&after["id"], &after["created_at"]), (&before["id"], &before["created_at"]));
    for (field, empty) in
        [("tags", json!({})), ("metadata", json!({})), ("connection_config", json!({})), ("webhook_url_override", Value::Null)]
    {
        assert_eq!(after[field], empty, "{field}");
    }
}

#[tokio::test]
async fn requests_are_remembered_without_their_keys() {
    let bench = Bench::start().await;
    bench.call("POST", "/connect/sessions", json!({ "tags": {} })).await;
    let seen = bench.nango.requests();
    assert_eq!((seen.len(), seen[0].method.as_str(), seen[0].path.as_str(), seen[0].status), (1, "POST", "/connect/sessions", 201));
    assert!(seen[0].authorized && seen[0].header("authorization").is_none());
    assert_eq!((seen[0].header("content-type"), seen[0].body.as_slice()), (Some("application/json"), &b"{\"tags\":{}}"[..]));
    bench.nango.clear_requests();
    assert!(bench.nango.requests().is_empty());
}
