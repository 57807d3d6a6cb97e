//! Arguments that a schema refuses: what is said of them, and that what is just within the limits is taken.

use serde_json::{Value, json};

use crate::samples::sample;
use crate::table::{call, refused, with};

/// One change of the sample call, refused so.
#[track_caller]
fn check(tool: &str, change: Value, code: &str, field: &str) -> String {
    refused(tool, &with(&sample(tool).0, change), code, field).sentence().to_owned()
}

#[test]
fn an_unknown_argument_names_the_nearest() {
    for (tool, change, field, near) in [
        ("create_connect_session", json!({"allowedIntegrations": ["somewhere"]}), "allowedIntegrations", "`allowed_integrations`"),
        ("create_connect_session", json!({"endUser": {"id": "somebody"}}), "endUser", "`end_user`"),
        (
            "create_connect_session",
            json!({"end_user": {"id": "somebody", "displayName": "Some Body"}}),
            "end_user.displayName",
            "`end_user.display_name`",
        ),
        (
            "create_connect_session",
            json!({"integrations_config_defaults": {"slack": {"userScopes": "some,scopes"}}}),
            "integrations_config_defaults.slack.userScopes",
            "`integrations_config_defaults.slack.user_scopes`",
        ),
        ("create_reconnect_session", json!({"connectionId": "some-id"}), "connectionId", "`connection_id`"),
        ("create_standard_connect_session", json!({"ownerKind": "some-kind"}), "ownerKind", "`owner_kind`"),
        ("list_connections", json!({"integration": "somewhere"}), "integration", "`integration_id`"),
        ("get_connection", json!({"provider-config-key": "somewhere"}), "provider-config-key", "`provider_config_key`"),
    ] {
        let say = check(tool, change, "unknown_argument", field);
        assert!(say.contains(&format!("did you mean {near}?")), "{say}");
    }
    let say = check("list_connections", json!({"colour": "red-and-blue"}), "unknown_argument", "colour");
    assert!(say.contains("known: environment, integration_id, connection_id, search"), "{say}");
    let say = check("list_environments", json!({"environment": "development"}), "unknown_argument", "environment");
    assert!(say.contains("it takes no arguments"), "{say}");
    // A name could be anything: it is shortened, and control characters are left out.
    let mut change = json!({});
    change[format!("{}\u{7}{}", "n".repeat(40), "m".repeat(500))] = 1.into();
    let outcome = refused(
        "list_connections",
        &with(&json!({"environment": "dev"}), change),
        "unknown_argument",
        &format!("{}{}", "n".repeat(40), "m".repeat(24)),
    );
    assert!(outcome.text().len() < 1200 && !outcome.text().contains('\u{7}'));
}

#[test]
fn limits_hold_on_both_sides() {
    let long = |length: usize| Value::from("é".repeat(length));
    let name = |length: usize| Value::from("n".repeat(length));
    let keys = |count: usize| (0..count).map(|at| (format!("k{at}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    for (tool, change, ok, code, field) in [
        (
            "create_connect_session",
            json!({"allowed_integrations": []}),
            json!({"allowed_integrations": vec![name(255); 100]}),
            "wrong_length",
            "allowed_integrations",
        ),
        (
            "create_connect_session",
            json!({"allowed_integrations": vec!["somewhere"; 101]}),
            json!({}),
            "wrong_length",
            "allowed_integrations",
        ),
        (
            "create_connect_session",
            json!({"allowed_integrations": ["ok", name(256)]}),
            json!({}),
            "wrong_length",
            "allowed_integrations[1]",
        ),
        ("create_connect_session", json!({"allowed_integrations": [name(255), ""]}), json!({}), "wrong_length", "allowed_integrations[1]"),
        ("create_connect_session", json!({"tags": keys(11)}), json!({"tags": keys(10)}), "wrong_length", "tags"),
        ("create_connect_session", json!({"tags": {"team": long(256)}}), json!({"tags": {"team": long(255)}}), "wrong_length", "tags.team"),
        ("create_connect_session", json!({"tags": {"team": ""}}), json!({"tags": {"team": " "}}), "wrong_length", "tags.team"),
        (
            "create_connect_session",
            json!({"end_user": {"id": long(256)}}),
            json!({"end_user": {"id": long(255)}}),
            "wrong_length",
            "end_user.id",
        ),
        (
            "create_connect_session",
            json!({"end_user": {"id": "u", "email": "a@b"}}),
            json!({"end_user": {"id": "u", "email": "a@b.co"}}),
            "wrong_length",
            "end_user.email",
        ),
        (
            "create_connect_session",
            json!({"integrations_config_defaults": {"slack": {"authorization_params": {"p": long(8193)}}}}),
            json!({"integrations_config_defaults": {"slack": {"authorization_params": {"p": long(8192)}}}}),
            "wrong_length",
            "integrations_config_defaults.slack.authorization_params.p",
        ),
        ("create_standard_connect_session", json!({"principal": ""}), json!({"principal": long(255)}), "wrong_length", "principal"),
        (
            "create_standard_connect_session",
            json!({"confirmation": long(201)}),
            json!({"confirmation": long(200)}),
            "wrong_length",
            "confirmation",
        ),
        ("list_connections", json!({"limit": 0}), json!({"limit": 1}), "out_of_range", "limit"),
        ("list_connections", json!({"limit": 201}), json!({"limit": 200}), "out_of_range", "limit"),
        ("list_connections", json!({"limit": 1.5}), json!({"limit": 1.0}), "out_of_range", "limit"),
        ("list_connections", json!({"limit": -1}), json!({"limit": 2e2}), "out_of_range", "limit"),
        ("list_connections", json!({"limit": u64::MAX}), json!({}), "out_of_range", "limit"),
        ("list_connections", json!({"search": ""}), json!({"search": long(255)}), "wrong_length", "search"),
        ("list_integrations", json!({"limit": 1e300}), json!({}), "out_of_range", "limit"),
    ] {
        let say = check(tool, change, code, field);
        assert!(say.starts_with(&format!("argument `{field}` must ")), "{say}");
        let (arguments, nango) = sample(tool);
        let outcome = call(&nango, tool, &with(&arguments, ok));
        assert!(!outcome.result.is_error, "{}", outcome.text());
    }
}

#[test]
fn forms_hold() {
    let key = |key: &str| {
        let mut tags = json!({});
        tags[key] = "some value".into();
        json!({"tags": tags})
    };
    for bad in ["1team", "_team", "te am", "team!", "", "täm", &"k".repeat(65)] {
        let code = if bad.is_empty() || bad.len() > 64 { "wrong_length" } else { "wrong_format" };
        let field = format!("tags.{}", &bad.chars().take(64).collect::<String>());
        let say = check("create_connect_session", key(bad), code, &field);
        assert!(say.starts_with("every key of `tags` must "), "{say}");
    }
    for good in ["t", "Team-1./_x", &"k".repeat(64)] {
        let (arguments, nango) = sample("create_connect_session");
        assert!(!call(&nango, "create_connect_session", &with(&arguments, key(good))).result.is_error, "{good}");
    }
    for bad in ["no-at.example.com", "a b@example.com", "a@example", "@example.com", "a@@example.com"] {
        check("create_connect_session", json!({"end_user": {"id": "u", "email": bad}}), "wrong_format", "end_user.email");
        check("create_standard_connect_session", json!({"email": bad}), "wrong_format", "email");
    }
    for bad in ["hooks.example.com", "ftp://hooks.example.com", "https://", "https://a b", "https://a\u{2028}b", "https://\u{e9}.example"] {
        check("create_connect_session", json!({"webhook_url_override": bad}), "wrong_format", "webhook_url_override");
    }
    for bad in ["USER", "person", ""] {
        let say = check("create_standard_connect_session", json!({"owner_kind": bad}), "unknown_value", "owner_kind");
        assert!(say.contains("user, shared_mailbox, service_account"), "{say}");
    }
    for bad in ["a b", "a/b", "=="] {
        check("list_connections", json!({"cursor": bad}), "wrong_format", "cursor");
    }
    check("create_connect_session", json!({"tags": {"team": 7}}), "wrong_type", "tags.team");
    check("create_connect_session", json!({"end_user": {"id": "u", "tags": {"team": null}}}), "wrong_type", "end_user.tags.team");
    check("create_connect_session", json!({"allowed_integrations": ["ok", 7]}), "wrong_type", "allowed_integrations[1]");
    check("create_connect_session", json!({"overrides": {"slack": "somewhere"}}), "wrong_type", "overrides.slack");
    check("create_connect_session", json!({"overrides": {"git/hub": {}}}), "wrong_format", "overrides.git/hub");
}

#[test]
fn what_is_only_data_may_be_anything() {
    let config = json!({"a": {"b": [1, null, {"c": "d"}]}, "e": null, "oauth_scopes_override": "x"});
    let (arguments, nango) = sample("create_connect_session");
    let change = json!({"integrations_config_defaults": {"slack": {"connection_config": config}}});
    let outcome = call(&nango, "create_connect_session", &with(&arguments, change));
    assert_eq!(outcome.sent[0].body.as_ref().unwrap()["integrations_config_defaults"]["slack"]["connection_config"], config);
}
