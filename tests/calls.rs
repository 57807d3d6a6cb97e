//! Calls: what is sent, what comes back, what is refused.

mod agreement;
mod answers;
mod arguments;
mod asking;
mod audit;
mod bad_input;
mod connections;
mod context;
mod conventions;
mod create;
mod create_integration;
mod delete_integration;
mod end_user;
mod ensure;
mod environments;
mod failures;
mod given;
mod ids;
mod import;
mod integrations;
mod limits;
mod listings;
mod misbehaving;
mod planted;
mod providers;
mod proxy;
mod proxy_honesty;
mod proxy_pages;
mod reconnect;
mod secrets;
mod update_integration;
mod waiting;

use nango_mcp::tool::Effect;
use nango_mcp::tools::TOOLS;
use nango_mcp::{CallError, MAX_ARGUMENTS, call_tool};
use serde_json::{Value, json};

use crate::samples::sample;
use crate::table::{KEY, Table, call, call_with, config, with};

const OTHER_KEY: &str = "7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e";

#[test]
fn what_is_no_json_object_is_malformed() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_ARGUMENTS));
    let padded = format!("{}{{}}", " ".repeat(MAX_ARGUMENTS));
    for text in ["[]", "null", "1", "\"{}\"", "{", "{}x", "{\"a\":}", "{\"a\":1,}", "nul", "{} {}", "\u{feff}{}", &long, &padded] {
        let result = call_tool(&config(&[]), &Table::new(), "list_environments", text);
        assert_eq!(result, Err(CallError::MalformedArguments), "{}", &text[..text.len().min(20)]);
    }
    for text in ["", " ", "{}", " {} \n"] {
        assert!(!call_tool(&config(&[]), &Table::new(), "list_environments", text).unwrap().is_error, "{text:?}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(call_tool(&config(&[]), &Table::new(), "list_environments", &deep), Err(CallError::MalformedArguments));
}

#[test]
fn an_unknown_environment_names_the_configured_ones() {
    let config = config(&[("NANGO_MCP_ENVIRONMENTS", "dev,live"), ("NANGO_SECRET_KEY_DEV", KEY), ("NANGO_SECRET_KEY_LIVE", OTHER_KEY)]);
    for entry in TOOLS.iter().filter(|entry| entry.environment) {
        for wrong in ["staging", "de", "dev2", "__"] {
            let (arguments, nango) = sample(entry.name);
            let outcome = call_with(&config, &nango, entry.name, &with(&arguments, json!({"environment": wrong})));
            assert_eq!((outcome.code(), outcome.error["field"].as_str()), ("unknown_environment", Some("environment")), "{}", entry.name);
            assert!(outcome.sentence().contains("dev, live") && outcome.sent.is_empty(), "{}", outcome.sentence());
            assert!(!outcome.text().contains("staging"));
        }
    }
}

#[test]
fn aliases_case_and_punctuation_resolve_to_the_key_of_the_environment() {
    let config = config(&[
        ("NANGO_MCP_ENVIRONMENTS", "dev,live-eu"),
        ("NANGO_SECRET_KEY_DEV", KEY),
        ("NANGO_SECRET_KEY_LIVE_EU", OTHER_KEY),
        ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE_EU", "prod, Production"),
    ]);
    for (name, key) in
        [("dev", KEY), ("DEV", KEY), ("live-eu", OTHER_KEY), ("Live EU", OTHER_KEY), ("prod", OTHER_KEY), ("PRODUCTION", OTHER_KEY)]
    {
        let nango = sample("create_connect_session").1;
        let arguments = with(&sample("create_connect_session").0, json!({"environment": name}));
        let outcome = call_with(&config, &nango, "create_connect_session", &arguments);
        assert_eq!(outcome.sent[0].bearer.as_deref(), Some(key), "{name}");
        let canonical = if key == KEY { "dev" } else { "live-eu" };
        assert_eq!(outcome.value()["next"]["arguments"]["environment"], canonical, "{name}");
    }
}

#[test]
fn exactly_one_environment_may_be_left_out() {
    let two = config(&[("NANGO_MCP_ENVIRONMENTS", "dev,live"), ("NANGO_SECRET_KEY_DEV", KEY), ("NANGO_SECRET_KEY_LIVE", OTHER_KEY)]);
    for entry in TOOLS.iter().filter(|entry| entry.environment) {
        let (arguments, nango) = sample(entry.name);
        let arguments = with(&arguments, json!({"environment": null}));
        let outcome = call(&nango, entry.name, &arguments);
        assert!(!outcome.result.is_error, "{}: {}", entry.name, outcome.text());
        let outcome = call_with(&two, &nango, entry.name, &arguments);
        assert_eq!((outcome.code(), outcome.error["field"].as_str()), ("missing_argument", Some("environment")), "{}", entry.name);
        assert!(outcome.sent.is_empty());
    }
}

#[test]
fn null_is_not_an_environment() {
    let nango = Table::new();
    let arguments = json!({"environment": null});
    let outcome = call(&nango, "list_connections", &arguments);
    assert_eq!(outcome.code(), "wrong_type");
    assert!(nango.sent().is_empty());
}

#[test]
fn a_missing_key_names_the_variable_to_set() {
    let several = config(&[("NANGO_MCP_ENVIRONMENTS", "dev,live-eu"), ("NANGO_SECRET_KEY_DEV", KEY)]);
    let one = config(&[("NANGO_SECRET_KEY", "")]);
    for entry in TOOLS.iter().filter(|entry| entry.open_world && entry.environment) {
        for (config, environment, variable) in [(&several, "live-eu", "NANGO_SECRET_KEY_LIVE_EU"), (&one, "dev", "NANGO_SECRET_KEY")] {
            let (arguments, nango) = sample(entry.name);
            let outcome = call_with(config, &nango, entry.name, &with(&arguments, json!({"environment": environment})));
            assert_eq!((outcome.error["kind"].as_str(), outcome.code()), (Some("policy"), "missing_key"), "{}", entry.name);
            assert!(outcome.sentence().contains(&format!("set {variable} ")), "{}: {}", entry.name, outcome.sentence());
            assert!(outcome.sent.is_empty(), "{}", entry.name);
        }
    }
}

#[test]
fn the_phrase_is_demanded_where_the_operator_says_so() {
    let demanding = config(&[("NANGO_MCP_APPROVAL", "phrase")]);
    for entry in TOOLS {
        let (arguments, _) = sample(entry.name);
        let called = |config: &_, arguments: &Value| call_with(config, &sample(entry.name).1, entry.name, arguments);
        // The sample of a tool that does both only reads; that of import_connection overwrites nothing.
        let writes = entry.effect != Effect::Read && entry.read_only.is_none();
        let outcome = called(&demanding, &arguments);
        assert_eq!(outcome.code(), if writes { "confirmation_required" } else { "" }, "{}", entry.name);
        if !writes {
            continue;
        }
        let (change, delete) = ("I understand this changes the Nango environment", "I understand this deletes Nango configuration");
        let deletes = entry.effect == Effect::Destructive && entry.name != "import_connection";
        let (phrase, other) = if deletes { (delete, change) } else { (change, delete) };
        assert!(outcome.sentence().contains(&format!("\"{phrase}\"")) && outcome.sent.is_empty(), "{}", outcome.sentence());
        let nearly = phrase.to_lowercase();
        for wrong in ["", "yes", &nearly, &format!("{phrase}."), other] {
            let outcome = called(&demanding, &with(&arguments, json!({"confirmation": wrong})));
            assert_eq!((outcome.code(), outcome.sent.len()), ("confirmation_required", 0), "{}: {wrong}", entry.name);
        }
        assert!(!called(&demanding, &with(&arguments, json!({"confirmation": phrase}))).result.is_error, "{}", entry.name);
        assert!(!called(&config(&[]), &with(&arguments, json!({"confirmation": "anything"}))).result.is_error, "{}", entry.name);
    }
}

#[test]
fn bad_arguments_are_named_before_policy() {
    let closed = config(&[("NANGO_MCP_READ_ONLY", "true"), ("NANGO_MCP_APPROVAL", "phrase"), ("NANGO_SECRET_KEY", "")]);
    for (change, code) in [
        (json!({"tags": null}), "person_missing"),
        (json!({"tags": 1}), "wrong_type"),
        (json!({"environment": "x"}), "unknown_environment"),
    ] {
        let (arguments, nango) = sample("create_connect_session");
        assert_eq!(call_with(&closed, &nango, "create_connect_session", &with(&arguments, change)).code(), code);
    }
}
