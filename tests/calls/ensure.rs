//! ensure_connection: what it decides on, and what it costs.

use serde_json::{Value, json};

use crate::samples::{connection, integration, row, sample, session};
use crate::table::{Outcome, TOKEN, Table, call, refused, with};

const ENSURE: &str = "ensure_connection";
const LIST: &str = "GET /connections?integrationId=github&tags%5Bend_user_id%5D=u1&limit=100";

fn rows(rows: &[Value]) -> Value {
    json!({"connections": rows})
}

/// Call with `change` laid over the sample.
#[track_caller]
fn ensure(nango: &Table, change: Value) -> Outcome {
    call(nango, ENSURE, &with(&sample(ENSURE).0, change))
}

fn broken() -> Value {
    json!({"errors": [{"type": "auth", "log_id": "17_x"}]})
}

#[test]
fn connected_takes_two_requests_and_makes_nothing() {
    let nango = Table::new().on("GET /connections", 200, rows(&[row("c-1")])).on("GET /connections/c-1", 200, connection());
    let outcome = ensure(&nango, json!({}));
    assert_eq!(outcome.lines(), [LIST, "GET /connections/c-1?provider_config_key=github"]);
    assert_eq!(
        outcome.value(),
        &json!({
            "status": "connected",
            "reason": "the person's connection works",
            "connection_id": "c-1",
            "provider_config_key": "github",
            "say": "Your github account is connected.",
            "next": {"tool": "get_connection", "arguments": {"environment": "dev", "connection_id": "c-1", "provider_config_key": "github"}},
            "tags": {"end_user_id": "u1", "team": "t"},
            "warnings": [],
        })
    );
}

#[test]
fn nobody_connected_gets_a_link_with_all_tags_in_three_requests() {
    let nango = Table::new().on("GET /connections", 200, rows(&[])).on("POST /connect/sessions", 201, session());
    let change = json!({"end_user_email": "u1@example.com"});
    let outcome = ensure(&nango, change);
    let older = "GET /connections?integrationId=github&endUserId=u1&limit=100";
    assert_eq!(outcome.lines(), [LIST, older, "POST /connect/sessions"]);
    let tags = json!({"end_user_id": "u1", "end_user_email": "u1@example.com"});
    assert_eq!(outcome.sent[2].body, Some(json!({"tags": tags, "allowed_integrations": ["github"]})));
    let value = outcome.value();
    assert_eq!((&value["status"], &value["tags"], value.get("connection_id")), (&json!("connect_required"), &tags, None));
    assert_eq!(value["connect_link"], format!("https://connect.nango.dev/?session_token={TOKEN}"));
    assert_eq!(value["say"], "Please open the link to connect github; it is for you alone and works until 13:12 UTC.");
    let next = json!({"environment": "dev", "provider_config_keys": ["github"], "end_user_id": "u1", "since": value["issued_at"]});
    assert_eq!(value["next"], json!({"tool": "wait_for_connection", "arguments": next}));
}

#[test]
fn a_broken_connection_gets_a_repair_that_keeps_its_tags_and_webhook() {
    let held = with(&connection(), json!({"webhook_url_override": "https://hooks.example.com/n"}));
    for (status, answer) in [
        (200, with(&held, broken())),
        (
            400,
            json!({"error": {"code": "invalid_credentials", "message": "The external API returned an error when trying to refresh the access token.",
            "payload": {"connection": with(&held, broken())}}}),
        ),
    ] {
        let nango = Table::new().on("GET /connections", 200, rows(&[row("c-1")])).on("GET /connections/c-1", status, answer).on(
            "POST /connect/sessions/reconnect",
            201,
            session(),
        );
        let outcome = ensure(&nango, json!({"organization_id": "acme"}));
        assert_eq!(outcome.lines().len(), 3, "{:?}", outcome.lines());
        let tags = json!({"end_user_id": "u1", "team": "t", "organization_id": "acme"});
        assert_eq!(
            outcome.sent[2].body,
            Some(
                json!({"tags": tags, "webhook_url_override": "https://hooks.example.com/n", "connection_id": "c-1", "integration_id": "github"})
            )
        );
        let value = outcome.value();
        assert_eq!((&value["status"], &value["connection_id"]), (&json!("reconnect_required"), &json!("c-1")));
        assert_eq!(value["next"]["arguments"]["connection_id"], "c-1");
    }
}

#[test]
fn health_is_what_the_connection_says_not_the_list() {
    // The list still shows an error that is over.
    let nango =
        Table::new().on("GET /connections", 200, rows(&[with(&row("c-1"), broken())])).on("GET /connections/c-1", 200, connection());
    assert_eq!(ensure(&nango, json!({})).value()["status"], "connected");
    // A failing sync is not mended by the person.
    let syncing = json!({"errors": [{"type": "sync", "log_id": "17_x"}]});
    let nango = Table::new().on("GET /connections", 200, rows(&[row("c-1")])).on("GET /connections/c-1", 200, with(&connection(), syncing));
    assert_eq!(ensure(&nango, json!({})).value()["status"], "connected");
    // A key that may not read it leaves what the list says.
    let scope = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required: environment:connections:read"}});
    for (shown, status) in [(row("c-1"), "connected"), (with(&row("c-1"), broken()), "reconnect_required")] {
        let nango = Table::new().on("GET /connections", 200, rows(&[shown])).on("GET /connections/c-1", 403, scope.clone()).on(
            "POST /connect/sessions/reconnect",
            201,
            session(),
        );
        let outcome = ensure(&nango, json!({}));
        assert_eq!(outcome.value()["status"], status);
        assert!(outcome.value()["warnings"][0].as_str().unwrap().contains("environment:connections:read"));
    }
}

#[test]
fn a_healthy_one_is_reconnected_only_when_asked() {
    let nango = || {
        Table::new().on("GET /connections", 200, rows(&[row("c-1")])).on("GET /connections/c-1", 200, connection()).on(
            "POST /connect/sessions/reconnect",
            201,
            session(),
        )
    };
    assert_eq!(ensure(&nango(), json!({"reconnect_healthy": true})).value()["status"], "reconnect_required");
    assert_eq!(ensure(&nango(), json!({"reconnect_healthy": false})).value()["status"], "connected");
}

#[test]
fn no_second_connection_beside_one_of_the_person() {
    let theirs = |tags: Value| rows(&[with(&row("c-1"), json!({"tags": tags}))]);
    let own = json!({"end_user_id": "u1"});
    for (held, change, found) in [
        // Lacking the tag is no difference.
        (own.clone(), json!({"organization_id": "acme"}), true),
        (own, json!({"tags": {"team": "t"}}), true),
        (json!({"end_user_id": "u1", "organization_id": "acme"}), json!({"organization_id": "acme"}), true),
        // For something else.
        (json!({"end_user_id": "u1", "organization_id": "other"}), json!({"organization_id": "acme"}), false),
        (json!({"end_user_id": "u1", "team": "other"}), json!({"tags": {"Team": "t"}}), false),
    ] {
        let nango = Table::new().on("GET /connections", 200, theirs(held.clone())).on("GET /connections/c-1", 200, connection()).on(
            "POST /connect/sessions",
            201,
            session(),
        );
        let outcome = ensure(&nango, change.clone());
        assert_eq!(outcome.value()["status"], if found { "connected" } else { "connect_required" }, "{held} {change}");
    }
    // One from before tags, found by the older id.
    let old = with(&row("c-1"), json!({"tags": {}, "end_user": {"id": "u1", "organization": {"id": "acme"}}}));
    let nango = || {
        Table::new()
            .on(LIST, 200, rows(&[]))
            .on("GET /connections?integrationId=github&endUserId=u1&limit=100", 200, rows(std::slice::from_ref(&old)))
            .on("GET /connections/c-1", 200, connection())
            .on("POST /connect/sessions", 201, session())
    };
    assert_eq!(ensure(&nango(), json!({"organization_id": "acme"})).value()["status"], "connected");
    assert_eq!(ensure(&nango(), json!({"organization_id": "other"})).value()["status"], "connect_required");
}

#[test]
fn several_are_listed_and_nothing_is_made() {
    let second = with(&row("c-2"), with(&broken(), json!({"tags": {"end_user_id": "u1", "team": "b"}})));
    let nango = Table::new().on("GET /connections", 200, rows(&[row("c-1"), second]));
    let outcome = ensure(&nango, json!({}));
    assert_eq!(outcome.lines(), [LIST]);
    let value = outcome.value();
    assert_eq!((&value["status"], value.get("connect_link")), (&json!("ambiguous"), None));
    let created = "2026-11-23T13:05:43.66+00:00";
    assert_eq!(
        value["connections"],
        json!([
            {"connection_id": "c-1", "created": created, "broken": false, "tags": {"end_user_id": "u1"}},
            {"connection_id": "c-2", "created": created, "broken": true, "tags": {"end_user_id": "u1", "team": "b"}},
        ])
    );
    assert_eq!(value["next"]["tool"], "list_connections");
}

#[test]
fn an_integration_that_does_not_exist_is_answered_with_those_that_do() {
    let nango = Table::new()
        .on("GET /connections", 200, rows(&[]))
        .on(
            "POST /connect/sessions",
            400,
            json!({"error": {"code": "invalid_body", "errors": [{"code": "custom", "message": "Integration does not exist", "path": ["allowed_integrations", "0"]}]}}),
        )
        .on("GET /integrations", 200, json!({"data": [integration("github"), integration("slack")]}));
    let outcome = ensure(&nango, json!({"provider_config_key": "githib"}));
    assert_eq!((outcome.code(), outcome.error["field"].as_str()), ("unknown_integration", Some("provider_config_key")));
    assert!(outcome.sentence().contains("`github`, `slack`") && !outcome.text().contains("githib"), "{}", outcome.sentence());
}

#[test]
fn an_answer_that_is_none_does_not_read_as_nobody() {
    for body in [json!({}), json!({"connections": null}), json!({"connections": [7]}), json!([])] {
        let nango = Table::new().on("GET /connections", 200, body).on("POST /connect/sessions", 201, session());
        let outcome = ensure(&nango, json!({}));
        assert_eq!((outcome.code(), outcome.sent.len()), ("invalid_answer", 1));
    }
    // Another connection than the one asked for.
    let nango = Table::new().on("GET /connections", 200, rows(&[row("c-1")])).on(
        "GET /connections/c-1",
        200,
        with(&connection(), json!({"connection_id": "c-9"})),
    );
    assert_eq!(ensure(&nango, json!({})).code(), "invalid_answer");
}

#[test]
fn who_is_missing_is_refused_before_anything_is_sent() {
    refused(ENSURE, &json!({"environment": "dev", "provider_config_key": "github"}), "missing_argument", "end_user_id");
}
