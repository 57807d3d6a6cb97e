//! update_connection_end_user: nothing else of the connection changes, and no other connection.

use serde_json::{Value, json};

use super::connections::{no_scope, refresh_failure};
use crate::samples::{connection, row, sample};
use crate::table::{Outcome, Table, call, with};
use nango_mcp::transport::TransportError;

const TOOL: &str = "update_connection_end_user";
const READ: &str = "GET /connections/c-1?provider_config_key=github";
const PATCH: &str = "PATCH /connections/c-1?provider_config_key=github";
const OLD: &str = "GET /connections?endUserId=u1&limit=2";
const NEW: &str = "GET /connections?endUserId=u2&limit=2";
const TAGGED: &str = "GET /connections?tags%5Bend_user_id%5D=u2&limit=2";

fn list(rows: &[&str]) -> Value {
    json!({"connections": rows.iter().map(|id| row(id)).collect::<Vec<_>>()})
}

/// A Nango that holds `before` and does what is asked of it.
fn nango(before: Value, after: Value) -> Table {
    let nango = Table::new().on(READ, 200, before).on(OLD, 200, list(&["c-1"])).on(NEW, 200, list(&[])).on(TAGGED, 200, list(&[]));
    nango.on(PATCH, 200, json!({"success": true})).on(READ, 200, after)
}

#[track_caller]
fn update(change: Value, nango: &Table) -> Outcome {
    let arguments = with(&sample(TOOL).0, json!({"display_name": null}));
    call(nango, TOOL, &with(&arguments, change))
}

fn person(id: &str, email: Value, name: Value, tags: Value) -> Value {
    json!({"id": id, "email": email, "display_name": name, "tags": tags, "organization": null})
}

#[test]
fn person_and_tags_are_changed_together_and_read_back() {
    let before = with(&connection(), json!({"end_user": person("u1", json!("u1@example.com"), Value::Null, json!({"Segment": "s"}))}));
    let tags = json!({
        "end_user_id": "u2", "end_user_email": "u1@example.com", "end_user_display_name": "U Two", "segment": "s", "team": "t",
    });
    let now = person("u2", json!("u1@example.com"), json!("U Two"), json!({"Segment": "s"}));
    let nango = nango(before, with(&connection(), json!({"end_user": now, "tags": tags})));
    let outcome = update(json!({"id": "u2", "display_name": "U Two"}), &nango);
    assert_eq!(outcome.lines(), [READ, OLD, NEW, TAGGED, PATCH, READ]);
    assert_eq!(
        outcome.sent[4].body,
        Some(json!({
            "end_user": {"id": "u2", "email": "u1@example.com", "display_name": "U Two", "tags": {"Segment": "s"}}, "tags": tags,
        }))
    );
    assert_eq!(
        outcome.value(),
        &json!({"end_user": {"id": "u2", "email": "u1@example.com", "display_name": "U Two"}, "verified": true, "tags": tags})
    );
}

#[test]
fn a_connection_without_a_person_gets_one_by_id() {
    let bare = with(&connection(), json!({"end_user": Value::Null, "tags": {"team": "t"}}));
    let outcome = update(json!({"email": "u2@example.com"}), &nango(bare.clone(), bare.clone()));
    assert_eq!((outcome.code(), outcome.lines()), ("end_user_id_required", vec![READ]));
    let tags = json!({"team": "t", "end_user_id": "u2"});
    let after = with(&bare, json!({"end_user": person("u2", Value::Null, Value::Null, Value::Null), "tags": tags}));
    let outcome = update(json!({"id": "u2"}), &nango(bare, after));
    assert_eq!(outcome.lines(), [READ, NEW, TAGGED, PATCH, READ]);
    assert_eq!(outcome.value(), &json!({"end_user": {"id": "u2"}, "verified": true, "tags": tags}));
}

#[test]
fn an_id_that_another_connection_has_in_its_tags_alone_is_in_use_too() {
    let before = |tags: Value| with(&connection(), json!({"end_user": Value::Null, "tags": tags}));
    let taken = |before: Value| {
        let nango = Table::new().on(READ, 200, before).on(NEW, 200, list(&[])).on(TAGGED, 200, list(&["c-1", "c-2"]));
        nango.on(PATCH, 500, json!({}))
    };
    let outcome = update(json!({"id": "u2"}), &taken(before(json!({"end_user_id": "u1"}))));
    assert_eq!((outcome.code(), outcome.lines()), ("end_user_id_conflict", vec![READ, NEW, TAGGED]));
    // Of a person with several connections each may get the record.
    let outcome = update(json!({"id": "u2"}), &taken(before(json!({"end_user_id": "u2"}))));
    assert_eq!(outcome.lines(), [READ, NEW, PATCH]);
}

#[test]
fn tags_that_the_call_does_not_name_stay_as_they_are() {
    // The tag is another than the record's id, because somebody set it so.
    let before = with(&connection(), json!({"tags": {"end_user_id": "sales-7"}}));
    let tags = json!({"end_user_id": "sales-7", "end_user_email": "new@example.com"});
    let now = person("u1", json!("new@example.com"), Value::Null, json!({}));
    let outcome = update(json!({"email": "new@example.com"}), &nango(before, with(&connection(), json!({"end_user": now, "tags": tags}))));
    assert_eq!(outcome.value()["tags"], tags);
}

#[test]
fn what_would_reach_others_is_refused_before_anything_is_written() {
    let shared = Table::new().on(READ, 200, connection()).on(OLD, 200, list(&["c-1", "c-9"]));
    let outcome = update(json!({"email": "new@example.com"}), &shared);
    assert_eq!((outcome.code(), outcome.lines()), ("end_user_shared_connection_unsupported", vec![READ, OLD]));
    // The same id in another integration is another connection.
    let elsewhere = json!({"connections": [with(&row("c-1"), json!({"provider_config_key": "slack"}))]});
    let outcome = update(json!({"email": "new@example.com"}), &Table::new().on(READ, 200, connection()).on(OLD, 200, elsewhere));
    assert_eq!(outcome.code(), "end_user_shared_connection_unsupported");

    let taken = Table::new().on(READ, 200, connection()).on(OLD, 200, list(&["c-1"])).on(NEW, 200, list(&["c-9"]));
    let outcome = update(json!({"id": "u2"}), &taken);
    assert_eq!((outcome.code(), outcome.lines()), ("end_user_id_conflict", vec![READ, OLD, NEW]));

    for organization in [json!({"id": "o1", "display_name": "Acme"}), json!("o1")] {
        let held = with(&connection()["end_user"], json!({"organization": organization}));
        let outcome =
            update(json!({"email": "new@example.com"}), &Table::new().on(READ, 200, with(&connection(), json!({"end_user": held}))));
        assert_eq!((outcome.code(), outcome.sent.len()), ("end_user_organization_unsupported", 1));
    }
}

#[test]
fn ten_tags_are_the_most() {
    let tags = |count: usize| {
        let mut tags: serde_json::Map<String, Value> = (0..count).map(|at| (format!("k{at}"), "v".into())).collect();
        tags.insert("end_user_id".into(), "u1".into());
        Value::from(tags)
    };
    let plain = person("u1", Value::Null, Value::Null, json!({}));
    let full = |count| with(&connection(), json!({"tags": tags(count), "end_user": plain}));
    let change = json!({"email": "u1@example.com", "display_name": "U One"});
    let outcome = update(change.clone(), &nango(full(8), full(8)));
    assert_eq!((outcome.code(), outcome.lines()), ("end_user_tag_capacity_exceeded", vec![READ]));
    assert!(outcome.sentence().contains("9 tags") && outcome.sentence().contains("11 together"), "{}", outcome.sentence());
    // The person's own tags become the connection's again, so they count.
    let own = person("u1", Value::Null, Value::Null, json!({"a": "1", "b": "2"}));
    let outcome = update(json!({"display_name": "U One"}), &nango(with(&full(7), json!({"end_user": own})), full(7)));
    assert_eq!(outcome.code(), "end_user_tag_capacity_exceeded");
    let after = with(&tags(7), json!({"end_user_email": "u1@example.com", "end_user_display_name": "U One"}));
    let now = person("u1", json!("u1@example.com"), json!("U One"), json!({}));
    let outcome = update(change, &nango(full(7), with(&connection(), json!({"end_user": now, "tags": after}))));
    assert_eq!(outcome.value()["tags"].as_object().unwrap().len(), 10);
}

#[test]
fn tags_that_could_not_be_kept_stop_it() {
    for odd in [json!({"1 odd": "v"}), json!({"a": 7}), json!([])] {
        let own = person("u1", Value::Null, Value::Null, odd.clone());
        for before in [with(&connection(), json!({"tags": odd})), with(&connection(), json!({"end_user": own}))] {
            let outcome = update(json!({"display_name": "U One"}), &nango(before, connection()));
            assert_eq!((outcome.code(), outcome.lines()), ("end_user_tags_unsupported", vec![READ]), "{odd}");
        }
    }
}

#[test]
fn what_is_read_back_must_be_what_was_asked_for() {
    let good = json!({"end_user_id": "u1", "team": "t", "end_user_email": "u1@example.com", "end_user_display_name": "U One"});
    let now = person("u1", json!("u1@example.com"), json!("U One"), json!({}));
    for wrong in [
        json!({"end_user": now, "tags": with(&good, json!({"team": null}))}),
        json!({"end_user": now, "tags": with(&good, json!({"more": "1"}))}),
        json!({"end_user": with(&now, json!({"display_name": "Other"})), "tags": good}),
        json!({"end_user": with(&now, json!({"id": "u9"})), "tags": good}),
        json!({"end_user": with(&now, json!({"email": null})), "tags": good}),
        json!({"end_user": Value::Null, "tags": good}),
    ] {
        let outcome = update(json!({"display_name": "U One"}), &nango(connection(), with(&connection(), wrong)));
        assert_eq!((outcome.code(), outcome.sent.len()), ("end_user_verification_failed", 4), "{}", outcome.text());
        assert_eq!((&outcome.error["done"], &outcome.error["not_done"]), (&json!(["end user changed"]), &json!(["verified"])));
    }
    let written = Table::new().on(READ, 200, connection()).on(OLD, 200, list(&["c-1"])).on(PATCH, 200, json!({"success": true}));
    let outcome = update(json!({"display_name": "U One"}), &written.fails(READ, TransportError::Timeout));
    assert_eq!((outcome.code(), &outcome.error["done"]), ("timeout", &json!(["end user changed"])), "{}", outcome.text());
    // A connection whose refresh fails is read from the report, before and after.
    let broken = with(&connection(), json!({"end_user": now, "tags": good}));
    let nango = Table::new().on(READ, 400, refresh_failure(connection())).on(OLD, 200, list(&["c-1"]));
    let nango = nango.on(PATCH, 200, json!({"success": true})).on(READ, 400, refresh_failure(broken));
    assert_eq!(update(json!({"display_name": "U One"}), &nango).value()["verified"], true);
}

#[test]
fn what_cannot_be_looked_at_is_not_changed() {
    for (nango, code) in [
        (Table::new().on(READ, 403, no_scope("environment:connections:read")), "missing_scope"),
        (Table::new().on(READ, 200, connection()).on(OLD, 403, no_scope("environment:connections:list")), "missing_scope"),
        (Table::new().on(READ, 200, connection()).on(OLD, 200, json!({})), "invalid_answer"),
        (Table::new().on(READ, 200, with(&connection(), json!({"connection_id": "c-2"}))), "invalid_answer"),
        (Table::new().on(READ, 404, json!({"error": {"code": "not_found"}})), "unknown_connection"),
    ] {
        let outcome = update(json!({"display_name": "U One"}), &nango);
        assert_eq!((outcome.code(), outcome.lines().contains(&PATCH)), (code, false), "{}", outcome.text());
    }
    for (status, answer, code) in [
        (403, no_scope("environment:connections:update"), "missing_scope"),
        (500, json!({"error": {"code": "server_error", "message": "Failed to update end user"}}), "nango_failed"),
    ] {
        let nango = Table::new().on(READ, 200, connection()).on(OLD, 200, list(&["c-1"])).on(PATCH, status, answer);
        assert_eq!(update(json!({"display_name": "U One"}), &nango).code(), code);
    }
}
