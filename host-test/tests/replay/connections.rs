//! Connections: importing every kind of credentials, changing and deleting.

use serde_json::{Value, json};

use super::setup::{Bench, token};

/// Adds an integration that the demo does not have.
async fn integrate(bench: &Bench, provider: &str, kind: &str) {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----";
    let mut body = json!({ "provider": provider, "unique_key": provider });
    body["credentials"] = match kind {
        "OAUTH1" | "TBA" => json!({ "type": kind, "client_id": "app", "client_secret": "app-secret" }),
        "APP" => json!({ "type": kind, "app_id": "1", "app_link": "l", "private_key": key }),
        "CUSTOM" => json!({ "type": kind, "client_id": "i", "client_secret": "s", "app_id": "1", "app_link": "l", "private_key": key }),
        _ => Value::Null,
    };
    if body["credentials"].is_null() {
        body = json!({ "provider": provider, "unique_key": provider });
    }
    let made = bench.call("POST", "/integrations", body).await;
    assert_eq!(made.status, 200, "{}", made.body);
}

fn imported(integration: &str, credentials: &Value) -> Value {
    let config = json!({ "accountId": "42" });
    json!({ "provider_config_key": integration, "connection_id": "c", "credentials": credentials, "connection_config": config })
}

#[tokio::test]
async fn credentials_of_every_type_are_imported() {
    let bench = Bench::start().await;
    for (provider, kind) in
        [("trello", "OAUTH1"), ("netsuite-tba", "TBA"), ("github-app", "APP"), ("github-app-oauth", "CUSTOM"), ("auth0-cc", "OAUTH2_CC")]
    {
        integrate(&bench, provider, kind).await;
    }
    let oauth1 = json!({ "type": "OAUTH1", "oauth_token": "t", "oauth_token_secret": "s" });
    let client = json!({ "type": "OAUTH2_CC", "token": "t", "client_id": "i", "client_secret": "s" });
    let with_raw = |credentials: &Value| {
        let mut kept = credentials.clone();
        kept["raw"] = credentials.clone();
        kept
    };
    let as_given = [
        ("airtable-pat", json!({ "type": "API_KEY", "apiKey": "k" })),
        ("stripe-api-key", json!({ "type": "BASIC", "username": "u", "password": "" })),
        ("netsuite-tba", json!({ "type": "TBA", "token_id": "i", "token_secret": "s" })),
    ];
    let stored = [
        ("github", token(), with_raw(&token())),
        ("trello", oauth1.clone(), with_raw(&oauth1)),
        ("auth0-cc", client.clone(), with_raw(&client)),
        ("unauthenticated", json!({ "type": "NONE" }), json!({})),
    ];
    let all = as_given.map(|(integration, credentials)| (integration, credentials.clone(), credentials)).into_iter().chain(stored);
    for (integration, credentials, expected) in all {
        let reply = bench.call("POST", "/connections", imported(integration, &credentials)).await;
        assert_eq!((reply.status, &reply.body["credentials"]), (201, &expected), "{integration}: {}", reply.body);
    }
    for (integration, kind) in [("github-app", "APP"), ("github-app-oauth", "CUSTOM")] {
        let credentials = json!({ "type": kind, "app_id": "1", "installation_id": "2" });
        let reply = bench.call("POST", "/connections", imported(integration, &credentials)).await;
        assert_eq!((reply.status, &reply.body["credentials"]["type"]), (201, &json!("APP")));
        assert_eq!(reply.body["credentials"]["expires_at"], "2027-01-15T09:00:00.000Z");
    }
    let config = bench.connection("c", "netsuite-tba")["connection_config"].clone();
    assert_eq!(config, json!({ "accountId": "42", "oauth_client_id": "app", "oauth_client_secret": "app-secret" }));
}

#[tokio::test]
async fn an_import_can_be_refused() {
    let bench = Bench::start().await;
    integrate(&bench, "netsuite-tba", "TBA").await;
    let tba = json!({ "type": "TBA", "token_id": "i", "token_secret": "s" });
    let cases = [
        (json!({ "provider_config_key": "nope", "credentials": token() }), 404, "not_found"),
        (json!({ "provider_config_key": "netsuite-tba", "credentials": tba }), 400, "invalid_body"),
        (json!({ "provider_config_key": "github", "credentials": { "type": "JWT" } }), 400, "invalid_body"),
        (json!({ "provider_config_key": "github", "credentials": { "type": "OAUTH2", "access_token": "" } }), 400, "invalid_body"),
        (
            json!({ "provider_config_key": "github", "credentials": { "type": "OAUTH2", "access_token": "a", "token": "b" } }),
            400,
            "invalid_body",
        ),
        (
            json!({
                "provider_config_key": "github",
                "credentials": { "type": "OAUTH2", "access_token": "a", "config_override": { "secret": "b" } },
            }),
            400,
            "invalid_body",
        ),
        (
            json!({ "provider_config_key": "github", "credentials": token(), "connection_config": { "oauth_scopes_override": "a" } }),
            400,
            "invalid_body",
        ),
    ];
    for (body, status, code) in cases {
        let reply = bench.call("POST", "/connections", body.clone()).await;
        assert_eq!((reply.status, &reply.body["error"]["code"]), (status, &json!(code)), "{body}");
    }
    assert_eq!(bench.call("GET", "/connections", Value::Null).await.body, json!({ "connections": [] }));
}

#[tokio::test]
async fn a_patch_replaces_tags_and_leaves_the_rest() {
    let bench = Bench::start().await;
    bench.import("c", "github", token()).await;
    let path = "/connections/c?provider_config_key=github";
    let before = bench.connection("c", "github");
    bench.clock.advance(std::time::Duration::from_secs(1));
    for (body, tags, webhook) in [
        (json!({}), json!({ "source": "crm", "end_user_id": "u1" }), json!("https://hooks.example.com/a")),
        (json!({ "tags": { "Project": "Beta" } }), json!({ "project": "Beta" }), json!("https://hooks.example.com/a")),
        (
            json!({ "end_user": { "id": "u9", "email": "u9@example.com" }, "tags": { "Project": "Beta" }, "webhook_url_override": "" }),
            json!({ "project": "Beta", "end_user_id": "u9", "end_user_email": "u9@example.com" }),
            Value::Null,
        ),
        (json!({ "end_user": { "id": "u9" } }), json!({ "end_user_id": "u9" }), Value::Null),
        (json!({ "tags": {} }), json!({}), Value::Null),
    ] {
        let reply = bench.call("PATCH", path, body.clone()).await;
        assert_eq!((reply.status, reply.body), (200, json!({ "success": true })), "{body}");
        let after = bench.connection("c", "github");
        assert_eq!((&after["tags"], &after["webhook_url_override"]), (&tags, &webhook), "{body}");
        for field in ["metadata", "connection_config", "credentials", "updated_at", "last_fetched_at"] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }
    assert_eq!(bench.connection("c", "github")["end_user"]["id"], "u9");
    let tags: Value = (0..10).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let many = bench.call("PATCH", path, json!({ "end_user": { "id": "u" }, "tags": tags })).await;
    let error = json!({ "code": "invalid_body", "message": "Tags cannot contain more than 10 keys" });
    assert_eq!((many.status, &many.body["error"]), (400, &error));
    let metadata = bench.call("PATCH", path, json!({ "metadata": {} })).await;
    assert_eq!(metadata.body["error"]["errors"][0]["code"], "unrecognized_keys");
}

#[tokio::test]
async fn metadata_is_replaced_or_merged_on_all_or_none() {
    let bench = Bench::start().await;
    bench.import("a", "github", token()).await;
    bench.import("b", "github", token()).await;
    let body = |ids: Value, metadata: Value| json!({ "connection_id": ids, "provider_config_key": "github", "metadata": metadata });
    let missing = bench.call("POST", "/connections/metadata", body(json!(["a", "nope"]), json!({ "x": 1 }))).await;
    assert_eq!((missing.status, &missing.body["error"]["code"]), (404, &json!("unknown_connection")));
    assert_eq!(bench.connection("a", "github")["metadata"], json!({ "plan": "gold" }));
    let merged = body(json!(["a", "b"]), json!({ "deep": { "x": 1 } }));
    let reply = bench.call("PATCH", "/connections/metadata", merged.clone()).await;
    assert_eq!((reply.status, reply.body), (200, merged), "the input again");
    assert_eq!(bench.connection("b", "github")["metadata"], json!({ "deep": { "x": 1 }, "plan": "gold" }));
    bench.call("PATCH", "/connections/metadata", body(json!("b"), json!({ "deep": { "y": 2 } }))).await;
    assert_eq!(bench.connection("b", "github")["metadata"]["deep"], json!({ "y": 2 }), "only the top is merged");
    assert_eq!(bench.call("POST", "/connections/metadata", body(json!("a"), json!({}))).await.status, 201);
    assert_eq!(bench.connection("a", "github")["metadata"], json!({}));
}

#[tokio::test]
async fn a_connection_is_deleted_once() {
    let bench = Bench::start().await;
    bench.import("a/b c", "github", token()).await;
    let path = "/connections/a%2Fb%20c?provider_config_key=github";
    assert_eq!(bench.call("DELETE", "/connections/a%2Fb%20c", Value::Null).await.body["error"]["code"], "invalid_query_params");
    assert_eq!(bench.call("DELETE", path, Value::Null).await.body, json!({ "success": true }));
    let again = bench.call("DELETE", path, Value::Null).await;
    assert_eq!((again.status, again.body), (400, json!({ "error": { "code": "unknown_connection" } })));
    assert_eq!(bench.call("GET", path, Value::Null).await.status, 404);
}
