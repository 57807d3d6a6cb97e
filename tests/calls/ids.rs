//! No identifier becomes another route, another host or another header.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::samples::sample;
use crate::table::{Outcome, Table, call, with};

/// What people and attackers put where an id belongs.
const HOSTILE: &[&str] = &[
    "/",
    ".",
    "..",
    "../..",
    "a/../b",
    "../connections",
    "a/..",
    "./a",
    "%2e%2e",
    "%2E%2e%2Fx",
    "%252e%252e",
    "a%2f..%2fb",
    "..\\..",
    "a\\..\\b",
    "a\\b",
    "a/b",
    "//evil.example",
    "https://evil.example/x",
    "@evil.example",
    "?x=1",
    "a?force_refresh=true",
    "a&include=credentials",
    "#x",
    "a#b",
    " ",
    "a b",
    "a\tb",
    "a\r\nx-evil: 1",
    "a\0b",
    "é",
    "\u{202e}x",
    "\u{feff}",
    "%",
    "%00",
    "%zz",
    "a%20b",
    "a;b",
    "a,b",
    "a:b",
    "a|b",
    "a[0]",
    "{a}",
    "$a",
    "\"",
    "'",
    "=",
    "+",
    "~",
    "...",
    "a..b",
];

/// Every argument that is an identifier, by tool, and the part of the sample call that carries it.
const IDS: &[(&str, &str)] = &[
    ("get_connection", "connection_id"),
    ("get_connection", "provider_config_key"),
    ("create_reconnect_session", "connection_id"),
    ("create_reconnect_session", "provider_config_key"),
    ("list_connections", "connection_id"),
    ("list_connections", "integration_id"),
    ("get_connection_context", "connection_id"),
    ("get_connection_context", "provider_config_key"),
    ("refresh_connection_credentials", "connection_id"),
    ("refresh_connection_credentials", "provider_config_key"),
    ("import_connection", "connection_id"),
    ("import_connection", "provider_config_key"),
    ("delete_connection", "connection_id"),
    ("delete_connection", "provider_config_key"),
    ("replace_connection_tags", "connection_id"),
    ("replace_connection_tags", "provider_config_key"),
    ("update_connection_metadata", "connection_id"),
    ("update_connection_metadata", "provider_config_key"),
    ("update_connection_end_user", "connection_id"),
    ("update_connection_end_user", "provider_config_key"),
    ("create_connect_session", "allowed_integrations"),
    ("create_standard_connect_session", "provider_config_key"),
    ("build_connection_convention", "provider_config_key"),
    ("apply_connection_convention", "connection_id"),
    ("apply_connection_convention", "provider_config_key"),
    ("audit_connection_conventions", "integration_id"),
    ("get_integration", "integration_id"),
    ("get_provider", "provider"),
    ("create_integration", "unique_key"),
    ("update_integration", "integration_id"),
    ("update_integration", "unique_key"),
    ("delete_integration", "integration_id"),
];

/// Path and decoded query pairs of a request line.
fn taken_apart(line: &str) -> (Vec<String>, Vec<(String, String)>) {
    let target = line.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b)), "{line}");
    let segments = path.split('/').skip(1).map(|segment| percent_decode_str(segment).decode_utf8().unwrap().into_owned()).collect();
    (segments, form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// Refused with nothing sent, or sent as the same requests as those of a harmless id, with this one in its place.
#[track_caller]
fn check(tool: &str, argument: &str, id: &str) {
    let asked = |id: &str| -> Outcome {
        let value = if argument == "allowed_integrations" { json!([id]) } else { Value::from(id) };
        let mut change = json!({});
        change[argument] = value;
        let nango = Table::new().on("*", 500, json!({"error": {"code": "generic_error_support"}}));
        call(&nango, tool, &with(&sample(tool).0, change))
    };
    let outcome = asked(id);
    if outcome.error["kind"] == "argument" {
        assert!(outcome.sent.is_empty(), "{tool}: {argument} {id:?} was refused and sent");
        return;
    }
    let harmless = asked("harmless");
    assert_eq!(outcome.sent.len(), harmless.sent.len(), "{tool}: {argument} {id:?}");
    for (sent, model) in outcome.sent.iter().zip(&harmless.sent) {
        let put = |text: String| if text == "harmless" { id.to_owned() } else { text };
        let (segments, query) = taken_apart(&model.line);
        let expected = (segments.into_iter().map(put).collect(), query.into_iter().map(|(name, value)| (name, put(value))).collect());
        assert_eq!(taken_apart(&sent.line), expected, "{tool}: {argument} {id:?}: {}", sent.line);
        assert!(sent.line.split(['?', '/']).all(|segment| segment != ".." && segment != "."), "{}", sent.line);
    }
}

#[test]
fn hostile_ids_are_encoded_whole_or_refused() {
    for (tool, argument) in IDS {
        HOSTILE.iter().for_each(|id| check(tool, argument, id));
    }
}

#[test]
fn dot_segments_are_refused_in_every_encoding() {
    for (tool, argument) in IDS {
        for id in [".", "..", "a/../b", "a\\..\\b", "%2e%2e"] {
            let value = if *argument == "allowed_integrations" { json!([id]) } else { json!(id) };
            let mut change = json!({});
            change[argument] = value;
            let nango = Table::new();
            let outcome = call(&nango, tool, &with(&sample(tool).0, change));
            assert!(["dot_segment", "wrong_format"].contains(&outcome.code()), "{tool}: {argument} {id}: {}", outcome.text());
            assert!(nango.sent().is_empty());
        }
    }
}

#[test]
fn ids_that_nango_takes_are_sent() {
    for (id, segment) in [
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("u@example.com", "u%40example.com"),
        ("a,;:=+~[]|$", "a%2C%3B%3A%3D%2B~%5B%5D%7C%24"),
        ("...", "..."),
    ] {
        let nango = Table::new().on("*", 200, crate::samples::connection());
        let outcome = call(&nango, "get_connection", &with(&sample("get_connection").0, json!({"connection_id": id})));
        assert_eq!(outcome.lines(), [format!("GET /connections/{segment}?provider_config_key=github")]);
    }
}

#[test]
fn a_prefix_of_the_base_url_stays_before_every_path() {
    let config = crate::table::config(&[("NANGO_BASE_URL", "https://gateway.example/nango/v1/")]);
    let nango = Table::new().on("GET /nango/v1/connections/c-1", 200, crate::samples::connection());
    let outcome = crate::table::call_with(&config, &nango, "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.lines(), ["GET /nango/v1/connections/c-1?provider_config_key=github"]);
}
