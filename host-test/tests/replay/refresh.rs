//! Refreshing: what works, what does not, and who may ask.

use std::time::Duration;

use nango_mcp_host::nango::{Key, Options};
use serde_json::{Value, json};

use super::setup::{Bench, token};

const READ: &str = "/connections/c?provider_config_key=github";

/// OAuth2 credentials that ran out, with this refresh token.
fn expired(refresh_token: &str) -> Value {
    json!({ "type": "OAUTH2", "access_token": "old", "refresh_token": refresh_token, "expires_at": "2020-01-01T00:00:00Z" })
}

#[tokio::test]
async fn an_expired_token_is_refreshed_for_an_hour() {
    let bench = Bench::start().await;
    bench.import("c", "github", expired("refreshable-1")).await;
    bench.clock.advance(Duration::from_secs(5));
    let before = bench.connection("c", "github");
    let first = bench.call("GET", READ, Value::Null).await.body;
    assert_ne!(first["credentials"]["access_token"], "old");
    assert_eq!(first["credentials"]["expires_at"], "2027-01-15T09:00:05.000Z");
    assert_ne!(first["updated_at"], before["updated_at"]);
    assert_eq!(first["updated_at"], "2027-01-15T08:00:05.000+00:00");
    // It holds for that hour, and then the same refresh token serves again.
    assert_eq!(bench.call("GET", READ, Value::Null).await.body["credentials"], first["credentials"]);
    bench.clock.advance(Duration::from_secs(3600));
    assert_ne!(bench.call("GET", READ, Value::Null).await.body["credentials"], first["credentials"]);
}

#[tokio::test]
async fn a_refresh_can_be_forced() {
    let bench = Bench::start().await;
    bench.import("c", "github", json!({ "type": "OAUTH2", "access_token": "old", "refresh_token": "refreshable" })).await;
    assert_eq!(bench.call("GET", READ, Value::Null).await.body["credentials"]["access_token"], "old");
    let forced = bench.call("GET", &format!("{READ}&force_refresh=true"), Value::Null).await.body;
    assert_ne!(forced["credentials"]["access_token"], "old");
    assert_eq!(forced["credentials"]["raw"]["access_token"], forced["credentials"]["access_token"]);
    // The provider refuses any other refresh token, and there may be none.
    bench.import("c", "github", expired("other")).await;
    let failed = bench.call("GET", &format!("{READ}&force_refresh=true"), Value::Null).await;
    assert_eq!((failed.status, &failed.body["error"]["code"]), (400, &json!("invalid_credentials")));
    bench.import("c", "github", token()).await;
    let before = bench.connection("c", "github");
    bench.clock.advance(Duration::from_secs(1));
    let nothing = bench.call("GET", &format!("{READ}&force_refresh=true"), Value::Null).await;
    assert_eq!((nothing.status, &nothing.body["credentials"]), (200, &before["credentials"]));
    assert_eq!(nothing.body["updated_at"], before["updated_at"]);
}

#[tokio::test]
async fn the_proxy_refreshes_too() {
    let bench = Bench::start().await;
    bench.import("c", "github", expired("refreshable")).await;
    assert_eq!(bench.proxy("github", "GET", "/user", Value::Null).await.status, 200);
    assert_ne!(bench.connection("c", "github")["credentials"]["access_token"], "old");
    // Broken is broken, whatever its refresh token was.
    bench.nango.break_connection("c", "github");
    assert_eq!(bench.proxy("github", "GET", "/user", Value::Null).await.status, 424);
}

#[tokio::test]
async fn the_refresh_token_is_shown_when_it_is_asked_for() {
    let bench = Bench::start().await;
    bench.import("c", "github", json!({ "type": "OAUTH2", "access_token": "a", "refresh_token": "r" })).await;
    let plain = bench.call("GET", READ, Value::Null).await.body;
    assert_eq!(plain["credentials"], json!({ "type": "OAUTH2", "access_token": "a", "raw": { "type": "OAUTH2", "access_token": "a" } }));
    let asked = bench.call("GET", &format!("{READ}&refresh_token=true"), Value::Null).await.body;
    assert_eq!((&asked["credentials"]["refresh_token"], &asked["credentials"]["raw"]["refresh_token"]), (&json!("r"), &json!("r")));
}

#[tokio::test]
async fn only_who_may_see_credentials_may_ask_for_a_refresh() {
    let reader = "aaaaaaaa-0000-4000-8000-000000000003";
    let scopes = vec!["environment:connections:read".to_owned()];
    let bench = Bench::of(Options { keys: vec![Key { scopes, ..Key::full(reader, "dev") }], ..Options::default() }).await;
    bench.import("c", "github", expired("refreshable")).await;
    for option in ["force_refresh=true", "refresh_token=yes", "refresh_github_app_jwt_token=1"] {
        let reply = bench.server.send(&Bench::request(reader, "GET", &format!("{READ}&{option}"), None)).await;
        let error = json!({ "code": "forbidden", "message": "Insufficient scope. Required: environment:connections:read_credentials" });
        assert_eq!((reply.status, &reply.body["error"]), (403, &error), "{option}");
    }
    let plain = bench.server.send(&Bench::request(reader, "GET", READ, None)).await;
    assert_eq!((plain.status, &plain.body["credentials"]), (200, &json!({})), "nor is it refreshed for them");
    assert_eq!(bench.call("GET", &format!("{READ}&force_refresh=off"), Value::Null).await.status, 200);
}
