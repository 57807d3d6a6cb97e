//! delete_connection, replace_connection_tags, update_connection_metadata, refresh_connection_credentials.

use serde_json::{Value, json};

use crate::samples::connections::expiring;
use crate::samples::{connection, row, sample};
use crate::table::{Outcome, Table, call, with};
use nango_mcp::transport::TransportError;

const READ: &str = "GET /connections/c-1?provider_config_key=github";
const LIST: &str = "GET /connections?connectionId=c-1&integrationId=github&limit=1";
const PATCH: &str = "PATCH /connections/c-1?provider_config_key=github";

/// Nango's 403.
pub(super) fn no_scope(scope: &str) -> Value {
    json!({"error": {"code": "forbidden", "message": format!("Insufficient scope. Required: {scope}")}})
}

/// Nango's 400 where a refresh failed.
pub(super) fn refresh_failure(connection: Value) -> Value {
    json!({"error": {"code": "invalid_credentials", "message": "The external API returned an error.", "payload": {"connection": connection}}})
}

fn done() -> Value {
    json!({"success": true})
}

#[track_caller]
fn body(outcome: &Outcome, line: &str) -> Value {
    let sent = outcome.sent.iter().find(|sent| sent.line == line).unwrap_or_else(|| panic!("{:?}", outcome.lines()));
    sent.body.clone().unwrap()
}

#[test]
fn a_deleted_connection_is_gone_once() {
    let (arguments, nango) = sample("delete_connection");
    let outcome = call(&nango, "delete_connection", &arguments);
    assert_eq!(outcome.lines(), ["DELETE /connections/c-1?provider_config_key=github"]);
    assert_eq!(outcome.sent[0].body, None);
    assert_eq!(outcome.value(), &json!({"connection_id": "c-1", "provider_config_key": "github", "deleted": true}));
    for (status, answer, code) in [
        // Without a message (observed).
        (400, json!({"error": {"code": "unknown_connection"}}), "unknown_connection"),
        (403, no_scope("environment:connections:delete"), "missing_scope"),
        (200, json!({"success": false}), "invalid_answer"),
        (200, json!([]), "invalid_answer"),
    ] {
        let outcome = call(&Table::new().on("DELETE /connections/c-1", status, answer), "delete_connection", &arguments);
        assert_eq!(outcome.code(), code, "{}", outcome.text());
    }
    let outcome = call(&Table::new().fails("*", TransportError::Timeout), "delete_connection", &arguments);
    assert_eq!(outcome.error["outcome_unknown"], true);
}

#[track_caller]
fn tags(change: Value, status: u16, read: Value) -> Outcome {
    let nango = Table::new().on(READ, status, read).on(PATCH, 200, done());
    call(&nango, "replace_connection_tags", &with(&sample("replace_connection_tags").0, change))
}

#[test]
fn tags_are_replaced_or_merged_and_shown_before_and_after() {
    let outcome = tags(json!({}), 200, connection());
    assert_eq!(outcome.lines(), [READ, PATCH]);
    assert_eq!(body(&outcome, PATCH), json!({"tags": {"plan": "Pro"}}));
    let before = json!({"end_user_id": "u1", "team": "t"});
    assert_eq!(outcome.value(), &json!({"before": before, "after": {"plan": "Pro"}, "warnings": []}));

    let outcome = tags(json!({"mode": "merge", "tags": {"TEAM": "new", "plan": "Pro"}}), 200, connection());
    let after = json!({"end_user_id": "u1", "team": "new", "plan": "Pro"});
    assert_eq!(body(&outcome, PATCH), json!({"tags": after}));
    assert_eq!(outcome.value(), &json!({"before": before, "after": after, "warnings": []}));

    let outcome = tags(json!({"tags": {}}), 200, connection());
    assert_eq!((body(&outcome, PATCH), &outcome.value()["after"]), (json!({"tags": {}}), &json!({})));
}

#[test]
fn a_merge_names_the_tags_it_cannot_keep_and_refuses_too_many() {
    let odd = with(&connection(), json!({"tags": {"1 odd key": "v", "number": 7, "fine": "v"}}));
    let outcome = tags(json!({"mode": "merge"}), 200, odd.clone());
    assert_eq!(body(&outcome, PATCH), json!({"tags": {"fine": "v", "plan": "Pro"}}));
    let warnings = outcome.value()["warnings"].to_string();
    assert!(warnings.contains("1 odd key, number"), "{warnings}");
    assert_eq!(outcome.value()["before"], json!({"1 odd key": "v", "fine": "v"}));
    assert_eq!(tags(json!({}), 200, odd).value()["warnings"], json!([]), "replacing keeps nothing");

    let ten: serde_json::Map<String, Value> = (0..10).map(|at| (format!("k{at}"), "v".into())).collect();
    let outcome = tags(json!({"mode": "merge"}), 200, with(&connection(), json!({"tags": ten})));
    assert_eq!((outcome.code(), outcome.lines()), ("too_many_tags", vec![READ]));
    assert!(outcome.sentence().contains("11 tags") && outcome.sentence().contains("kept"), "{}", outcome.sentence());
}

#[test]
fn tags_of_a_connection_that_cannot_be_read() {
    let scope = "environment:connections:read";
    let outcome = tags(json!({}), 403, no_scope(scope));
    assert_eq!((outcome.value().get("before"), &outcome.value()["after"]), (None, &json!({"plan": "Pro"})));
    assert!(outcome.value()["warnings"][0].as_str().unwrap().contains(scope), "{}", outcome.text());
    let outcome = tags(json!({"mode": "merge"}), 403, no_scope(scope));
    assert_eq!((outcome.code(), outcome.lines()), ("missing_scope", vec![READ]));
    assert!(outcome.sentence().contains(scope) && outcome.error["not_done"] == json!(["tags changed"]), "{}", outcome.text());

    let broken = with(&connection(), json!({"tags": {"kept": "1"}, "credentials": {}}));
    let outcome = tags(json!({"mode": "merge"}), 400, refresh_failure(broken));
    assert_eq!(outcome.value()["after"], json!({"kept": "1", "plan": "Pro"}));
    for list in [json!({"connections": [row("c-1")]}), json!({"connections": [row("c-2")]}), json!({"connections": []}), json!({})] {
        let nango = Table::new().on(READ, 424, json!({"error": {"code": "connection_refresh_backoff"}}));
        let nango = nango.on(LIST, 200, list.clone()).on(PATCH, 200, done());
        let outcome = call(&nango, "replace_connection_tags", &sample("replace_connection_tags").0);
        let ours = list["connections"][0]["connection_id"] == "c-1";
        assert_eq!(outcome.code(), if ours { "" } else { "invalid_answer" }, "{list}");
        assert_eq!(outcome.lines().contains(&PATCH), ours);
    }
    let other = tags(json!({}), 200, with(&connection(), json!({"connection_id": "c-2"})));
    assert_eq!((other.code(), other.lines()), ("invalid_answer", vec![READ]));
}

#[test]
fn a_patch_of_tags_that_fails_is_told() {
    for (status, answer, code) in [
        (404, json!({"error": {"code": "not_found", "message": "Failed to find connection"}}), "unknown_connection"),
        (400, json!({"error": {"code": "unknown_provider_config", "message": "Provider does not exists"}}), "unknown_integration"),
        (403, no_scope("environment:connections:update"), "missing_scope"),
        (200, json!({}), "invalid_answer"),
    ] {
        let nango = Table::new().on(READ, 200, connection()).on(PATCH, status, answer);
        assert_eq!(call(&nango, "replace_connection_tags", &sample("replace_connection_tags").0).code(), code);
    }
}

#[track_caller]
fn metadata(change: Value, nango: Table) -> Outcome {
    call(&nango, "update_connection_metadata", &with(&sample("update_connection_metadata").0, change))
}

#[test]
fn metadata_is_merged_or_replaced_and_read_back() {
    let (_, nango) = sample("update_connection_metadata");
    let outcome = metadata(json!({}), nango);
    assert_eq!(outcome.lines(), ["PATCH /connections/metadata", READ]);
    let sent = json!({"connection_id": "c-1", "provider_config_key": "github", "metadata": {"plan": 1}});
    assert_eq!(body(&outcome, "PATCH /connections/metadata"), sent);
    assert_eq!(outcome.value(), &json!({"metadata": {"own": [1], "plan": 1}, "read_back": true, "warnings": []}));

    let nango = || Table::new().on("POST /connections/metadata", 201, json!({"metadata": {}})).on(READ, 200, connection());
    let outcome = metadata(json!({"mode": "replace", "metadata": {}}), nango());
    assert_eq!(outcome.lines(), ["POST /connections/metadata", READ]);
    assert_eq!(body(&outcome, "POST /connections/metadata")["metadata"], json!({}));
    assert_eq!(metadata(json!({"mode": "replace", "metadata": {"a": {}}}), nango()).value()["warnings"], json!([]));

    let (_, nango) = sample("update_connection_metadata");
    let shallow = metadata(json!({"metadata": {"deep": {"b": 2}}}), nango);
    assert!(shallow.value()["warnings"][0].as_str().unwrap().contains("shallow"), "{}", shallow.text());
}

#[test]
fn metadata_that_cannot_be_read_back_is_written_all_the_same() {
    let written = || Table::new().on("PATCH /connections/metadata", 200, json!({"metadata": {}}));
    for nango in [
        written().on(READ, 403, no_scope("environment:connections:read")),
        written().on(READ, 200, with(&connection(), json!({"metadata": 7}))),
        written().on(READ, 200, with(&connection(), json!({"connection_id": "c-2"}))),
        written().fails(READ, TransportError::Timeout),
    ] {
        let outcome = metadata(json!({}), nango);
        assert_eq!((&outcome.value()["metadata"], &outcome.value()["read_back"]), (&json!({"plan": 1}), &json!(false)));
        assert!(outcome.value()["warnings"][0].as_str().unwrap().starts_with("it was written"), "{}", outcome.text());
    }
    let broken = with(&connection(), json!({"metadata": {"plan": 1, "x": 2}, "credentials": {}}));
    let outcome = metadata(json!({}), written().on(READ, 400, refresh_failure(broken)));
    assert_eq!(outcome.value()["metadata"], json!({"plan": 1, "x": 2}));
}

#[test]
fn metadata_of_no_connection_is_refused_by_nango() {
    let unknown = json!({"error": {"code": "unknown_connection", "message": "Connection with connection id c-1 not found"}});
    for (status, answer, code) in [(404, unknown, "unknown_connection"), (403, no_scope("environment:connections:update"), "missing_scope")]
    {
        let outcome = metadata(json!({}), Table::new().on("PATCH /connections/metadata", status, answer));
        assert_eq!((outcome.code(), outcome.sent.len()), (code, 1), "{}", outcome.text());
    }
}

const BEFORE: &str = "GET /connections/c-1?provider_config_key=github&refresh_token=true";
const FORCED: &str = "GET /connections/c-1?provider_config_key=github&refresh_token=true&force_refresh=true";

#[track_caller]
fn refresh(before: (u16, Value), after: (u16, Value)) -> Outcome {
    let nango = Table::new().on(BEFORE, before.0, before.1).on(FORCED, after.0, after.1);
    call(&nango, "refresh_connection_credentials", &sample("refresh_connection_credentials").0)
}

fn of(credentials: Value) -> (u16, Value) {
    (200, with(&connection(), json!({"credentials": credentials})))
}

#[test]
fn a_refresh_says_whether_anything_moved() {
    let (old, new) = ("2026-11-23T14:00:00.000Z", "2026-11-23T22:00:00.000Z");
    let outcome = refresh((200, expiring(old, "gho_old")), (200, expiring(new, "gho_new")));
    assert_eq!(outcome.lines(), [BEFORE, FORCED]);
    assert_eq!(
        outcome.value(),
        &json!({
            "connection_id": "c-1", "provider_config_key": "github", "refreshed": true, "credentials_type": "OAUTH2",
            "expires_at_before": old, "expires_at_after": new,
        })
    );
    assert!(!outcome.text().contains("gho_"));
    // A new token with the same expiry counts, and so does a new expiry of the same token.
    assert_eq!(refresh((200, expiring(old, "a")), (200, expiring(old, "b"))).value()["refreshed"], true);
    assert_eq!(refresh((200, expiring(old, "a")), (200, expiring(new, "a"))).value()["refreshed"], true);
    let same = refresh((200, expiring(old, "a")), (200, expiring(old, "a")));
    assert_eq!(same.value()["refreshed"], false);
    assert!(same.value()["reason"].as_str().unwrap().contains("as they were"), "{}", same.text());
}

#[test]
fn a_refresh_that_moves_nothing_says_why() {
    for (credentials, reason) in [
        (json!({"type": "API_KEY", "apiKey": "k"}), "API_KEY do not expire"),
        (json!({"type": "BASIC", "username": "u", "password": "p"}), "BASIC do not expire"),
        (json!({"type": "OAUTH2", "access_token": "t", "raw": {}}), "no refresh token"),
        (json!({}), "environment:connections:read_credentials"),
        (json!({"type": "gho_no_type"}), "shows no credentials"),
    ] {
        let outcome = refresh(of(credentials.clone()), of(credentials));
        assert_eq!(outcome.value()["refreshed"], false);
        assert!(outcome.value()["reason"].as_str().unwrap().contains(reason), "{}", outcome.text());
        assert!(!outcome.text().contains("gho_"), "{}", outcome.text());
    }
    // What is no time is not shown.
    let odd = |at: &str| of(json!({"type": "OAUTH2", "access_token": "t", "expires_at": at}));
    assert_eq!(refresh(odd("gho_hidden"), odd("gho_other")).value().get("expires_at_after"), None);
}

#[test]
fn a_refresh_that_fails_or_may_not_be_is_told() {
    let good = (200, expiring("2026-11-23T14:00:00.000Z", "a"));
    let failed = || (400, refresh_failure(connection()));
    let outcome = refresh(good.clone(), failed());
    assert_eq!((outcome.code(), outcome.lines()), ("refresh_failed", vec![BEFORE, FORCED]));
    assert!(outcome.sentence().contains("create_reconnect_session"), "{}", outcome.sentence());
    assert_eq!(refresh(failed(), failed()).code(), "refresh_failed");
    // Expired and held off, and then refreshed by force.
    let outcome = refresh((424, json!({"error": {"code": "connection_refresh_backoff"}})), good.clone());
    assert_eq!((&outcome.value()["refreshed"], outcome.value().get("expires_at_before")), (&json!(true), None));
    for message in ["Insufficient scope. Required: environment:connections:read_credentials", "You cannot do that"] {
        let forbidden = (403, json!({"error": {"code": "forbidden", "message": message}}));
        for (before, after) in [(forbidden.clone(), good.clone()), (good.clone(), forbidden)] {
            let outcome = refresh(before, after);
            assert_eq!(outcome.code(), "missing_scope");
            assert!(outcome.sentence().contains("environment:connections:read_credentials"), "{}", outcome.sentence());
        }
    }
    for other in [json!({"connection_id": "c-2"}), json!({"credentials": null}), json!({"credentials": "gho_text"})] {
        let outcome = refresh(good.clone(), (200, with(&connection(), other)));
        assert!(outcome.code() == "invalid_answer" && !outcome.text().contains("gho_"), "{}", outcome.text());
    }
    let unknown = (404, json!({"error": {"code": "not_found", "message": "Failed to find connection"}}));
    assert_eq!(refresh(unknown, good).code(), "unknown_connection");
}
