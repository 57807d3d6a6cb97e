//! get_connection_context: three reads, and what may leave of them.

use serde_json::{Value, json};

use super::connections::{no_scope, refresh_failure};
use crate::samples::connections::provider;
use crate::samples::{connection, integration, row, sample};
use crate::table::{Outcome, Table, call, call_with, config, with};

const TOOL: &str = "get_connection_context";
const READ: &str = "GET /connections/c-1?provider_config_key=github";
const INTEGRATION: &str = "GET /integrations/github";
const PROVIDER: &str = "GET /providers/github";

#[track_caller]
fn context(connection: (u16, Value), integration: (u16, Value), provider: (u16, Value)) -> Outcome {
    let nango = Table::new()
        .on(READ, connection.0, connection.1)
        .on(INTEGRATION, integration.0, integration.1)
        .on(PROVIDER, provider.0, provider.1)
        .on("GET /connections?connectionId=c-1&integrationId=github&limit=1", 200, json!({"connections": [row("c-1")]}));
    call(&nango, TOOL, &sample(TOOL).0)
}

/// Of this connection; integration and provider as ever.
#[track_caller]
fn of(connection: Value) -> Outcome {
    context((200, connection), (200, json!({"data": integration("github")})), (200, json!({"data": provider()})))
}

fn unknown() -> (u16, Value) {
    (404, json!({"error": {"code": "not_found", "message": "it does not exist"}}))
}

#[test]
fn connection_integration_and_provider_in_one() {
    let outcome = of(connection());
    assert_eq!(outcome.lines(), [READ, INTEGRATION, PROVIDER]);
    assert_eq!(outcome.sent.iter().map(|sent| sent.batch).collect::<Vec<_>>(), [1, 1, 2], "the first two overlap");
    assert_eq!(
        outcome.value(),
        &json!({
            "connection_id": "c-1", "provider_config_key": "github", "provider": "github", "display_name": "GitHub", "auth_mode": "OAUTH2",
            "health": "ok", "errors": [], "end_user": {"id": "u1", "email": "u1@example.com"},
            "tags": {"end_user_id": "u1", "team": "t"}, "metadata": {"own": [1]},
            "scopes": {"connection": {}, "integration": {}},
            "connection_config": {"subdomain": "acme"}, "connection_config_hidden": [],
            "docs": "https://nango.dev/docs/api-integrations/github", "warnings": [],
            // id, three times, credentials; tags of the end user.
            "dropped_fields": 6,
        })
    );
}

#[test]
fn what_is_broken_is_to_be_reconnected() {
    let next = json!({"tool": "create_reconnect_session", "arguments": {"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}});
    for errors in [json!([{"type": "auth", "log_id": "l"}]), json!([{"type": "sync"}, {"type": "auth"}]), json!([{}]), json!(["auth"])] {
        let outcome = of(with(&connection(), json!({"errors": errors})));
        assert_eq!((&outcome.value()["health"], &outcome.value()["next"]), (&json!("reconnect_required"), &next), "{errors}");
        assert_eq!(outcome.value()["errors"].as_array().unwrap().len(), errors.as_array().unwrap().len());
    }
    // Not where the operator does not offer it.
    for config in [&[("NANGO_MCP_READ_ONLY", "true")], &[("NANGO_MCP_TOOLSETS", "connections")]] {
        let (arguments, nango) = (sample(TOOL).0, Table::new().on("*", 200, with(&connection(), json!({"errors": ["auth"]}))));
        let outcome = call_with(&self::config(config), &nango, TOOL, &arguments);
        assert_eq!((&outcome.value()["health"], outcome.value().get("next")), (&json!("reconnect_required"), None), "{config:?}");
    }
    let sync = of(with(&connection(), json!({"errors": [{"type": "sync", "log_id": "l"}]})));
    assert_eq!((&sync.value()["health"], sync.value().get("next")), (&json!("ok"), None), "its credentials work");
    for errors in [Value::Null, json!({}), json!("none")] {
        assert_eq!(of(with(&connection(), json!({"errors": errors}))).value()["health"], "unknown", "{errors}");
    }
}

#[test]
fn a_failed_refresh_is_an_answer() {
    let rest = || ((200, json!({"data": integration("github")})), (200, json!({"data": provider()})));
    let held = with(&connection(), json!({"credentials": {}, "errors": [{"type": "auth", "log_id": "l"}]}));
    for (status, failure) in [
        (400, refresh_failure(held)),
        (400, refresh_failure(with(&connection(), json!({"errors": []})))),
        (424, json!({"error": {"code": "connection_refresh_backoff"}})),
    ] {
        let outcome = context((status, failure), rest().0, rest().1);
        assert_eq!(outcome.value()["health"], "reconnect_required");
        assert_eq!(
            (&outcome.value()["next"]["tool"], &outcome.value()["provider"]),
            (&json!("create_reconnect_session"), &json!("github"))
        );
        assert_eq!(outcome.value()["tags"]["end_user_id"], "u1");
    }
}

#[test]
fn parts_that_cannot_be_read_are_named() {
    let fine = || (200, connection());
    let outcome = context(fine(), (403, no_scope("environment:integrations:read")), (200, json!({"data": provider()})));
    let warnings = outcome.value()["warnings"].as_array().unwrap().clone();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains("integration could not be read"), "{warnings:?}");
    assert!(warnings[0].as_str().unwrap().contains("environment:integrations:read"), "{warnings:?}");
    assert_eq!(outcome.value()["auth_mode"], "OAUTH2");

    for bad in [unknown(), (200, json!({})), (200, json!([])), (500, json!({}))] {
        let outcome = context(fine(), (200, json!({"data": integration("github")})), bad);
        assert!(outcome.value()["warnings"].to_string().contains("the provider could not be read"), "{}", outcome.text());
        // Without the template nothing says what is no secret.
        assert_eq!(
            (&outcome.value()["connection_config"], &outcome.value()["connection_config_hidden"]),
            (&json!({}), &json!(["subdomain"]))
        );
    }
    // The provider's name comes from either; a name that is none is not asked for.
    let nameless = || (200, with(&connection(), json!({"provider": null})));
    assert_eq!(context(nameless(), (200, json!({"data": integration("github")})), (200, json!({"data": provider()}))).lines().len(), 3);
    assert_eq!(context(nameless(), unknown(), unknown()).lines(), [READ, INTEGRATION]);
    let hostile = (200, with(&connection(), json!({"provider": "../connections"})));
    assert_eq!(context(hostile, unknown(), unknown()).lines(), [READ, INTEGRATION]);
}

#[test]
fn without_the_connection_there_is_no_context() {
    let rest = || ((200, json!({"data": integration("github")})), (200, json!({"data": provider()})));
    for (first, code) in [
        (unknown(), "unknown_connection"),
        ((403, no_scope("environment:connections:read")), "missing_scope"),
        ((200, with(&connection(), json!({"connection_id": "c-2"}))), "invalid_answer"),
        ((200, json!([])), "invalid_answer"),
    ] {
        let outcome = context(first, rest().0, rest().1);
        assert_eq!((outcome.code(), outcome.lines()), (code, vec![READ, INTEGRATION]), "{}", outcome.text());
    }
}

#[test]
fn scopes_are_shown_by_path_and_nothing_else_of_credentials() {
    let secret = "planted-secret";
    let deep = json!({"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"scope": "too-deep"}}}}}}}}});
    let read = with(
        &connection(),
        json!({
            "credentials": {
                "type": "OAUTH2", "access_token": secret, "scope_secret": secret, "resource": secret, "permissions": [secret], "scopes": ["a", "b"],
                "raw": {"scope": "repo,user:email", "access_token": secret, "nested": [{"scope": {"token": secret}}, {"scopes": 7}]},
                "config_override": {"client_secret": secret, "scope": "has \u{202e} odd characters"},
            },
            "connection_config": {"oauth_scopes": "x y", "list": [{"Permission": 3}, {"resources": ["r1", "r2"]}], "deep": deep},
            "metadata": {"scope": "https://www.googleapis.com/auth/drive", "scopeText": "<b>no scope</b>"},
        }),
    );
    let asked = json!({"data": with(&integration("github"), json!({"credentials": {"client_secret": secret, "scopes": "repo"}}))});
    let outcome = context((200, read), (200, asked), (200, json!({"data": provider()})));
    assert_eq!(
        outcome.value()["scopes"],
        json!({
            "connection": {
                "metadata.scope": "https://www.googleapis.com/auth/drive",
                "connection_config.oauth_scopes": "x y",
                "connection_config.list[0].Permission": 3,
                "connection_config.list[1].resources": ["r1", "r2"],
                "credentials.scopes": ["a", "b"],
                "credentials.raw.scope": "repo,user:email",
            },
            "integration": {"credentials.scopes": "repo"},
        })
    );
    assert!(!outcome.text().contains(secret), "{}", outcome.text());
}

#[test]
fn settings_are_shown_where_the_template_says_they_are_no_secret() {
    let template = with(
        &provider(),
        json!({"connection_config": {
            "subdomain": {"type": "string"}, "open": {"secret": false}, "pin": {"secret": true}, "odd": {"secret": "yes"}, "text": "string", "object": {},
            "scope_secret": {"secret": true},
        }}),
    );
    let config = json!({
        "subdomain": "acme", "open": 3, "pin": "p-hidden", "odd": "p-hidden", "text": "p-hidden", "undeclared": "p-hidden",
        "object": {"a": "p-hidden"}, "scope_secret": "p-hidden",
    });
    let read = with(&connection(), json!({"connection_config": config}));
    let outcome = context((200, read), (200, json!({"data": integration("github")})), (200, json!({"data": template})));
    assert_eq!(outcome.value()["connection_config"], json!({"subdomain": "acme", "open": 3}));
    assert_eq!(outcome.value()["connection_config_hidden"], json!(["pin", "odd", "text", "undeclared", "object", "scope_secret"]));
    assert!(!outcome.text().contains("p-hidden"));
}

#[test]
fn the_organization_is_the_persons_or_of_the_tags() {
    let person = json!({"id": "u1", "organization": {"id": "o1", "display_name": "Acme", "secret": 1}});
    let outcome = of(with(&connection(), json!({"end_user": person})));
    assert_eq!(outcome.value()["organization"], json!({"id": "o1", "display_name": "Acme"}));
    let outcome = of(with(&connection(), json!({"tags": {"organization_id": "o2"}})));
    assert_eq!(outcome.value()["organization"], json!({"id": "o2"}));
}
