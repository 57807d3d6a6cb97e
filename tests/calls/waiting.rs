//! wait_for_connection, and the two tools that look at a link.

use std::time::Duration;

use nango_mcp::transport::TransportError;
use serde_json::{Value, json};

use crate::samples::{connection, integration, row, sample, seen_session};
use crate::table::{Outcome, TOKEN, Table, call, with};

const WAIT: &str = "wait_for_connection";
fn rows(rows: &[Value]) -> Value {
    json!({"connections": rows})
}

fn waiting() -> Table {
    Table::new().on("GET /integrations", 200, json!({"data": [integration("github"), integration("slack")]}))
}

#[track_caller]
fn wait(nango: &Table, change: Value) -> Outcome {
    call(nango, WAIT, &with(&sample(WAIT).0, change))
}

#[test]
fn the_person_is_found_at_the_next_look() {
    let nango = (0..3).fold(waiting(), |nango, _| nango.on("GET /connections", 200, rows(&[])));
    let nango = nango.on("GET /connections", 200, rows(&[row("c-7")]));
    let outcome = wait(&nango, json!({"provider_config_keys": ["github", "slack"]}));
    let look = "GET /connections?integrationId=github%2Cslack&tags%5Bend_user_id%5D=u1&limit=10";
    assert_eq!(outcome.lines(), [look, "GET /integrations", look, look, look]);
    assert_eq!(nango.slept(), [1, 1, 1]);
    assert_eq!(
        outcome.value(),
        &json!({
            "status": "connected", "connection_id": "c-7", "provider_config_key": "github", "waited_seconds": 3,
            "say": "github is connected.",
            "next": {"tool": "get_connection", "arguments": {"environment": "dev", "connection_id": "c-7", "provider_config_key": "github"}},
        })
    );
}

#[test]
fn what_was_there_before_the_link_does_not_count() {
    let old = |created: &str| rows(&[with(&row("c-1"), json!({"created": created}))]);
    for (created, found) in [
        ("2026-11-23T12:42:45.060+00:00", false),
        ("2026-11-23T12:42:45.059999+00:00", false),
        ("2026-11-23T12:42:45.060001+00:00", true),
        ("2026-11-23T12:42:45.061+00:00", true),
        ("2026-11-23T13:42:45.061+01:00", true),
        ("2026-11-23T13:42:45+02:00", false),
        ("nonsense", false),
    ] {
        let outcome = wait(&waiting().on("GET /connections", 200, old(created)), json!({"timeout_seconds": 1}));
        assert_eq!(outcome.value()["status"], if found { "connected" } else { "pending" }, "{created}");
        let outcome = wait(&waiting().on("GET /connections", 200, old(created)), json!({"timeout_seconds": 1, "since": null}));
        assert_eq!(outcome.value()["status"], "connected", "without `since` whoever is there: {created}");
    }
}

#[test]
fn a_connection_that_does_not_work_is_none() {
    let broken = with(&row("c-1"), json!({"errors": [{"type": "auth", "log_id": "1"}]}));
    let wait =
        |rows: &[Value]| wait(&waiting().on("GET /connections", 200, self::rows(rows)), json!({"timeout_seconds": 1, "since": null}));
    assert_eq!(wait(std::slice::from_ref(&broken)).value()["status"], "pending");
    assert_eq!(wait(&[broken, row("c-2")]).value()["connection_id"], "c-2");
}

#[test]
fn not_yet_says_so_in_time_and_names_the_same_call() {
    for (seconds, looks) in [(1, 2), (25, 26), (50, 41)] {
        let nango = waiting().on("GET /connections", 200, rows(&[]));
        let outcome = wait(&nango, json!({"timeout_seconds": seconds}));
        assert_eq!((&outcome.value()["status"], &outcome.value()["waited_seconds"]), (&json!("pending"), &json!(seconds)));
        let sent = outcome.lines().iter().filter(|line| line.starts_with("GET /connections?")).count();
        assert_eq!(sent, looks, "every second for 30 s, then every other, and once at the end");
        assert_eq!(outcome.value()["next"]["tool"], WAIT);
        let again = with(&sample(WAIT).0, json!({"timeout_seconds": seconds}));
        assert_eq!(outcome.value()["next"]["arguments"], again);
    }
    // Its last look may take long, but the call ends before clients give up.
    let nango = waiting().on("GET /connections", 200, rows(&[])).slow(Duration::from_secs(4));
    assert!(wait(&nango, json!({"timeout_seconds": 50})).value()["waited_seconds"].as_u64().unwrap() <= 55);
}

#[test]
fn fewer_looks_when_the_rate_limit_runs_low() {
    for (remaining, pauses) in [("49", vec![4, 4, 2]), ("9", vec![10]), ("200", vec![1; 10])] {
        let headers = [
            ("content-type", "application/json"),
            ("x-ratelimit-limit", "200"),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", "1795439102"),
        ];
        let nango = waiting().raw("GET /connections", 200, &headers, rows(&[]).to_string());
        wait(&nango, json!({"timeout_seconds": 10}));
        assert_eq!(nango.slept(), pauses, "{remaining} left");
    }
}

#[test]
fn a_repair_is_done_when_the_connection_moved_and_has_no_errors() {
    let repair = json!({"end_user_id": null, "connection_id": "c-1", "timeout_seconds": 2});
    let broken = with(&connection(), json!({"errors": [{"type": "auth", "log_id": "1"}]}));
    let unmoved = with(&connection(), json!({"updated_at": "2026-11-23T12:00:00+00:00"}));
    let unrefreshed = json!({"error": {"code": "invalid_credentials", "message": "The external API returned an error when trying to refresh the access token."}});
    for (status, before) in [(200, broken), (200, unmoved), (400, unrefreshed)] {
        let nango = Table::new().on("GET /connections/c-1", status, before.clone()).on("GET /connections/c-1", 200, connection());
        let outcome = wait(&nango, repair.clone());
        assert_eq!((&outcome.value()["status"], &outcome.value()["waited_seconds"]), (&json!("connected"), &json!(1)), "{before}");
        let nango = Table::new().on("GET /connections/c-1", status, before);
        assert_eq!(wait(&nango, repair.clone()).value()["next"]["arguments"]["connection_id"], "c-1");
    }
    let gone = Table::new().on("GET /connections/c-1", 400, json!({"error": {"code": "unknown_connection"}}));
    assert_eq!(wait(&gone, repair).code(), "unknown_connection");
}

#[test]
fn what_passes_by_itself_does_not_end_the_wait() {
    let nango = waiting()
        .fails("GET /connections", TransportError::Timeout)
        .on("GET /connections", 502, json!({"error": {"code": "server_error"}}))
        .fails("GET /connections", TransportError::Refused)
        .on("GET /connections", 200, rows(&[row("c-1")]));
    assert_eq!(wait(&nango, json!({})).value()["status"], "connected");
    // Nothing but failures is a failure.
    let nango = waiting().fails("GET /connections", TransportError::Refused);
    assert_eq!(wait(&nango, json!({"timeout_seconds": 3})).code(), "connection_refused");
    // What does not pass ends it at once.
    for (status, code, mapped) in [(401, "unknown_account", "key_rejected"), (403, "forbidden", "missing_scope")] {
        let message = "Insufficient scope. Required: environment:connections:list";
        let nango = waiting().on("GET /connections", status, json!({"error": {"code": code, "message": message}}));
        let outcome = wait(&nango, json!({}));
        assert_eq!((outcome.code(), nango.slept().len()), (mapped, 0));
    }
}

#[test]
fn an_integration_that_does_not_exist_is_named_with_the_choices() {
    let nango = waiting().on("GET /connections", 200, rows(&[]));
    let outcome = wait(&nango, json!({"provider_config_keys": ["github", "sIack"]}));
    assert_eq!((outcome.code(), outcome.error["field"].as_str()), ("unknown_integration", Some("provider_config_keys[1]")));
    assert!(outcome.sentence().contains("`github`, `slack`"), "{}", outcome.sentence());
    // A key that may not list integrations waits all the same.
    let scope = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required: environment:integrations:list"}});
    let nango = Table::new().on("GET /integrations", 403, scope).on("GET /connections", 200, rows(&[]));
    assert_eq!(wait(&nango, json!({"timeout_seconds": 1})).value()["status"], "pending");
}

#[test]
fn a_link_shows_its_state_to_its_own_token() {
    let link = json!({"connect_link": format!("https://c.example/sub/?a=b&session_token={TOKEN}&apiURL=http%3A%2F%2Fn#x")});
    for arguments in [link, json!({"session_token": TOKEN})] {
        let outcome = call(&Table::new().on("GET /connect/session", 200, seen_session()), "get_connect_session", &arguments);
        assert_eq!((outcome.lines()[0], outcome.sent[0].bearer.as_deref()), ("GET /connect/session", Some(TOKEN)));
        assert_eq!(
            outcome.value(),
            &json!({
                "status": "open", "allowed_integrations": ["github"], "is_reconnecting": true,
                "end_user": {"id": "u1", "email": "u1@example.com", "display_name": "U One", "organization": {"id": "o1", "display_name": "O"}},
            })
        );
    }
    let gone = json!({"error": {"code": "unknown_connect_session_token", "message": "x", "payload": {}}});
    for (tool, method, expected) in [
        ("get_connect_session", "GET", json!({"status": "expired"})),
        ("cancel_connect_session", "DELETE", json!({"cancelled": true, "was_open": false})),
    ] {
        let nango = Table::new().on(&format!("{method} /connect/session"), 401, gone.clone());
        assert_eq!(call(&nango, tool, &json!({"session_token": TOKEN})).value(), &expected);
    }
    // Another 401 is no state of the link.
    let nango = Table::new().on("GET /connect/session", 401, json!({"error": {"code": "missing_auth_header"}}));
    assert_eq!(call(&nango, "get_connect_session", &json!({"session_token": TOKEN})).code(), "key_rejected");
}

#[test]
fn a_link_without_a_token_is_none() {
    for link in [
        format!("https://c.example/?session_token={}", TOKEN.to_uppercase()),
        format!("https://c.example/#session_token={TOKEN}"),
        format!("https://c.example/session_token={TOKEN}"),
        format!("https://c.example/?xsession_token={TOKEN}"),
        format!("https://c.example/?session_token={TOKEN}0"),
        format!("javascript://c.example/?session_token={TOKEN}"),
    ] {
        for tool in ["get_connect_session", "cancel_connect_session"] {
            let outcome = call(&Table::new(), tool, &json!({"connect_link": link}));
            assert_eq!(outcome.code(), "wrong_format", "{link}");
            assert!(!outcome.text().contains("8c1f9a3e"), "{}", outcome.text());
        }
    }
}
