//! update_integration: what is sent, scopes without the credentials in hand, links for those who must authorize again.

use nango_mcp::transport::TransportError;
use serde_json::{Value, json};

use super::integrations::shown;
use crate::samples::{connection, integration, sample, session};
use crate::table::{Outcome, TOKEN, Table, call, refused, with};

const TOOL: &str = "update_integration";
const PATCH: &str = "PATCH /integrations/github";
const READ: &str = "GET /integrations/github?include=credentials";
const LINK: &str = "POST /connect/sessions/reconnect";

fn base() -> Value {
    json!({"environment": "dev", "integration_id": "github"})
}

fn nango() -> Table {
    Table::new().on(PATCH, 200, json!({"data": integration("github")}))
}

#[track_caller]
fn update(nango: Table, change: Value) -> Outcome {
    call(&nango, TOOL, &with(&base(), change))
}

/// The credentials as Nango shows them.
fn credentials() -> Value {
    json!({"type": "OAUTH2", "client_id": "kept-client-id", "client_secret": "kept-client-secret", "scopes": "repo", "webhook_secret": null})
}

/// Change the scopes of an integration with these credentials.
#[track_caller]
fn scopes(credentials: Value) -> Outcome {
    let read = with(&integration("github"), json!({"credentials": 0}));
    let mut read = json!({"data": read});
    read["data"]["credentials"] = credentials;
    update(nango().on(READ, 200, read), json!({"scopes": ["repo", "read:org"]}))
}

#[test]
fn what_is_given_is_sent_and_nothing_else() {
    let own = json!({"type": "OAUTH2", "client_id": "own-client-id", "client_secret": "own-client-secret", "scopes": ["a", "b"]});
    for (change, body) in [
        (json!({"display_name": "New name"}), json!({"display_name": "New name"})),
        (json!({"forward_webhooks": false}), json!({"forward_webhooks": false})),
        (
            json!({"integration_config": {"region": "eu"}, "custom": {"x": "y"}}),
            json!({"integration_config": {"region": "eu"}, "custom": {"x": "y"}}),
        ),
        (json!({"custom": {}, "forward_webhooks": true}), json!({"forward_webhooks": true})),
        (json!({"credentials": own}), json!({"credentials": with(&own, json!({"scopes": "a,b"}))})),
    ] {
        let outcome = update(nango(), change);
        assert_eq!((outcome.lines(), outcome.sent[0].body.as_ref()), (vec![PATCH], Some(&body)));
        let plain =
            json!({"integration": shown("github"), "reconnect_links": [], "done": ["the change"], "not_done": [], "dropped_fields": 1});
        assert_eq!(outcome.value(), &plain);
        assert!(!outcome.text().contains("own-client"));
    }
}

#[test]
fn a_new_key_is_the_answer_s() {
    let renamed = || Table::new().on(PATCH, 200, json!({"data": integration("hub")}));
    let outcome = update(renamed(), json!({"unique_key": "hub"}));
    assert_eq!((outcome.sent[0].body.as_ref(), &outcome.value()["integration"]), (Some(&json!({"unique_key": "hub"})), &shown("hub")));
    // Links are those of the integration as it is called now.
    let line = "GET /connections/c-1?provider_config_key=github";
    let outcome = update(
        renamed().on(line, 200, connection()).on(LINK, 201, session()),
        json!({"unique_key": "hub", "reconnect_connection_ids": ["c-1"]}),
    );
    assert_eq!(
        (outcome.lines(), outcome.sent[2].body.as_ref().unwrap()["integration_id"].as_str()),
        (vec![line, PATCH, LINK], Some("hub"))
    );
}

#[test]
fn scopes_go_with_the_credentials_that_nango_has() {
    for (kind, webhook) in [("OAUTH2", Value::Null), ("OAUTH1", json!("kept-webhook-secret")), ("TBA", json!(""))] {
        let outcome = scopes(with(&credentials(), json!({"type": kind, "webhook_secret": webhook, "more": "kept-more"})));
        assert_eq!(outcome.lines(), [READ, PATCH]);
        let mut sent = with(&credentials(), json!({"type": kind, "scopes": "repo,read:org", "webhook_secret": null}));
        if kind == "OAUTH1" {
            sent["webhook_secret"] = webhook;
        }
        assert_eq!(outcome.sent[1].body, Some(json!({"credentials": sent})));
        outcome.value();
        assert!(!outcome.text().contains("kept-"), "{}", outcome.text());
    }
    let outcome = update(
        nango().on(READ, 200, json!({"data": with(&integration("github"), json!({"credentials": credentials()}))})),
        json!({"scopes": [], "display_name": "N"}),
    );
    assert_eq!(
        outcome.sent[1].body,
        Some(json!({"display_name": "N", "credentials": with(&credentials(), json!({"scopes": "", "webhook_secret": null}))}))
    );
}

#[test]
fn a_key_that_may_not_read_credentials_changes_no_scopes() {
    let forbidden = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required one of: environment:integrations:read or environment:integrations:read_credentials"}});
    // Without the one scope Nango leaves the credentials out, without both it refuses.
    for (status, answer) in [(200, json!({"data": integration("github")})), (403, forbidden)] {
        let outcome = update(nango().on(READ, status, answer), json!({"scopes": ["repo"]}));
        assert_eq!((outcome.code(), outcome.lines()), ("missing_scope", vec![READ]));
        let sentence = outcome.sentence();
        assert!(sentence.contains("environment:integrations:read_credentials") && sentence.contains("nothing was changed"), "{sentence}");
    }
}

#[test]
fn an_integration_without_a_client_of_its_own_has_no_scopes_to_change() {
    let of = |change: Value| with(&credentials(), change);
    for odd in [
        Value::Null,
        json!({"type": "APP", "app_id": "1", "private_key": "kept-key"}),
        of(json!({"type": "CUSTOM"})),
        of(json!({"type": "MCP_OAUTH2"})),
        of(json!({"client_id": ""})),
        of(json!({"client_secret": null})),
        of(json!({"client_id": 7})),
        json!([]),
        json!("kept-string"),
    ] {
        let outcome = scopes(odd.clone());
        assert_eq!((outcome.code(), outcome.lines()), ("scopes_not_settable", vec![READ]), "{odd}");
        assert!(outcome.sentence().contains("nothing was changed") && !outcome.text().contains("kept-"), "{}", outcome.text());
    }
}

#[test]
fn credentials_of_another_integration_are_not_put_in_place() {
    let another = with(&integration("gitlab"), json!({"credentials": credentials()}));
    let outcome = update(nango().on(READ, 200, json!({"data": another})), json!({"scopes": ["repo"]}));
    assert_eq!((outcome.code(), outcome.lines()), ("invalid_answer", vec![READ]));
    let gone = json!({"error": {"code": "not_found", "message": "Integration \"github\" does not exist"}});
    let outcome = update(nango().on(READ, 404, gone), json!({"scopes": ["repo"]}));
    assert_eq!((outcome.code(), outcome.lines()), ("unknown_integration", vec![READ]));
}

#[test]
fn credentials_that_nango_repeats_are_not_shown() {
    let read = json!({"data": with(&integration("github"), json!({"credentials": credentials()}))});
    let error = json!({"error": {"code": "invalid_body", "message": "kept-client-secret of KEPT-CLIENT-ID is wrong", "errors": [{"message": "kept-client-secret", "path": ["credentials"]}]}});
    let outcome = update(Table::new().on(READ, 200, read).on(PATCH, 400, error), json!({"scopes": ["repo"]}));
    assert_eq!(outcome.code(), "invalid_body");
    assert!(!outcome.text().to_lowercase().contains("kept-client"), "{}", outcome.text());
}

#[test]
fn links_are_made_as_of_create_reconnect_session() {
    let read = with(&connection(), json!({"webhook_url_override": "https://hooks.example.com"}));
    let table = |table: Table| table.on("GET /connections/c-1", 200, read.clone()).on(LINK, 201, session());
    let arguments = json!({"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"});
    let model = call(&table(Table::new()), "create_reconnect_session", &arguments);
    let outcome = update(table(nango()), json!({"display_name": "N", "reconnect_connection_ids": ["c-1", "c-1"]}));
    assert_eq!(outcome.lines(), [model.lines()[0], PATCH, model.lines()[1]]);
    assert_eq!(outcome.sent[2].body, model.sent[1].body);
    assert_eq!(
        outcome.value(),
        &json!({
            "integration": shown("github"),
            "reconnect_links": [{
                "connection_id": "c-1",
                "connect_link": format!("https://connect.nango.dev/?session_token={TOKEN}"),
                "issued_at": "2026-11-23T12:42:45.060Z",
                "next": model.value()["next"],
                "expires_at": "2026-11-23T13:12:45.060Z",
                "say": "Please open the link to reconnect github; it is for you alone and works until 13:12 UTC.",
                "warnings": [],
            }],
            "done": ["the change", "reconnect link for c-1"],
            "not_done": [],
            "dropped_fields": 1,
        })
    );
}

#[test]
fn a_connection_that_cannot_be_read_is_found_before_anything_changes() {
    let nango = || nango().on("GET /connections/c-1", 200, connection()).on(LINK, 201, session());
    for (id, table, code) in [
        ("gone", nango().on("GET /connections/gone", 404, json!({"error": {"code": "unknown_connection"}})), "unknown_connection"),
        ("slow", nango().fails("GET /connections/slow", TransportError::Timeout), "timeout"),
        ("other", nango().on("GET /connections/other", 200, connection()), "invalid_answer"),
    ] {
        let outcome = update(table, json!({"display_name": "N", "reconnect_connection_ids": ["c-1", id]}));
        assert_eq!((outcome.code(), &outcome.error["not_done"]), (code, &json!(["the change"])), "{}", outcome.text());
        assert!(outcome.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", outcome.lines());
        if code != "timeout" {
            assert_eq!(outcome.error["field"], "reconnect_connection_ids[1]", "{}", outcome.text());
        }
    }
}

#[test]
fn a_link_that_fails_leaves_the_change_and_the_others() {
    let nango = nango()
        .on("GET /connections/c-1", 200, connection())
        .on("GET /connections/c-2", 200, with(&connection(), json!({"connection_id": "c-2"})))
        .on(LINK, 500, json!({"error": {"code": "server_error"}}))
        .on(LINK, 201, session());
    let outcome = update(nango, json!({"display_name": "N", "reconnect_connection_ids": ["c-1", "c-2"]}));
    let value = outcome.value();
    assert_eq!(value["done"], json!(["the change", "reconnect link for c-2"]));
    assert_eq!(value["reconnect_links"].as_array().unwrap().len(), 1);
    let not_done = value["not_done"][0].as_str().unwrap();
    assert!(not_done.starts_with("reconnect link for c-1: ") && not_done.contains("inside Nango"), "{not_done}");
}

#[test]
fn a_token_that_nango_puts_elsewhere_does_not_leave() {
    let planted = with(&integration("github"), json!({"display_name": format!("x {TOKEN}")}));
    let link =
        json!({"data": {"token": TOKEN, "connect_link": format!("https://connect.nango.dev/?session_token={TOKEN}"), "expires_at": TOKEN}});
    let nango = Table::new().on(PATCH, 200, json!({"data": planted})).on("GET /connections/c-1", 200, connection()).on(LINK, 201, link);
    let outcome = update(nango, json!({"display_name": "N", "reconnect_connection_ids": ["c-1"]}));
    assert_eq!(outcome.text().matches(TOKEN).count(), 1, "{}", outcome.text());
    assert!(outcome.value()["reconnect_links"][0]["connect_link"].as_str().unwrap().contains(TOKEN));
}

#[test]
fn what_nango_says_becomes_a_remedy() {
    let said = |message: &str| json!({"error": {"code": "invalid_body", "message": message}});
    for (message, code) in [
        ("Can't rename an integration with active connections", "integration_in_use"),
        ("uniqueKey is already used by another integration", "integration_exists"),
        ("incompatible credentials auth type and provider auth", "credentials_mismatch"),
        ("This provider uses integration_config; set its values there instead of custom", "invalid_body"),
    ] {
        let outcome = update(Table::new().on(PATCH, 400, said(message)), json!({"unique_key": "new-unique-key"}));
        assert_eq!((outcome.code(), outcome.error.get("done")), (code, None), "{}", outcome.text());
    }
}

#[test]
fn a_change_whose_answer_is_odd_has_been_made() {
    for data in [integration("other"), Value::Null] {
        let outcome = update(Table::new().on(PATCH, 200, json!({"data": data})), json!({"display_name": "N"}));
        assert_eq!((outcome.code(), &outcome.error["done"]), ("invalid_answer", &json!(["the change, which Nango took"])));
    }
}

#[test]
fn bad_arguments_are_refused_before_anything_is_sent() {
    let (own, long) = (sample("create_integration").0["credentials"].clone(), vec!["c"; 21]);
    for (change, code, field) in [
        (json!({}), "nothing_to_change", ""),
        (json!({"reconnect_connection_ids": ["c-1"]}), "nothing_to_change", ""),
        (json!({"scopes": ["repo"], "credentials": own}), "scopes_twice", "scopes"),
        (json!({"scopes": ["two scopes"]}), "wrong_format", "scopes[0]"),
        (json!({"display_name": "N", "reconnect_connection_ids": long}), "wrong_length", "reconnect_connection_ids"),
        (json!({"fields": {"display_name": "N"}}), "unknown_argument", "fields"),
    ] {
        refused(TOOL, &with(&base(), change), code, field);
    }
}
