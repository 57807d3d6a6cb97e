//! What Nango answers when it does not do as asked: every shape of error, as codes with remedies.

use serde_json::{Value, json};

use crate::samples::{connection, sample};
use crate::table::{KEY, Outcome, TOKEN, Table, call, call_with, config, with};

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

/// The sample call of a tool, of a Nango that answers everything so.
#[track_caller]
fn answered(tool: &str, status: u16, body: &Value) -> Outcome {
    failed(tool, status, JSON, &body.to_string())
}

#[track_caller]
fn failed(tool: &str, status: u16, kind: (&str, &str), body: &str) -> Outcome {
    let nango = Table::new().raw("*", status, &[kind], body);
    let outcome = call(&nango, tool, &sample(tool).0);
    assert_eq!(outcome.error["kind"], "nango", "{}", outcome.text());
    assert_eq!(outcome.error["status"], status, "{}", outcome.text());
    assert!(outcome.error["hint"].as_str().is_some_and(|hint| outcome.sentence().ends_with(hint)), "no remedy: {}", outcome.text());
    outcome
}

/// Which code, and what the sentence must say.
#[track_caller]
fn check(tool: &str, status: u16, error: Value, code: &str, says: &[&str]) -> Outcome {
    let outcome = answered(tool, status, &json!({"error": error}));
    assert_eq!(outcome.code(), code, "{}", outcome.text());
    for part in says {
        assert!(outcome.sentence().contains(part), "`{part}` is not in {}", outcome.sentence());
    }
    outcome
}

const CREATE: &str = "create_connect_session";
const GET: &str = "get_connection";
const LIST: &str = "list_connections";

#[test]
fn an_invalid_body_names_the_field() {
    let outcome = check(
        CREATE,
        400,
        json!({"code": "invalid_body", "errors": [{"code": "custom", "message": "This webhook URL is not allowed.", "path": ["webhook_url_override"]}]}),
        "invalid_body",
        &["POST /connect/sessions with 400 (invalid_body)", "webhook_url_override: This webhook URL is not allowed"],
    );
    assert_eq!(outcome.error["field"], "webhook_url_override");
    assert_eq!(outcome.error.get("fields"), None, "one field is said once");

    let outcome = check(
        CREATE,
        400,
        json!({"code": "invalid_body", "errors": [
            {"code": "invalid_format", "message": "Invalid email address", "path": ["end_user", "email"]},
            {"code": "too_small", "path": ["tags", "a.b"]},
            {"message": "Unrecognized key: \"s3cret-value\"", "path": []},
        ]}),
        "invalid_body",
        &["end_user.email: Invalid email address; tags.a.b: too_small; Unrecognized key: \"…\""],
    );
    assert!(!outcome.text().contains("s3cret-value"));
    assert_eq!(outcome.error["fields"][1], json!({"field": "tags.a.b", "reason": "too_small"}));
}

#[test]
fn unknown_integrations_are_named_by_their_place() {
    let does_not_exist = |path: &[&str]| json!({"code": "custom", "message": "Integration does not exist", "path": path});
    let two = json!({"code": "invalid_body", "errors": [does_not_exist(&["allowed_integrations", "1"]), does_not_exist(&["allowed_integrations", "2"])]});
    let outcome =
        check(CREATE, 400, two, "unknown_integration", &["allowed_integrations[1]", "allowed_integrations[2]", "list_integrations"]);
    assert_eq!((&outcome.error["field"], outcome.error["fields"].as_array().unwrap().len()), (&json!("allowed_integrations[1]"), 2));
    let one = json!({"code": "invalid_body", "errors": [does_not_exist(&["integrations_config_defaults", "nope"])]});
    assert_eq!(check(CREATE, 400, one, "unknown_integration", &[]).error["field"], "integrations_config_defaults.nope");
    check(
        GET,
        400,
        json!({"code": "unknown_provider_config", "message": "Provider does not exists"}),
        "unknown_integration",
        &["list_integrations"],
    );
    check(GET, 404, json!({"code": "unknown_provider_config"}), "unknown_integration", &["list_integrations"]);
    check(
        "list_integrations",
        404,
        json!({"code": "not_found", "message": "Integration \"x\" does not exist"}),
        "unknown_integration",
        &["\"…\""],
    );
}

#[test]
fn an_unknown_connection_is_400_or_404() {
    check(GET, 404, json!({"code": "not_found", "message": "Failed to find connection"}), "unknown_connection", &["list_connections"]);
    check(GET, 400, json!({"code": "unknown_connection"}), "unknown_connection", &["with 400 (unknown_connection)"]);
    let reconnect = "create_reconnect_session";
    let integration =
        json!({"code": "invalid_body", "errors": [{"code": "invalid_type", "message": "Required", "path": ["integration_id"]}]});
    let nango = Table::new().on("GET /connections/c-1", 200, connection());
    let nango = nango.on("POST /connect/sessions/reconnect", 400, json!({"error": integration}));
    // The REST name of the field becomes the tool's.
    assert_eq!(call(&nango, reconnect, &sample(reconnect).0).error["field"], "provider_config_key");
}

#[test]
fn every_401_is_a_rejected_key_and_names_the_variable() {
    for code in [
        "missing_auth_header",
        "invalid_secret_key_format",
        "unknown_account",
        "invalid_connect_session_token_format",
        "unknown_connect_session_token",
    ] {
        for tool in [CREATE, GET, LIST, "list_integrations", "create_reconnect_session"] {
            check(
                tool,
                401,
                json!({"message": "Authentication failed.", "code": code, "payload": {}}),
                "key_rejected",
                &["NANGO_SECRET_KEY is", code],
            );
        }
    }
    let config = config(&[("NANGO_MCP_ENVIRONMENTS", "dev,live"), ("NANGO_SECRET_KEY_DEV", KEY)]);
    let nango = Table::new().on("*", 401, json!({"error": {"code": "unknown_account"}}));
    assert!(call_with(&config, &nango, GET, &sample(GET).0).sentence().contains("NANGO_SECRET_KEY_DEV is"));
}

#[test]
fn a_missing_scope_is_named() {
    let one = json!({"code": "forbidden", "message": "Insufficient scope. Required: environment:connect_sessions:write"});
    check(CREATE, 403, one, "missing_scope", &["Required: environment:connect_sessions:write", "API Keys"]);
    let either = json!({"code": "forbidden", "message": "Insufficient scope. Required one of: environment:connections:list or environment:connections:list_credentials"});
    check(LIST, 403, either, "missing_scope", &["environment:connections:list or environment:connections:list_credentials"]);
    let docs = json!({"code": "forbidden", "message": "You are not allowed to override the docs connect url"});
    check(CREATE, 403, docs, "docs_connect_not_allowed", &["leave `overrides` out"]);
    check(CREATE, 403, json!({"code": "forbidden", "message": "Not here"}), "forbidden", &["Not here"]);
}

#[test]
fn a_refresh_failure_sends_to_the_reconnect_tool() {
    let payload = json!({"connection": {"connection_id": "c-1", "tags": {"planted": "in the payload"}, "credentials": {"access_token": "gho_planted"}}});
    let refresh = json!({"code": "invalid_credentials", "message": "The external API returned an error when trying to refresh the access token.", "payload": payload});
    let outcome = check(GET, 400, refresh, "refresh_failed", &["create_reconnect_session", "refresh the access token"]);
    assert!(!outcome.text().contains("planted"), "the payload stays behind: {}", outcome.text());
    check(
        GET,
        424,
        json!({"code": "connection_refresh_backoff", "message": "A recent refresh attempt failed."}),
        "refresh_failed",
        &["create_reconnect_session"],
    );
}

#[test]
fn other_refusals_have_a_remedy_too() {
    check(
        CREATE,
        400,
        json!({"code": "resource_capped", "message": "Reached maximum number of allowed connections."}),
        "connection_limit",
        &["plan"],
    );
    check(
        LIST,
        500,
        json!({"message": "An error occurred. Please contact support with this unique id: \"530f7938\"", "code": "generic_error_support", "payload": "530f7938"}),
        "nango_failed",
        &["try again"],
    );
    check(LIST, 503, json!({"code": "server_error"}), "nango_failed", &["with 503 (server_error)"]);
    check(LIST, 400, json!({"code": "server_error"}), "server_error", &["with 400"]);
    check(
        LIST,
        400,
        json!({"code": "invalid_query_params", "errors": [{"message": "Invalid", "path": ["limit"]}]}),
        "invalid_query_params",
        &["limit: Invalid"],
    );
    check(LIST, 415, json!({"code": "invalid_content_type"}), "invalid_content_type", &[]);
    check(LIST, 400, json!({"code": "Odd code; <b>!"}), "nango_error", &[]);
    // Transport failures of Nango itself have no envelope.
    let outcome = answered(LIST, 500, &json!({"message": "connect ECONNREFUSED 10.0.0.7:443", "code": "ECONNREFUSED", "method": "get"}));
    assert!(outcome.code() == "nango_failed" && outcome.sentence().contains("(ECONNREFUSED): connect ECONNREFUSED"), "{}", outcome.text());
}

#[test]
fn bodies_without_a_word_are_answers_too() {
    for (status, body, code) in [
        (400, json!({}), "nango_error"),
        (400, json!({"error": "text"}), "nango_error"),
        (409, json!([]), "nango_error"),
        (400, Value::Null, "nango_error"),
        (404, json!({}), "not_nango"),
        (404, json!({"error": {}}), "not_nango"),
        (502, json!({}), "nango_failed"),
        (401, json!("no"), "key_rejected"),
        (400, json!({"error": {"code": 7, "message": ["x"], "errors": {"a": 1}}}), "nango_error"),
        (100, json!({}), "nango_error"),
        (600, json!({}), "nango_error"),
    ] {
        assert_eq!(answered(LIST, status, &body).code(), code, "{status} {body}");
    }
    for (status, code) in [(400, "nango_error"), (404, "not_nango"), (500, "nango_failed"), (401, "key_rejected"), (429, "rate_limited")] {
        assert_eq!(failed(LIST, status, JSON, "").code(), code, "{status}");
    }
}

#[test]
fn a_web_page_is_not_nango() {
    let page = "<!doctype html><title>Sign in</title>";
    for status in [200, 404, 403] {
        for tool in [CREATE, GET, LIST, "list_integrations"] {
            let outcome = failed(tool, status, HTML, page);
            assert_eq!(outcome.code(), "not_nango", "{status}");
            assert!(
                outcome.sentence().contains("https://api.nango.dev") && outcome.sentence().contains("NANGO_BASE_URL"),
                "{}",
                outcome.sentence()
            );
            assert!(!outcome.text().contains("Sign in"));
        }
    }
}

#[test]
fn what_nango_repeats_of_a_url_is_taken_out_too() {
    let arguments = json!({"environment": "dev", "connection_id": "ada secret@x", "provider_config_key": "git hub x"});
    let said = json!({"error": {"code": "not_found", "message": "Cannot GET /connections/ada%20secret%40x?provider_config_key=git%20hub%20x",
        "errors": [{"path": ["credentials", "ada secret@x"], "message": "bad"}]}});
    let outcome = call(&Table::new().on("*", 400, said), "get_connection", &arguments);
    for part in ["ada secret@x", "ada%20secret", "git%20hub"] {
        assert!(!outcome.text().contains(part), "{}", outcome.text());
    }
}

#[test]
fn a_field_s_path_keeps_the_keys_that_the_call_wrote() {
    let arguments = json!({
        "environment": "dev", "allowed_integrations": ["github-crm"], "tags": {"end_user_id": "u1"},
        "integrations_config_defaults": {"github-crm": {"connection_config": {"oauth_scopes_override": "a"}}},
    });
    let path = json!(["integrations_config_defaults", "github-crm", "connection_config", "oauth_scopes_override"]);
    let said = json!({"error": {"code": "invalid_body", "errors": [{"path": path, "message": "bad"}]}});
    let outcome = call(&Table::new().on("*", 400, said), CREATE, &arguments);
    assert_eq!(outcome.error["field"], "integrations_config_defaults.github-crm.connection_config.oauth_scopes_override");
}

#[test]
fn half_characters_in_metadata_are_no_broken_answer() {
    let body = with(&connection(), json!({"metadata": {"note": "MARK"}})).to_string().replace("MARK", "cut \\ud83d");
    let nango = Table::new().raw("*", 200, &[("content-type", "application/json")], body);
    let outcome = call(&nango, "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.value()["metadata"]["note"], "cut \u{fffd}");
}

#[test]
fn a_gateway_s_page_is_no_wrong_address() {
    for (tool, writes) in [(CREATE, true), (GET, false)] {
        let outcome = failed(tool, 504, HTML, "<html>gateway time-out");
        assert_eq!((outcome.code(), outcome.error["outcome_unknown"] == true), ("nango_failed", writes), "{}", outcome.text());
        assert_eq!(outcome.sentence().contains("may have taken effect"), writes, "{}", outcome.sentence());
        assert!(!outcome.sentence().contains("NANGO_BASE_URL"), "{}", outcome.sentence());
    }
}

#[test]
fn what_is_not_whole_json_is_no_answer() {
    for (kind, body) in [(JSON, "{\"connections\": [{\"id\": 1"), (JSON, "ok"), (("content-type", "text/plain"), "<html>"), (JSON, "\u{0}")]
    {
        assert_eq!(failed(LIST, 200, kind, body).code(), "invalid_answer", "{body}");
        assert_eq!(failed(CREATE, 200, kind, body).code(), "invalid_answer", "{body}");
    }
}

#[test]
fn json_of_something_else_does_not_read_as_an_empty_list() {
    for body in ["", "null", "[]", "{}", "{\"connections\": null}", "{\"data\": {}}", "7"] {
        for tool in [LIST, "list_integrations", GET] {
            assert_eq!(failed(tool, 200, JSON, body).code(), "invalid_answer", "{tool}: {body}");
        }
    }
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        let nango = Table::new().raw("*", status, &[("location", "https://elsewhere.example/"), HTML], "<a>moved</a>");
        let outcome = call(&nango, GET, &sample(GET).0);
        assert_eq!((outcome.code(), outcome.sent.len()), ("redirected", 1));
        assert!(outcome.error["hint"].as_str().unwrap().contains("NANGO_BASE_URL") && !outcome.text().contains("elsewhere"));
    }
}

#[test]
fn what_nango_says_is_made_fit_for_a_model() {
    let long = "word ".repeat(1000);
    let outcome = check(LIST, 400, json!({"code": "invalid_body", "message": long}), "invalid_body", &["word word…"]);
    assert!(outcome.text().len() < 1500, "{}", outcome.text().len());
    let outcome = check(
        LIST,
        400,
        json!({"code": "invalid_body", "message": "a\u{202e}b\r\nc\u{200b}d \"quoted \u{e9}\" e."}),
        "invalid_body",
        &["a b  c d \"…\" e"],
    );
    assert!(!outcome.text().contains("quoted"));
    let many: Vec<Value> = (0..100).map(|at| json!({"message": "Invalid", "path": [format!("f{at}")]})).collect();
    let outcome = check(LIST, 400, json!({"code": "invalid_body", "errors": many}), "invalid_body", &[]);
    assert_eq!(outcome.error["fields"].as_array().unwrap().len(), 10);
    let outcome = check(
        LIST,
        400,
        json!({"code": "invalid_body", "message": format!("{KEY} and {} and {TOKEN}", KEY.to_uppercase())}),
        "invalid_body",
        &["[removed]"],
    );
    assert!(!outcome.text().contains(TOKEN) && !outcome.text().contains(&KEY.to_uppercase()));
}
