//! The rules that no published schema says: each refuses what its tool's schema takes, and no other refusal does.

use std::collections::BTreeSet;

use nango_mcp::rules::RULES;
use serde_json::{Value, json};

use crate::samples::sample;
use crate::table::{Table, call, complaint, config, refused, tool, with};

/// A cursor that proxy_request returned to other arguments.
fn foreign_cursor() -> Value {
    let items: Vec<Value> = (0..50).map(|at| json!({"id": at})).collect();
    let arguments = with(&sample("proxy_request").0, json!({"page_size": 1, "response_path": ""}));
    let outcome = call(&Table::new().on("*", 200, items), "proxy_request", &arguments);
    outcome.value()["response_meta"]["next_cursor"].clone()
}

/// Of every rule: the tool, the change of its sample call that breaks it, and the argument that is named.
fn cases() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let tags = |count: usize| (0..count).map(|at| (format!("k{at}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    let astral = "\u{1f600}".repeat(128);
    vec![
        ("dot_segment", "get_connection", json!({"connection_id": "a/../b"}), "connection_id"),
        ("dot_segment", "get_connection", json!({"connection_id": ".."}), "connection_id"),
        ("dot_segment", "get_connection", json!({"provider_config_key": "."}), "provider_config_key"),
        ("dot_segment", "create_reconnect_session", json!({"connection_id": "..\\x"}), "connection_id"),
        ("dot_segment", "create_connect_session", json!({"allowed_integrations": ["fine", ".."]}), "allowed_integrations[1]"),
        ("dot_segment", "create_connect_session", json!({"overrides": {"..": {}}}), "overrides..."),
        ("stray_dot", "create_connect_session", json!({"end_user": {"id": "u", "email": ".ab@example.com"}}), "end_user.email"),
        ("stray_dot", "create_standard_connect_session", json!({"email": "a..b@example.com"}), "email"),
        ("no_such_time", "wait_for_connection", json!({"since": "2026-02-30T12:00:00Z"}), "since"),
        ("link_or_token", "get_connect_session", json!({"session_token": null}), "connect_link"),
        ("link_or_token", "cancel_connect_session", json!({"session_token": crate::table::TOKEN}), "connect_link"),
        ("one_way_to_wait", "wait_for_connection", json!({"end_user_id": null}), "end_user_id"),
        ("one_way_to_wait", "wait_for_connection", json!({"connection_id": "c-1"}), "end_user_id"),
        ("one_way_to_wait", "wait_for_connection", json!({"end_user_id": null, "tags": {}}), "end_user_id"),
        (
            "one_integration",
            "wait_for_connection",
            json!({
                "end_user_id": null, "connection_id": "c-1", "provider_config_keys": ["github", "slack"],
            }),
            "provider_config_keys",
        ),
        ("duplicate_tag", "ensure_connection", json!({"tags": {"END_USER_ID": "somebody-else"}}), "tags"),
        ("duplicate_tag", "ensure_connection", json!({"organization_id": "acme-inc", "tags": {"organization_id": "acme-inc"}}), "tags"),
        ("tag_too_long", "ensure_connection", json!({"end_user_id": astral}), "end_user_id"),
        ("too_many_tags", "ensure_connection", json!({"tags": tags(10)}), "tags"),
        ("person_missing", "create_connect_session", json!({"tags": null}), "tags"),
        ("person_missing", "create_connect_session", json!({"tags": null, "organization": {"id": "acme-inc"}}), "tags"),
        ("duplicate_tag", "create_connect_session", json!({"tags": {"Team": "first-one", "team": "second-one"}}), "tags"),
        ("duplicate_tag", "create_connect_session", json!({"end_user": {"id": "u", "tags": {"A": "1", "a": "2"}}}), "end_user.tags"),
        ("duplicate_tag", "create_reconnect_session", json!({"tags": {"A": "1", "a": "2"}}), "tags"),
        ("tag_too_long", "create_connect_session", json!({"tags": {"Team": astral}}), "tags.team"),
        ("tag_too_long", "create_connect_session", json!({"end_user": {"id": "u", "tags": {"t": astral}}}), "end_user.tags.t"),
        ("tag_too_long", "create_reconnect_session", json!({"tags": {"t": astral}}), "tags.t"),
        ("tag_too_long", "create_standard_connect_session", json!({"principal": astral}), "principal"),
        ("tag_too_long", "create_standard_connect_session", json!({"organization_id": astral}), "organization_id"),
        ("tag_too_long", "create_standard_connect_session", json!({"display_name": astral}), "display_name"),
        ("tag_not_an_email", "create_connect_session", json!({"tags": {"end_user_email": "nobody-at-all"}}), "tags.end_user_email"),
        ("tag_not_an_email", "create_reconnect_session", json!({"tags": {"END_USER_EMAIL": "a..b@example.com"}}), "tags.end_user_email"),
        ("too_many_tags", "create_connect_session", json!({"tags": tags(10), "end_user": {"id": "somebody"}}), "tags"),
        ("too_many_tags", "create_reconnect_session", json!({"tags": tags(10), "organization": {"id": "acme-inc"}}), "tags"),
        ("bad_cursor", "list_connections", json!({"cursor": "0_t_0000000000000000"}), "cursor"),
        ("bad_cursor", "list_integrations", json!({"cursor": "nonsense"}), "cursor"),
        ("unsafe_path", "proxy_request", json!({"path": "/../connections"}), "path"),
        ("unsafe_path", "download_provider_file", json!({"path": "//evil.example"}), "path"),
        ("forbidden_header", "proxy_request", json!({"headers": {"Authorization": "Bearer some-token"}}), "headers.Authorization"),
        ("forbidden_header", "download_provider_file", json!({"headers": {"X-A": "b", "x-a": "c"}}), "headers"),
        ("unsendable_id", "proxy_request", json!({"connection_id": "c-1 "}), "connection_id"),
        ("unsendable_id", "download_provider_file", json!({"provider_config_key": " github"}), "provider_config_key"),
        ("bad_query_value", "proxy_request", json!({"query": {"a": 1, "b": {"c": 1}}}), "query"),
        ("bad_query_value", "download_provider_file", json!({"query": {"a": [[1]]}}), "query"),
        ("bad_filter", "proxy_request", json!({"filters": [{"field": "a", "op": "in", "value": 1}]}), "filters[0].value"),
        ("body_not_allowed", "proxy_request", json!({"body": {"a": 1}}), "body"),
        ("body_not_allowed", "proxy_request", json!({"method": "HEAD", "body": 0}), "body"),
        ("body_too_large", "proxy_request", json!({"method": "POST", "body": "x".repeat(1 << 20)}), "body"),
        ("bad_cursor", "proxy_request", json!({"method": "POST", "cursor": foreign_cursor()}), "cursor"),
        ("bad_filter", "proxy_request", json!({"filters": [{"field": "a", "op": "lt", "value": true}]}), "filters[0].value"),
        ("duplicate_tag", "import_connection", json!({"tags": {"A": "1", "a": "2"}}), "tags"),
        ("tag_not_an_email", "import_connection", json!({"tags": {"end_user_email": "nobody-at-all"}}), "tags.end_user_email"),
        ("tag_too_long", "update_connection_end_user", json!({"id": astral}), "id"),
        (
            "credentials_surplus",
            "update_integration",
            json!({"credentials": {"type": "APP", "app_id": "own-app-id", "app_link": "https://app.example", "private_key": "own-key", "scopes": []}}),
            "credentials.scopes",
        ),
        ("cursor_mismatch", "proxy_request", json!({"cursor": foreign_cursor()}), "cursor"),
        (
            "credentials_incomplete",
            "import_connection",
            json!({"credentials": {"type": "OAUTH2_CC", "token": "given-token"}}),
            "credentials.client_id",
        ),
        (
            "credentials_incomplete",
            "import_connection",
            json!({"credentials": {"type": "TBA", "token_id": "given-id", "token_secret": "given-secret"}}),
            "connection_config.accountId",
        ),
        (
            "credentials_surplus",
            "import_connection",
            json!({"credentials": {"type": "NONE", "api_key": "given-key"}}),
            "credentials.api_key",
        ),
        (
            "scopes_not_a_list",
            "import_connection",
            json!({"connection_config": {"oauth_scopes_override": "repo,user"}}),
            "connection_config.oauth_scopes_override",
        ),
        ("too_many_tags", "import_connection", json!({"tags": tags(10), "end_user": {"id": "somebody"}}), "tags"),
        ("duplicate_tag", "replace_connection_tags", json!({"tags": {"A": "1", "a": "2"}}), "tags"),
        ("tag_too_long", "replace_connection_tags", json!({"tags": {"t": astral}}), "tags.t"),
        ("tag_not_an_email", "replace_connection_tags", json!({"tags": {"End_User_Email": "nobody-at-all"}}), "tags.end_user_email"),
        ("tag_too_long", "update_connection_end_user", json!({"display_name": astral}), "display_name"),
        ("invalid_end_user_identity", "update_connection_end_user", json!({"display_name": null}), "id"),
        ("invalid_end_user_identity", "update_connection_end_user", json!({"id": "    "}), "id"),
        ("invalid_end_user_identity", "update_connection_end_user", json!({"display_name": " "}), "display_name"),
        ("dot_segment", "get_integration", json!({"integration_id": ".."}), "integration_id"),
        ("dot_segment", "create_integration", json!({"unique_key": ".."}), "unique_key"),
        (
            "credentials_incomplete",
            "create_integration",
            json!({"credentials": {"type": "OAUTH2", "client_id": "own-client-id"}}),
            "credentials.client_secret",
        ),
        (
            "credentials_surplus",
            "create_integration",
            json!({"credentials": {"type": "TBA", "client_id": "own-client-id", "client_secret": "own-secret", "app_id": "own-app-id"}}),
            "credentials.app_id",
        ),
        ("dot_segment", "update_integration", json!({"reconnect_connection_ids": ["a/../b"]}), "reconnect_connection_ids[0]"),
        ("credentials_incomplete", "update_integration", json!({"credentials": {"type": "APP"}}), "credentials.app_id"),
        (
            "scopes_twice",
            "update_integration",
            json!({"scopes": [], "credentials": {"type": "TBA", "client_id": "own-client-id", "client_secret": "own-secret"}}),
            "scopes",
        ),
        ("nothing_to_change", "update_integration", json!({"display_name": null}), ""),
        ("nothing_to_change", "update_integration", json!({"display_name": null, "custom": {}, "integration_config": {}}), ""),
        ("blank_principal", "create_standard_connect_session", json!({"principal": "   "}), "principal"),
        ("blank_principal", "build_connection_convention", json!({"principal": "\t "}), "principal"),
        ("blank_principal", "apply_connection_convention", json!({"principal": " "}), "principal"),
        ("tag_too_long", "build_connection_convention", json!({"principal": astral}), "principal"),
        ("tag_too_long", "build_connection_convention", json!({"organization_id": astral}), "organization_id"),
        ("tag_too_long", "build_connection_convention", json!({"display_name": astral}), "display_name"),
        ("tag_too_long", "apply_connection_convention", json!({"principal": astral}), "principal"),
        ("stray_dot", "build_connection_convention", json!({"email": "a..b@example.com"}), "email"),
        ("dot_segment", "apply_connection_convention", json!({"connection_id": "a/../b"}), "connection_id"),
        ("bad_cursor", "audit_connection_conventions", json!({"cursor": "100_a_0"}), "cursor"),
        ("connection_id_too_long", "build_connection_convention", json!({"principal": "a".repeat(250)}), "principal"),
    ]
}

#[test]
fn every_rule_refuses_what_the_schema_takes() {
    for (code, name, change, field) in cases() {
        let arguments = with(&sample(name).0, change);
        let schema: Value = tool(name).input_schema(&config(&[])).into();
        assert_eq!(complaint(&schema, &arguments), None, "{code}: the schema of {name} says it already");
        refused(name, &arguments, code, field);
    }
}

#[test]
fn every_rule_has_a_case_and_every_case_a_rule() {
    let (tried, known): (BTreeSet<&str>, BTreeSet<&str>) =
        (cases().iter().map(|case| case.0).collect(), RULES.iter().map(|rule| rule.code).collect());
    assert_eq!(tried, known);
    assert_eq!(known.len(), RULES.len(), "a code stands for one rule");
    for rule in RULES {
        assert!(rule.says.ends_with('.') && rule.says.starts_with(char::is_uppercase), "{}", rule.code);
        assert!(rule.code.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", rule.code);
    }
}

#[test]
fn what_is_just_within_the_rules_is_taken() {
    let fits = format!("{}a", "\u{1f600}".repeat(127));
    for (name, change) in [
        ("create_connect_session", json!({"tags": {"team": fits}, "end_user": {"id": "u", "tags": {"t": fits}}})),
        ("create_connect_session", json!({"tags": {"end_user_email": "a.b+c@example.co"}, "end_user": {"id": "u", "email": "a@b.co"}})),
        ("create_standard_connect_session", json!({"principal": fits, "organization_id": fits, "display_name": fits})),
        ("create_standard_connect_session", json!({"principal": "not an e-mail address"})),
        ("create_standard_connect_session", json!({"principal": "a..b@example.com"})),
        ("create_connect_session", json!({"allowed_integrations": ["...", "a..b", "v1.0"]})),
    ] {
        let (arguments, nango) = sample(name);
        let outcome = call(&nango, name, &with(&arguments, change));
        assert!(!outcome.result.is_error, "{}", outcome.text());
    }
}

#[test]
fn a_rule_is_no_way_around_a_missing_argument() {
    let nango = Table::new();
    let outcome = call(&nango, "create_connect_session", &json!({"environment": "dev"}));
    assert_eq!((outcome.code(), outcome.error["field"].as_str()), ("missing_argument", Some("allowed_integrations")));
}
