//! import_connection: looks first, maps the credentials, shows the connection and no credentials.

use serde_json::{Value, json};

use super::connections::no_scope;
use crate::samples::{connection, row, sample};
use crate::table::{Outcome, Table, call, call_with, config, refused, with};
use nango_mcp::transport::TransportError;

const TOOL: &str = "import_connection";
const LIST: &str = "GET /connections?connectionId=c-1&integrationId=github&limit=1";
const POST: &str = "POST /connections";

fn rows(rows: Value) -> (u16, Value) {
    (200, json!({"connections": rows}))
}

#[track_caller]
fn import(change: Value, list: (u16, Value), made: (u16, Value)) -> Outcome {
    let nango = Table::new().on(LIST, list.0, list.1).on(POST, made.0, made.1);
    call(&nango, TOOL, &with(&sample(TOOL).0, change))
}

/// The body of an import with that change.
#[track_caller]
fn body(change: Value) -> Value {
    let outcome = import(change, rows(json!([])), (201, connection()));
    outcome.value();
    outcome.sent.last().unwrap().body.clone().unwrap()
}

#[test]
fn the_connection_is_shown_without_its_credentials() {
    let outcome = import(json!({}), rows(json!([])), (201, connection()));
    assert_eq!(outcome.lines(), [LIST, POST]);
    assert_eq!(
        outcome.sent[1].body,
        Some(json!({
            "provider_config_key": "github", "credentials": {"type": "OAUTH2", "access_token": "gho_given_token"}, "connection_id": "c-1",
        }))
    );
    assert_eq!(
        outcome.value(),
        &json!({
            "connection": {
                "connection_id": "c-1", "provider_config_key": "github", "provider": "github", "errors": [],
                "end_user": {"id": "u1", "email": "u1@example.com"}, "tags": {"end_user_id": "u1", "team": "t"}, "metadata": {"own": [1]},
                "created_at": "2026-11-23T13:06:19.418+00:00", "updated_at": "2026-11-23T13:06:19.529+00:00",
                "last_fetched_at": "2026-11-23T13:06:19.539+00:00",
            },
            "overwritten": false, "warnings": [],
            // id, connection_config and credentials; tags of the end user.
            "dropped_fields": 4,
        })
    );
    assert!(!outcome.text().contains("gho_"));
}

#[test]
fn without_an_id_nango_makes_one_and_nothing_is_looked_for() {
    let made = with(&connection(), json!({"connection_id": "17dd398f-82b3-4f44-b63a-bb2074c31cb5"}));
    for overwrite in [false, true] {
        let outcome = import(json!({"connection_id": null, "overwrite": overwrite}), (500, json!({})), (201, made.clone()));
        assert_eq!((outcome.lines(), &outcome.value()["overwritten"]), (vec![POST], &json!(false)));
        assert_eq!(outcome.value()["connection"]["connection_id"], "17dd398f-82b3-4f44-b63a-bb2074c31cb5");
    }
}

#[test]
fn an_existing_connection_is_replaced_only_when_told() {
    let outcome = import(json!({}), rows(json!([row("c-1")])), (201, connection()));
    assert_eq!((outcome.code(), outcome.lines()), ("connection_exists", vec![LIST]));
    for word in ["tags", "metadata", "connection_config", "refresh token", "overwrite=true", "nothing was written"] {
        assert!(outcome.sentence().contains(word), "{}", outcome.sentence());
    }
    let outcome = import(json!({"overwrite": true}), rows(json!([row("c-1")])), (201, connection()));
    assert_eq!((outcome.lines(), &outcome.value()["overwritten"]), (vec![LIST, POST], &json!(true)));
    let outcome = import(json!({"overwrite": true}), rows(json!([])), (201, connection()));
    assert_eq!(outcome.value()["overwritten"], false);
}

#[test]
fn overwriting_is_destructive_and_importing_is_not() {
    let config = config(&[("NANGO_MCP_APPROVAL", "phrase")]);
    for (overwrite, phrase) in [(false, "changes the Nango environment"), (true, "deletes Nango configuration")] {
        let outcome = call_with(&config, &Table::new(), TOOL, &with(&sample(TOOL).0, json!({"overwrite": overwrite})));
        assert_eq!(outcome.code(), "confirmation_required");
        assert!(outcome.sentence().contains(phrase), "{}", outcome.sentence());
    }
}

#[test]
fn what_cannot_be_looked_for_is_written_only_when_it_may_be_replaced() {
    let scope = "environment:connections:list";
    let outcome = import(json!({}), (403, no_scope(scope)), (201, connection()));
    assert_eq!((outcome.code(), outcome.lines()), ("missing_scope", vec![LIST]));
    assert!(outcome.sentence().contains(scope) && outcome.error["not_done"] == json!(["connection imported"]), "{}", outcome.text());
    let outcome = import(json!({"overwrite": true}), (403, no_scope(scope)), (201, connection()));
    assert_eq!((outcome.lines(), outcome.value().get("overwritten")), (vec![LIST, POST], None));
    assert!(outcome.value()["warnings"][0].as_str().unwrap().contains(scope), "{}", outcome.text());

    for list in [(200, json!({})), rows(json!({})), rows(json!([row("c-2")])), rows(json!([7])), (500, json!({}))] {
        for overwrite in [false, true] {
            let outcome = import(json!({"overwrite": overwrite}), list.clone(), (201, connection()));
            let code = if list.0 == 500 { "nango_failed" } else { "invalid_answer" };
            assert_eq!((outcome.code(), outcome.lines()), (code, vec![LIST]), "{list:?}");
        }
    }
}

#[test]
fn credentials_of_every_type_go_as_nango_calls_them() {
    for (ours, nango) in [
        (
            json!({"type": "OAUTH2", "access_token": "a", "refresh_token": "r", "expires_at": "2030-01-31T12:00:00Z", "client_id": "i", "client_secret": "s"}),
            json!({
                "type": "OAUTH2", "access_token": "a", "refresh_token": "r", "expires_at": "2030-01-31T12:00:00Z",
                "config_override": {"client_id": "i", "client_secret": "s"},
            }),
        ),
        (
            json!({"type": "OAUTH2_CC", "token": "t", "client_id": "i", "client_secret": "s", "client_certificate": "c", "client_private_key": "k"}),
            json!({"type": "OAUTH2_CC", "token": "t", "client_id": "i", "client_secret": "s", "client_certificate": "c", "client_private_key": "k"}),
        ),
        (
            json!({"type": "OAUTH1", "oauth_token": "t", "oauth_token_secret": "s"}),
            json!({"type": "OAUTH1", "oauth_token": "t", "oauth_token_secret": "s"}),
        ),
        (json!({"type": "API_KEY", "api_key": "k"}), json!({"type": "API_KEY", "apiKey": "k"})),
        (json!({"type": "BASIC", "username": "u", "password": ""}), json!({"type": "BASIC", "username": "u", "password": ""})),
        (json!({"type": "NONE"}), json!({"type": "NONE"})),
        (
            json!({"type": "TBA", "token_id": "i", "token_secret": "s", "client_id": "c"}),
            json!({"type": "TBA", "token_id": "i", "token_secret": "s", "config_override": {"client_id": "c"}}),
        ),
        (json!({"type": "APP", "app_id": "1", "installation_id": "2"}), json!({"type": "APP", "app_id": "1", "installation_id": "2"})),
        (
            json!({"type": "CUSTOM", "app_id": "1", "installation_id": "2"}),
            json!({"type": "CUSTOM", "app_id": "1", "installation_id": "2"}),
        ),
    ] {
        let sent = body(json!({"credentials": ours, "connection_config": {"accountId": "42"}}));
        assert_eq!(sent["credentials"], nango);
    }
}

#[test]
fn what_a_type_lacks_or_does_not_know_is_refused() {
    for (credentials, code, field) in [
        (json!({"type": "OAUTH2"}), "credentials_incomplete", "credentials.access_token"),
        (json!({"type": "OAUTH2_CC", "token": "t", "client_id": "i"}), "credentials_incomplete", "credentials.client_secret"),
        (json!({"type": "OAUTH1", "oauth_token": "t"}), "credentials_incomplete", "credentials.oauth_token_secret"),
        (json!({"type": "API_KEY"}), "credentials_incomplete", "credentials.api_key"),
        (json!({"type": "BASIC", "username": "somebody"}), "credentials_incomplete", "credentials.password"),
        (json!({"type": "APP", "app_id": "1"}), "credentials_incomplete", "credentials.installation_id"),
        (json!({"type": "TBA", "token_id": "i", "token_secret": "s"}), "credentials_incomplete", "connection_config.accountId"),
        (json!({"type": "API_KEY", "api_key": "k", "password": "secret-word"}), "credentials_surplus", "credentials.password"),
        (json!({"type": "OAUTH2", "access_token": "a", "token": "secret-word"}), "credentials_surplus", "credentials.token"),
        (json!({"type": "API_KEY", "apiKey": "secret-word"}), "unknown_argument", "credentials.apiKey"),
        (json!({"type": "JWT"}), "unknown_value", "credentials.type"),
        (json!({"access_token": "secret-word"}), "missing_argument", "credentials.type"),
        (json!({"type": "OAUTH2", "access_token": ""}), "wrong_length", "credentials.access_token"),
    ] {
        refused(TOOL, &with(&sample(TOOL).0, json!({"credentials": credentials})), code, field);
    }
    for at in ["2030-01-31 12:00:00Z", "2030-01-31T12:00:00+00:00", "2030-01-31T12:00:00.Z", "tomorrow, or the day after"] {
        let credentials = json!({"type": "OAUTH2", "access_token": "a", "expires_at": at});
        refused(TOOL, &with(&sample(TOOL).0, json!({"credentials": credentials})), "wrong_format", "credentials.expires_at");
    }
}

#[test]
fn connection_ids_are_checked_here_because_nango_does_not() {
    for (id, code) in [("", "wrong_length"), ("\u{e9}", "wrong_format"), ("..", "dot_segment"), (&"x".repeat(256), "wrong_length")] {
        refused(TOOL, &with(&sample(TOOL).0, json!({"connection_id": id})), code, "connection_id");
    }
}

#[test]
fn all_that_is_given_goes_along() {
    let person = json!({"id": "u2", "email": "u2@example.com"});
    let sent = body(json!({
        "metadata": {"m": [1]}, "connection_config": {"subdomain": "acme", "oauth_scopes_override": ["repo", "user"]},
        "tags": {"Team": "T"}, "end_user": person,
    }));
    assert_eq!((&sent["metadata"], &sent["end_user"]), (&json!({"m": [1]}), &person));
    assert_eq!(sent["connection_config"], json!({"subdomain": "acme", "oauth_scopes_override": ["repo", "user"]}));
    // With tags, all of them: those that Nango would make of the person too.
    assert_eq!(sent["tags"], json!({"end_user_id": "u2", "end_user_email": "u2@example.com", "team": "T"}));
    // Without, Nango makes its own.
    assert_eq!(body(json!({"end_user": person})).get("tags"), None);
    assert_eq!(body(json!({"tags": {}, "end_user": person})).get("tags"), None);
    for scopes in [json!("repo"), json!(["repo", 7]), json!({}), Value::Null] {
        let change = json!({"connection_config": {"oauth_scopes_override": scopes}});
        refused(TOOL, &with(&sample(TOOL).0, change), "scopes_not_a_list", "connection_config.oauth_scopes_override");
    }
}

#[test]
fn what_nango_refuses_is_told() {
    let error = |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
    for (status, answer, code, says) in [
        (404, error("not_found", "Integration does not exist"), "unknown_integration", "list_integrations"),
        (400, error("invalid_body", "Provider BASIC does not support API_KEY auth"), "wrong_auth_mode", "auth mode is BASIC:"),
        (400, error("invalid_body", "Provider OAUTH2_CC does not support OAUTH2 auth"), "wrong_auth_mode", "auth mode is OAUTH2_CC:"),
        (400, error("invalid_body", "Provider <b>x</b> does not support y auth"), "invalid_body", "correct the arguments"),
        (400, error("resource_capped", "Reached maximum number of allowed connections"), "connection_limit", "plan"),
        (400, error("connection_test_failed", "no"), "connection_test_failed", "did not accept"),
        (400, error("connection_validation_failed", "no"), "connection_validation_failed", "did not accept"),
        (403, no_scope("environment:connections:create"), "missing_scope", "environment:connections:create"),
    ] {
        let outcome = import(json!({}), rows(json!([])), (status, answer));
        assert_eq!((outcome.code(), outcome.lines()), (code, vec![LIST, POST]), "{}", outcome.text());
        assert!(outcome.sentence().contains(says) && !outcome.text().contains("gho_"), "{}", outcome.sentence());
    }
    let repeated = error("connection_test_failed", "the token gho_given_token is not accepted");
    assert!(!import(json!({}), rows(json!([])), (400, repeated)).text().contains("gho_given_token"));
    let outcome = call(&Table::new().on(LIST, 200, json!({"connections": []})).fails(POST, TransportError::Timeout), TOOL, &sample(TOOL).0);
    assert_eq!(outcome.error["outcome_unknown"], true);
}

#[test]
fn an_answer_that_is_another_connection_is_told_as_written() {
    for made in
        [json!({}), with(&connection(), json!({"connection_id": "c-2"})), with(&connection(), json!({"provider_config_key": "slack"}))]
    {
        let outcome = import(json!({}), rows(json!([])), (201, made));
        assert_eq!((outcome.code(), &outcome.error["done"]), ("invalid_answer", &json!(["connection imported"])), "{}", outcome.text());
    }
}
