//! A Nango that answers in ways Nango does not: nothing traps, nothing is believed that does not hold, nothing leaks.

use serde_json::{Value, json};

use crate::samples::{connection, row, sample, session};
use crate::table::{KEY, Table, call, call_with, config, with};

const LIST: &str = "GET /connections";
const GET: &str = "GET /connections/c-1";
const RECONNECT: &str = "POST /connect/sessions/reconnect";

fn reconnect(read: (u16, Value), row: Value) -> crate::table::Outcome {
    let list = "GET /connections?connectionId=c-1&integrationId=github&limit=1";
    let nango = Table::new()
        .on("GET /connections/c-1?provider_config_key=github", read.0, read.1)
        .on(list, 200, json!({"connections": [row]}))
        .on(RECONNECT, 201, session());
    call(&nango, "create_reconnect_session", &sample("create_reconnect_session").0)
}

#[test]
fn a_wait_beyond_all_time_is_no_trap() {
    for seconds in ["18446744073709551615", "9999999999"] {
        let body = r#"{"error":{"code":"too_many_request"}}"#;
        let nango = Table::new().raw(LIST, 429, &[("retry-after", seconds), ("content-type", "application/json")], body);
        let outcome = call(&nango, "list_connections", &json!({"environment": "dev"}));
        assert_eq!(outcome.code(), "rate_limited");
        assert!(outcome.sentence().contains("call again after"), "{}", outcome.sentence());
    }
}

#[test]
fn tags_of_another_connection_are_not_put_in_place() {
    let another = [json!({"connection_id": "c-2"}), json!({"provider_config_key": "slack"}), json!({"connection_id": 7})];
    for change in another {
        let outcome = reconnect((200, with(&connection(), change.clone())), row("c-1"));
        assert_eq!(outcome.code(), "invalid_answer", "{change}");
        assert!(!outcome.lines().contains(&RECONNECT), "{change}");
        let refresh = json!({"error": {"code": "invalid_credentials", "message": "no"}});
        let outcome = reconnect((400, refresh), with(&row("c-1"), change.clone()));
        assert!(outcome.code() == "invalid_answer" && !outcome.lines().contains(&RECONNECT), "{change}");
    }
}

#[test]
fn tags_that_cannot_be_sent_again_are_told() {
    for (tags, kept, lost) in [
        (json!({"a": 1, "c": "ok"}), json!({"c": "ok"}), 1),
        (json!({"1bad key": "x", "c": "ok", "e": ""}), json!({"c": "ok"}), 2),
        (json!([]), json!({}), 1),
    ] {
        let outcome = reconnect((200, with(&connection(), json!({"tags": tags}))), row("c-1"));
        assert_eq!(outcome.value()["preserved_tags"], kept);
        let warnings = outcome.value()["warnings"].to_string();
        assert!(warnings.contains(&format!("{lost} of the connection's tags")), "{warnings}");
    }
}

#[test]
fn what_answers_nothing_in_particular_is_not_ready() {
    for body in [json!({}), json!([]), Value::Null, json!({"data": {}, "connections": {}})] {
        let nango = Table::new()
            .on("GET /health", 200, body.clone())
            .on("GET /providers/github", 200, body.clone())
            .on("GET /integrations", 200, body.clone())
            .on(LIST, 200, body.clone());
        let outcome = call(&nango, "check_environment", &json!({"environment": "dev"}));
        assert_eq!(outcome.value()["ready"], false, "{body}");
        assert!(!outcome.value()["problems"].as_array().unwrap().is_empty() && !outcome.text().contains("granted"), "{body}");
    }
}

#[test]
fn an_error_that_cannot_be_read_is_still_an_error() {
    let odd = with(&connection(), json!({"errors": ["auth"]}));
    let outcome = call(&Table::new().on(GET, 200, odd), "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.value()["errors"], json!([{}]));
    let odd = with(&connection(), json!({"errors": {}}));
    let outcome = call(&Table::new().on(GET, 200, odd), "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.value()["errors"], json!([{}]));
    let rows = [json!(["auth"]), json!({}), json!([{"type": "auth"}]), json!([]), Value::Null];
    let rows: Vec<Value> = rows.into_iter().map(|errors| with(&row("c-1"), json!({"errors": errors}))).collect();
    let nango = Table::new().on(LIST, 200, json!({"connections": rows}));
    let outcome = call(&nango, "list_connections", &json!({"environment": "dev", "with_errors": true}));
    assert_eq!(outcome.value()["connections"].as_array().unwrap().len(), 3);
}

#[test]
fn a_row_without_its_ids_is_no_row() {
    let nango = Table::new().on(LIST, 200, json!({"connections": [row("c-1"), {"connection_id": 7}]}));
    assert_eq!(call(&nango, "list_connections", &json!({"environment": "dev"})).code(), "invalid_answer");
    let nango = Table::new().on("GET /integrations", 200, json!({"data": [{"provider": "github"}]}));
    assert_eq!(call(&nango, "list_integrations", &json!({"environment": "dev"})).code(), "invalid_answer");
}

#[test]
fn more_than_the_schema_promises_is_cut_and_counted() {
    let tags: Value = (0..150).map(|n| (format!("k{n}"), Value::from("v"))).chain([(String::new(), "v".into())]).collect();
    let errors = vec![json!({"type": "auth", "log_id": "l"}); 1500];
    let big = with(&connection(), json!({"tags": tags, "errors": errors}));
    // `call` holds the result to the tool's output schema.
    let outcome = call(&Table::new().on(GET, 200, big), "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.value()["tags"].as_object().unwrap().len(), 100);
    assert!(outcome.value()["dropped_fields"].as_i64().unwrap() >= 551, "{}", outcome.value()["dropped_fields"]);
}

#[test]
fn nango_s_words_do_not_bring_values_back() {
    let arguments = json!({"environment": "dev", "search": "hidden-search-value"});
    for message in ["no hidden-search-value here", "no 'hidden-search-value' here", "no `HIDDEN-search-value` here"] {
        let error = json!({"error": {"code": "invalid_query_params", "message": message}});
        let outcome = call(&Table::new().on(LIST, 400, error), "list_connections", &arguments);
        assert!(!outcome.text().to_lowercase().contains("hidden-search"), "{}", outcome.text());
    }
    let error = json!({"error": {"code": KEY, "message": "x"}});
    let outcome = call(&Table::new().on(LIST, 400, error), "list_connections", &json!({"environment": "dev"}));
    assert_eq!(outcome.code(), "nango_error");
    assert!(!outcome.text().contains(&KEY.replace('-', "")));
}

#[test]
fn a_key_that_is_configured_and_not_used_does_not_leave_either() {
    let unused = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let config = config(&[("NANGO_MCP_ENVIRONMENTS", "dev"), ("NANGO_SECRET_KEY_DEV", KEY), ("NANGO_SECRET_KEY", unused)]);
    let nango = Table::new().on(GET, 200, with(&connection(), json!({"metadata": {"note": unused}})));
    let outcome = call_with(&config, &nango, "get_connection", &sample("get_connection").0);
    assert!(!outcome.text().contains(unused) && outcome.value()["metadata"]["note"] == "[removed]");
}

#[test]
fn several_environments_and_none_given_names_them() {
    let config = config(&[("NANGO_MCP_ENVIRONMENTS", "dev,live"), ("NANGO_SECRET_KEY_DEV", KEY), ("NANGO_SECRET_KEY_LIVE", KEY)]);
    let outcome = call_with(&config, &Table::new(), "list_integrations", &json!({}));
    assert!(outcome.code() == "missing_argument" && outcome.sentence().contains("dev, live"), "{}", outcome.sentence());
}
