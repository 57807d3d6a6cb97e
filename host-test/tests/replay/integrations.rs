//! Integrations: every kind of app, and what else can be said of one.

use nango_mcp_host::nango::{Key, Options};
use serde_json::{Value, json};

use super::setup::{Bench, token};

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----";

/// A provider of each auth mode that has an app, and one.
fn apps() -> [(&'static str, Value); 5] {
    let client = |kind: &str| json!({ "type": kind, "client_id": "id", "client_secret": "s", "scopes": "a,b:c", "webhook_secret": "w" });
    [
        ("trello", client("OAUTH1")),
        ("github", client("OAUTH2")),
        ("netsuite-tba", client("TBA")),
        ("github-app", json!({ "type": "APP", "app_id": "1", "app_link": "https://example.com", "private_key": KEY })),
        (
            "github-app-oauth",
            json!({ "type": "CUSTOM", "client_id": "id", "client_secret": "s", "app_id": "1", "app_link": "l", "private_key": KEY }),
        ),
    ]
}

fn creation(provider: &str, credentials: &Value) -> Value {
    json!({ "provider": provider, "unique_key": format!("new {provider}"), "credentials": credentials })
}

#[tokio::test]
async fn every_kind_of_app_is_kept_and_shown() {
    let bench = Bench::start().await;
    for (provider, credentials) in apps() {
        let made = bench.call("POST", "/integrations", creation(provider, &credentials)).await;
        assert_eq!((made.status, &made.body["data"]["credentials"]), (200, &Value::Null), "{provider}: {}", made.body);
        let path = format!("/integrations/new%20{provider}");
        let shown = bench.call("GET", &format!("{path}?include=webhook&include=credentials"), Value::Null).await.body;
        assert_eq!(shown["data"]["credentials"], credentials);
        let url = shown["data"]["webhook_url"].as_str().unwrap_or_default();
        let routed = provider.starts_with("github-app");
        assert_eq!(url.contains("/webhook/") && url.ends_with(&format!("/new%20{provider}")), routed, "{provider}: {url}");
        let patched = bench.call("PATCH", &path, json!({ "credentials": credentials, "custom": { "a": "b" } })).await;
        assert_eq!(patched.status, 200);
        let without = bench.call("POST", "/integrations", json!({ "provider": provider, "unique_key": "other" })).await;
        assert_eq!(without.status, if provider == "netsuite-tba" { 200 } else { 400 }, "{provider}");
        bench.call("DELETE", "/integrations/other", Value::Null).await;
    }
}

#[tokio::test]
async fn a_wrong_app_is_told_field_by_field() {
    let bench = Bench::start().await;
    let long = "x".repeat(256);
    let cases = [
        (json!("x"), "invalid_type", "invalid credentials object", json!(["credentials"])),
        (json!({ "type": "API_KEY" }), "invalid_union", "invalid credentials object", json!(["credentials", "type"])),
        (
            json!({ "type": "OAUTH2", "client_secret": "s" }),
            "invalid_type",
            "Invalid input: expected string, received undefined",
            json!(["credentials", "client_id"]),
        ),
        (
            json!({ "type": "OAUTH2", "client_id": long, "client_secret": "s" }),
            "too_big",
            "Too big: expected string to have <=255 characters",
            json!(["credentials", "client_id"]),
        ),
        (
            json!({ "type": "OAUTH2", "client_id": "i", "client_secret": "s", "scopes": "a b" }),
            "invalid_union",
            "Invalid input",
            json!(["credentials", "scopes"]),
        ),
        (
            json!({ "type": "APP", "app_id": "1", "app_link": "l", "private_key": KEY.trim_end_matches('-') }),
            "invalid_format",
            "Invalid string: must end with \"-----END RSA PRIVATE KEY-----\"",
            json!(["credentials", "private_key"]),
        ),
        (
            json!({ "type": "OAUTH2", "client_id": "i", "client_secret": "s", "app_id": "1" }),
            "unrecognized_keys",
            "Unrecognized key: \"app_id\"",
            json!(["credentials"]),
        ),
    ];
    for (credentials, code, message, path) in cases {
        let reply = bench.call("POST", "/integrations", creation("github", &credentials)).await;
        let error = json!({ "code": "invalid_body", "errors": [{ "code": code, "message": message, "path": path }] });
        assert_eq!((reply.status, &reply.body["error"]), (400, &error));
    }
}

#[tokio::test]
async fn refusals_that_are_no_matter_of_form() {
    let bench = Bench::start().await;
    let other = json!({ "type": "APP", "app_id": "1", "app_link": "l", "private_key": KEY });
    let mode = "incompatible credentials auth type and provider auth";
    let twice = json!({ "provider": "slack", "unique_key": "github", "credentials": other });
    let reply = bench.call("POST", "/integrations", twice).await;
    assert_eq!(reply.body["error"], json!({ "code": "invalid_body", "message": mode }), "the mode comes before the key");
    let reply = bench.call("PATCH", "/integrations/github", json!({ "credentials": other })).await;
    assert_eq!(reply.body["error"]["message"], mode);
    let reply = bench.call("POST", "/integrations", json!({ "provider": "datadog", "unique_key": "github" })).await;
    assert_eq!(reply.body["error"]["errors"][0]["path"], json!(["uniqueKey"]));

    let taken = bench.call("PATCH", "/integrations/github", json!({ "unique_key": "slack" })).await;
    let message = "uniqueKey is already used by another integration";
    assert_eq!((taken.status, &taken.body["error"]), (400, &json!({ "code": "invalid_body", "message": message })));
    bench.import("c", "github", token()).await;
    let used = bench.call("PATCH", "/integrations/github", json!({ "unique_key": "gh" })).await;
    let message = "Can't rename an integration with active connections";
    assert_eq!((used.status, &used.body["error"]), (400, &json!({ "code": "invalid_body", "message": message })));
    let same = bench.call("PATCH", "/integrations/github", json!({ "unique_key": "github", "forward_webhooks": false })).await;
    assert_eq!((same.status, &same.body["data"]["forward_webhooks"]), (200, &json!(false)));
    let custom = bench.call("PATCH", "/integrations/github", json!({ "custom": { "a": 1 } })).await;
    assert_eq!(custom.body["error"]["errors"][0]["path"], json!(["custom", "a"]));
}

#[tokio::test]
async fn deleting_an_integration_takes_its_connections_along() {
    let bench = Bench::start().await;
    bench.import("c", "github", token()).await;
    bench.import("c", "slack", token()).await;
    let gone = bench.call("DELETE", "/integrations/github", Value::Null).await;
    assert_eq!((gone.status, gone.body), (200, json!({ "success": true })));
    let left = bench.call("GET", "/connections", Value::Null).await.body;
    assert_eq!(left["connections"].as_array().map(Vec::len), Some(1));
    assert_eq!(left["connections"][0]["provider_config_key"], "slack");
    let again = bench.call("DELETE", "/integrations/github", Value::Null).await;
    assert_eq!((again.status, &again.body["error"]["code"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn an_app_is_shown_to_who_may_see_it() {
    let keys = [("3", "read"), ("4", "read_credentials"), ("5", "update")];
    let secret = |last: &str| format!("aaaaaaaa-0000-4000-8000-00000000000{last}");
    let scoped = keys.map(|(last, scope)| {
        let scopes = vec![format!("environment:integrations:{scope}")];
        Key { scopes, ..Key::full(secret(last), "dev") }
    });
    let bench = Bench::of(Options { keys: scoped.to_vec(), ..Options::default() }).await;
    for (last, status, shown) in [("3", 200, false), ("4", 200, true), ("5", 403, false)] {
        let request = Bench::request(&secret(last), "GET", "/integrations/github?include=webhook&include=credentials", None);
        let reply = bench.server.send(&request).await;
        assert_eq!((reply.status, reply.body["data"].get("credentials").is_some()), (status, shown), "{last}");
        assert_eq!(reply.body["data"].get("webhook_url").is_some(), status == 200);
    }
}
