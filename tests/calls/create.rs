//! The two tools that make a link for a new connection.

use serde_json::{Value, json};

use crate::samples::{integration, sample, session};
use crate::table::{Outcome, TOKEN, Table, call, call_with, config, refused, with};

/// Call with `change` laid over the sample, and say which body was sent.
#[track_caller]
fn create(tool: &str, change: Value) -> (Outcome, Value) {
    let (arguments, nango) = sample(tool);
    let outcome = call(&nango, tool, &with(&arguments, change));
    assert_eq!(outcome.lines(), ["POST /connect/sessions"], "{}", outcome.text());
    let body = outcome.sent[0].body.clone().unwrap();
    (outcome, body)
}

#[test]
fn a_link_for_the_integrations_and_tags_of_the_callers_choice() {
    let (outcome, body) = create("create_connect_session", json!({}));
    assert_eq!(body, json!({"tags": {"end_user_id": "u1"}, "allowed_integrations": ["github"]}));
    assert_eq!(
        outcome.value(),
        &json!({
            "connect_link": format!("https://connect.nango.dev/?session_token={TOKEN}"),
            "issued_at": "2026-11-23T12:42:45.060Z",
            "expires_at": "2026-11-23T13:12:45.060Z",
            "say": "Please open the link to connect github; it is for you alone and works until 13:12 UTC.",
            "next": {"tool": "wait_for_connection", "arguments": {
                "environment": "dev", "provider_config_keys": ["github"], "end_user_id": "u1", "since": "2026-11-23T12:42:45.060Z",
            }},
            "allowed_integrations": ["github"],
            "tags": {"end_user_id": "u1"},
        })
    );
}

#[test]
fn everything_that_can_be_said_about_a_session_reaches_nango() {
    let change = json!({
        "allowed_integrations": ["github", "slack"],
        "tags": {"Team": "A a", "end_user_id": "u1"},
        "end_user": {"id": "u9", "email": "u9@example.com", "display_name": "U 9", "tags": {"plan": "pro"}},
        "organization": {"id": "acme", "display_name": "Acme"},
        "integrations_config_defaults": {
            "github": {"authorization_params": {"prompt": "consent"}, "connection_config": {"oauth_scopes_override": "repo,gist", "n": {"a": [1]}}},
            "slack": {"user_scopes": "a,b"},
        },
        "overrides": {"github": {"docs_connect": "https://docs.example.com"}},
        "webhook_url_override": "https://hooks.example.com/n",
    });
    let (outcome, body) = create("create_connect_session", change.clone());
    // Keys of tags are sent as Nango keeps them; nothing else is changed.
    assert_eq!(body, with(&change, json!({"tags": {"team": "A a", "end_user_id": "u1"}})));
    let tags = json!({
        "plan": "pro", "end_user_id": "u1", "end_user_email": "u9@example.com", "end_user_display_name": "U 9",
        "organization_id": "acme", "organization_display_name": "Acme", "team": "A a",
    });
    assert_eq!(outcome.value()["tags"], tags);
    assert!(outcome.value()["say"].as_str().unwrap().starts_with("Please open the link to connect github or slack;"));
    let since = "2026-11-23T12:42:45.060Z";
    // By all of them: the same person may have another link, for something else.
    let next = json!({"environment": "dev", "provider_config_keys": ["github", "slack"], "tags": tags, "since": since});
    assert_eq!(outcome.value()["next"]["arguments"], next);
}

#[test]
fn the_person_may_be_said_by_end_user_alone_or_by_empty_tags() {
    let (outcome, body) = create("create_connect_session", json!({"tags": null, "end_user": {"id": "u9"}}));
    assert_eq!(body, json!({"end_user": {"id": "u9"}, "allowed_integrations": ["github"]}));
    assert_eq!(outcome.value()["tags"], json!({"end_user_id": "u9"}));
    let (outcome, body) = create("create_connect_session", json!({"tags": {}}));
    assert_eq!(body, json!({"tags": {}, "allowed_integrations": ["github"]}));
    assert_eq!(outcome.value()["next"]["arguments"], json!({"environment": "dev", "integration_id": "github"}));
    let (outcome, _) = create("create_connect_session", json!({"tags": {"Room": "7"}}));
    assert_eq!(outcome.value()["next"]["arguments"]["tags"], json!({"room": "7"}));
    let outcome =
        refused("create_connect_session", &with(&sample("create_connect_session").0, json!({"tags": null})), "person_missing", "tags");
    assert!(
        outcome.sentence().contains(r#"{"end_user_id": "u1"}"#) && outcome.sentence().contains(r#"`end_user`, for example {"id": "u1"}"#)
    );
}

#[test]
fn ten_tags_are_taken_and_eleven_are_not_however_they_come_about() {
    let tags = |count: usize| (0..count).map(|at| (format!("k{at}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    let full = json!({"id": "u9", "email": "u9@example.com", "display_name": "U"});
    let base = sample("create_connect_session").0;
    for (given, end_user, organization) in
        [(10, Value::Null, Value::Null), (7, full.clone(), Value::Null), (5, full, json!({"id": "o", "display_name": "O"}))]
    {
        let change = |count: usize| json!({"tags": tags(count), "end_user": end_user, "organization": organization});
        create("create_connect_session", change(given));
        if given < 10 {
            let outcome = refused("create_connect_session", &with(&base, change(given + 1)), "too_many_tags", "tags");
            assert!(outcome.sentence().contains("these make 11 tags") && outcome.sentence().contains("end_user"), "{}", outcome.sentence());
        }
    }
    // One key from both sides is one tag.
    let mut shared = tags(9);
    shared.insert("end_user_id".into(), "u1".into());
    create("create_connect_session", json!({"tags": shared, "end_user": {"id": "u9", "tags": {"k0": "w"}}}));
    let own = json!({"tags": tags(6), "end_user": {"id": "u9", "tags": {"a": "1", "b": "2", "c": "3", "d": "4"}}});
    refused("create_connect_session", &with(&base, own), "too_many_tags", "tags");
}

#[test]
fn the_convention_names_the_integrations_that_there_are() {
    let unknown = json!({"error": {"code": "invalid_body", "errors": [{"message": "Integration does not exist", "path": ["allowed_integrations", "0"]}]}});
    let nango = |listed: u16| {
        let nango = Table::new().on("POST /connect/sessions", 400, unknown.clone());
        nango.on("GET /integrations", listed, json!({"data": [integration("github"), integration("slack")]}))
    };
    for (listed, says) in [(200, "there are: `github`, `slack`"), (403, "list_integrations")] {
        let outcome = call(&nango(listed), "create_standard_connect_session", &sample("create_standard_connect_session").0);
        assert_eq!((outcome.code(), outcome.error["field"].as_str()), ("unknown_integration", Some("provider_config_key")));
        assert!(outcome.error["hint"].as_str().unwrap().contains(says) && outcome.error.get("status").is_none(), "{}", outcome.error);
    }
}

#[test]
fn the_convention_makes_the_tags() {
    let (outcome, body) = create("create_standard_connect_session", json!({}));
    let tags = json!({"end_user_id": "u1", "environment": "dev", "owner_kind": "user", "purpose": "documents"});
    assert_eq!(body, json!({"tags": tags, "allowed_integrations": ["github"]}));
    assert_eq!(outcome.value()["tags"], tags);
    assert_eq!(
        outcome.value()["after_connect"],
        json!({"tool": "apply_connection_convention", "arguments": {
            "environment": "dev", "provider_config_key": "github", "principal": "u1", "owner_kind": "user", "purpose": "documents",
        }})
    );
    assert_eq!(
        outcome.value()["next"],
        json!({"tool": "wait_for_connection", "arguments": {
            "environment": "dev", "provider_config_keys": ["github"], "tags": tags, "since": "2026-11-23T12:42:45.060Z",
        }})
    );
    assert_eq!(outcome.value()["say"], "Please open the link to connect github; it is for you alone and works until 13:12 UTC.");
}

#[test]
fn the_convention_knows_an_email_address_and_every_extra() {
    let (_, body) = create("create_standard_connect_session", json!({"principal": "  a@example.com "}));
    assert_eq!((&body["tags"]["end_user_id"], &body["tags"]["end_user_email"]), (&json!("a@example.com"), &json!("a@example.com")));
    let change = json!({
        "principal": "a@example.com", "email": "b@example.com", "organization_id": "acme", "display_name": "A B", "oauth_app_owner": "operator",
        "owner_kind": "shared_mailbox", "purpose": "mailbox_readwrite",
        "integrations_config_defaults": {"github": {"user_scopes": "x"}},
    });
    let (outcome, body) = create("create_standard_connect_session", change);
    let tags = json!({
        "end_user_id": "a@example.com", "environment": "dev", "owner_kind": "shared_mailbox", "purpose": "mailbox_readwrite",
        "end_user_email": "b@example.com", "organization_id": "acme", "end_user_display_name": "A B",
    });
    assert_eq!(
        body,
        json!({"tags": tags, "allowed_integrations": ["github"], "integrations_config_defaults": {"github": {"user_scopes": "x"}}})
    );
    assert_eq!(outcome.value()["after_connect"]["arguments"]["oauth_app_owner"], "operator");
}

#[test]
fn the_token_alone_is_returned_only_when_asked_for_and_said_never() {
    for tool in ["create_connect_session", "create_standard_connect_session", "create_reconnect_session"] {
        for (include, token) in [(json!(true), json!(TOKEN)), (json!(false), Value::Null), (Value::Null, Value::Null)] {
            let (arguments, nango) = sample(tool);
            let outcome = call(&nango, tool, &with(&arguments, json!({"include_token": include})));
            assert_eq!(outcome.value()["token"], token, "{tool}");
            let say = outcome.value()["say"].as_str().unwrap();
            assert!(!say.contains(TOKEN) && !say.contains("http"), "{tool}: {say}");
            assert_eq!(outcome.text().matches(TOKEN).count(), if token.is_null() { 1 } else { 2 }, "{tool}");
        }
    }
}

#[test]
fn the_link_works_for_the_person_wherever_nango_is() {
    let link = |at: &str, more: &str| format!("{at}/?session_token={TOKEN}{more}");
    for (base, public, given, expected) in [
        ("https://api.nango.dev", "", link("https://connect.nango.dev", ""), link("https://connect.nango.dev", "")),
        ("https://api-eu.nango.dev", "", link("https://connect.nango.dev", ""), link("https://connect.nango.dev", "")),
        ("http://nango:3003", "", link("http://c:3009", ""), link("http://c:3009", "&apiURL=http%3A%2F%2Fnango%3A3003")),
        (
            "http://nango:3003",
            "https://n.example/api",
            link("http://c:3009", ""),
            link("http://c:3009", "&apiURL=https%3A%2F%2Fn.example%2Fapi"),
        ),
        (
            "https://api.nango.dev",
            "https://n.example",
            link("https://connect.nango.dev", ""),
            link("https://connect.nango.dev", "&apiURL=https%3A%2F%2Fn.example"),
        ),
    ] {
        let config = config(&[("NANGO_BASE_URL", base), ("NANGO_MCP_PUBLIC_NANGO_URL", public)]);
        for tool in ["create_connect_session", "create_standard_connect_session", "create_reconnect_session"] {
            let (arguments, nango) = sample(tool);
            let nango = nango.changed(|mut body| {
                if body.pointer("/data/connect_link").is_some() {
                    body["data"]["connect_link"] = given.as_str().into();
                }
                body
            });
            assert_eq!(call_with(&config, &nango, tool, &arguments).value()["connect_link"], expected.as_str(), "{tool} at {base}");
        }
    }
}

#[test]
fn a_session_without_a_usable_link_is_a_failure() {
    for (path, value) in
        [("connect_link", json!("javascript:alert(1)")), ("connect_link", json!(7)), ("token", Value::Null), ("expires_at", Value::Null)]
    {
        let mut body = session();
        body["data"][path] = value;
        let nango = Table::new().on("POST /connect/sessions", 201, body);
        let outcome = call(&nango, "create_connect_session", &sample("create_connect_session").0);
        assert_eq!((outcome.code(), outcome.error["status"].as_u64()), ("invalid_answer", Some(201)), "{path}");
        assert!(!outcome.text().contains("javascript") && !outcome.text().contains(TOKEN));
    }
    let mut body = session();
    body["data"]["expires_at"] = "later".into();
    let nango = Table::new().on("POST /connect/sessions", 201, body);
    let outcome = call(&nango, "create_connect_session", &sample("create_connect_session").0);
    assert_eq!(outcome.value().get("issued_at"), None);
    assert!(outcome.value()["say"].as_str().unwrap().ends_with("works for 30 minutes."));
}
