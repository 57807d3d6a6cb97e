//! Secrets in the user's own data, in errors and on the wire.

use nango_mcp::tools::TOOLS;
use serde_json::{Map, Value, json};

use crate::samples::sample;
use crate::table::{KEY, TOKEN, Table, call, call_with, config, with};

/// What must not leave, under names nobody declared.
const PLANTED: &str = "planted-secret";

/// In the user's data, where text passes, the configured key and a session token.
fn opened(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let fields = object.into_iter().map(|(key, value)| match key.as_str() {
                "tags" | "metadata" | "connection_config" => (key, open(value)),
                _ => (key, opened(value)),
            });
            fields.collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(opened).collect(),
        other => other,
    }
}

fn open(value: Value) -> Value {
    let Value::Object(mut object) = value else { return value };
    object.insert("held".into(), format!("before {KEY} and {} after {TOKEN}", KEY.to_uppercase()).into());
    object.insert("clean".into(), "stays".into());
    object.into()
}

#[test]
fn open_data_is_shown_but_for_the_secrets_in_it() {
    let (arguments, nango) = sample("get_connection");
    let outcome = call(&nango.changed(opened), "get_connection", &arguments);
    let removed = "before [removed] and [removed] after [removed]";
    for field in ["tags", "metadata"] {
        assert_eq!((&outcome.value()[field]["held"], &outcome.value()[field]["clean"]), (&json!(removed), &json!("stays")), "{field}");
    }
    // Names of connection_config are shown, values are not.
    assert_eq!(outcome.value()["connection_config_names"], json!(["subdomain", "held", "clean"]));
    assert!(!outcome.text().contains("acme"));
}

#[test]
fn secrets_in_names_are_removed_too() {
    let mut metadata = json!({});
    metadata[KEY] = json!([{ TOKEN: format!("x{KEY}") }]);
    let nango = Table::new().on("*", 200, with(&crate::samples::connection(), json!({"metadata": metadata})));
    let outcome = call(&nango, "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.value()["metadata"], json!({"[removed]": [{"[removed]": "x[removed]"}]}));
}

#[test]
fn the_keys_of_all_environments_are_removed_and_handles_are_no_secrets() {
    let other = "7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e";
    let config = config(&[
        ("NANGO_MCP_ENVIRONMENTS", "dev,live,test"),
        ("NANGO_SECRET_KEY_DEV", KEY),
        ("NANGO_SECRET_KEY_LIVE", other),
        ("NANGO_SECRET_KEY_TEST", "host:test"),
    ]);
    let nango =
        Table::new().on("*", 200, with(&crate::samples::connection(), json!({"metadata": {"a": format!("{other}, host:test, {KEY}")}})));
    let outcome = call_with(&config, &nango, "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.value()["metadata"]["a"], "[removed], host:test, [removed]");
}

#[test]
fn errors_repeat_no_secret() {
    for entry in TOOLS.iter().filter(|entry| entry.open_world) {
        for status in [400, 401, 403, 404, 429, 500] {
            let said = format!("no: {KEY} {} {TOKEN}", KEY.to_uppercase());
            let error = json!({
                "code": format!("code_{TOKEN}"), "message": said, "payload": {"connection": {"credentials": {"access_token": PLANTED}}, "x": PLANTED},
                "errors": [{"message": said, "path": [KEY, "0", TOKEN]}, {"code": said, "path": ["b"]}],
            });
            let nango = Table::new().on("*", status, json!({"error": error, "secret": PLANTED}));
            let text = call(&nango, entry.name, &sample(entry.name).0).text();
            assert!(
                (!text.contains(PLANTED) || entry.name == "proxy_request") && !text.to_lowercase().contains(KEY) && !text.contains(TOKEN),
                "{}: {status}: {text}",
                entry.name
            );
        }
    }
}

#[test]
fn a_secret_cut_short_is_not_shown_in_part() {
    for pad in (0..320).step_by(5) {
        for secret in [KEY, TOKEN] {
            let said = format!("{} {secret} and more, {}", "x".repeat(pad), "y".repeat(300));
            let error = json!({"code": "invalid_body", "message": said, "errors": [{"message": said, "path": [format!("{}{secret}", "x".repeat(pad))]}]});
            let nango = Table::new().on("*", 400, json!({"error": error}));
            let text = call(&nango, "list_connections", &sample("list_connections").0).text();
            let part = &secret[..secret.len().min(30)];
            assert!(!text.contains(part), "{pad}: {text}");
        }
    }
}

#[test]
fn a_value_that_the_call_gave_is_removed_when_it_is_a_secret() {
    let (arguments, nango) = sample("create_connect_session");
    let outcome = call(&nango, "create_connect_session", &with(&arguments, json!({"tags": {"note": format!("my key is {KEY}")}})));
    assert_eq!(outcome.value()["tags"]["note"], "my key is [removed]");
    assert_eq!(outcome.value()["next"]["arguments"]["tags"]["note"], "my key is [removed]");
}

#[test]
fn the_key_leaves_as_bearer_only() {
    for entry in TOOLS {
        let (arguments, nango) = sample(entry.name);
        for sent in call(&nango, entry.name, &arguments).sent {
            let elsewhere = format!("{}{:?}{:?}", sent.line, sent.headers, sent.body);
            assert!(!elsewhere.contains(KEY), "{}: {elsewhere}", entry.name);
            assert!(sent.headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("authorization")), "{}", entry.name);
        }
    }
    assert!(!format!("{:?}", config(&[])).contains(KEY), "nor does a Debug show it");
}
