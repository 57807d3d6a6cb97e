//! audit_connection_conventions: what connections lack, over many pages.

use std::time::Duration;

use nango_mcp::transport::TransportError;
use serde_json::{Value, json};

use crate::samples::row;
use crate::table::{Outcome, Table, call, call_with, config, refused, with};

const TOOL: &str = "audit_connection_conventions";

/// A row with which everything is in order.
fn fine(id: &str) -> Value {
    let tags = json!({
        "end_user_id": "u1", "end_user_email": "u1@example.com", "organization_id": "acme", "environment": "dev", "owner_kind": "user",
        "purpose": "documents",
    });
    with(&row(id), json!({"tags": tags, "metadata": {"nango_mcp": {}, "other": [1]}}))
}

/// The row of a connection whose tags or metadata are changed.
fn changed(id: &str, tags: Value, metadata: Value) -> Value {
    let good = fine(id);
    with(&good, json!({"tags": with(&good["tags"], tags), "metadata": with(&good["metadata"], metadata)}))
}

/// A Nango of that many connections; `make` makes a row of a number.
fn nango(total: usize, size: usize, make: impl Fn(usize) -> Value) -> Table {
    let pages = (0..=total / size).fold(Table::new(), |nango, page| {
        let rows: Vec<Value> = (page * size..total.min((page + 1) * size)).map(&make).collect();
        nango.on(&format!("GET /connections?limit={size}&page={page}"), 200, json!({"connections": rows}))
    });
    // Behind a full last page comes a look at the row after it.
    (1..=total + size).fold(pages, |nango, at| {
        let rows: Vec<Value> = (at..total.min(at + 1)).map(&make).collect();
        nango.on(&format!("GET /connections?limit=1&page={at}"), 200, json!({"connections": rows}))
    })
}

fn good(at: usize) -> Value {
    fine(&format!("c-{at}"))
}

#[track_caller]
fn audit(nango: &Table, change: Value) -> Outcome {
    call(nango, TOOL, &with(&json!({"environment": "dev"}), change))
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let outcome = audit(&nango(2, 100, good), json!({}));
    assert_eq!(outcome.lines(), ["GET /connections?limit=100&page=0"]);
    assert_eq!(
        outcome.value(),
        &json!({
            "environment": "dev", "checked": 2, "required_issue_count": 0, "recommendation_count": 0, "healthy": true, "findings": [],
            "findings_left_out": 0, "complete": true,
        })
    );
}

#[test]
fn every_finding_has_its_name() {
    for (tags, metadata, required, recommended) in [
        (json!({"end_user_id": null}), json!({}), json!(["missing_tag:end_user_id"]), json!([])),
        (json!({"end_user_id": ""}), json!({}), json!(["missing_tag:end_user_id"]), json!([])),
        (json!({"end_user_id": 7}), json!({}), json!(["missing_tag:end_user_id"]), json!([])),
        (json!({"owner_kind": "robot"}), json!({}), json!(["invalid_tag:owner_kind"]), json!([])),
        (json!({"owner_kind": "User"}), json!({}), json!(["invalid_tag:owner_kind"]), json!([])),
        (json!({"purpose": "spying"}), json!({}), json!(["invalid_tag:purpose"]), json!([])),
        (json!({"end_user_email": null}), json!({}), json!([]), json!(["missing_tag:end_user_email"])),
        (json!({"organization_id": ""}), json!({}), json!([]), json!(["missing_tag:organization_id"])),
        (json!({"environment": null}), json!({}), json!([]), json!(["missing_or_wrong_tag:environment"])),
        (json!({"environment": "DEV"}), json!({}), json!([]), json!(["missing_or_wrong_tag:environment"])),
        (json!({}), json!({"nango_mcp": null}), json!([]), json!(["missing_metadata:nango_mcp"])),
        (json!({}), json!({"nango_mcp": "x"}), json!([]), json!(["missing_metadata:nango_mcp"])),
        (
            json!({"end_user_id": null, "owner_kind": "x", "purpose": "y", "end_user_email": null, "organization_id": null, "environment": "z"}),
            json!({"nango_mcp": []}),
            json!(["missing_tag:end_user_id", "invalid_tag:owner_kind", "invalid_tag:purpose"]),
            json!([
                "missing_tag:end_user_email",
                "missing_tag:organization_id",
                "missing_or_wrong_tag:environment",
                "missing_metadata:nango_mcp"
            ]),
        ),
    ] {
        let outcome = audit(&nango(1, 100, |_| changed("c-1", tags.clone(), metadata.clone())), json!({}));
        let finding = json!({
            "connection_id": "c-1", "provider_config_key": "github", "required_issues": required, "recommendations": recommended,
        });
        assert_eq!(outcome.value()["findings"], json!([finding]));
        let counts = (required.as_array().unwrap().len(), recommended.as_array().unwrap().len());
        assert_eq!(
            (&outcome.value()["required_issue_count"], &outcome.value()["recommendation_count"]),
            (&json!(counts.0), &json!(counts.1))
        );
        assert_eq!(outcome.value()["healthy"], counts.0 == 0);
    }
}

#[test]
fn kinds_and_purposes_that_nobody_claims_are_not_wrong() {
    let outcome = audit(&nango(1, 100, |_| changed("c-1", json!({"owner_kind": null, "purpose": ""}), json!({}))), json!({}));
    assert_eq!(outcome.value()["findings"], json!([]));
}

#[test]
fn the_configured_name_and_key_count() {
    let several = config(&[
        ("NANGO_MCP_ENVIRONMENTS", "live,dev"),
        ("NANGO_SECRET_KEY_LIVE", crate::table::KEY),
        ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE", "prod"),
        ("NANGO_MCP_METADATA_NAMESPACE", "my_app"),
    ]);
    let rows = |at: usize| match at {
        0 => changed("c-0", json!({"environment": "live"}), json!({"my_app": {"a": 1}})),
        _ => changed("c-1", json!({"environment": "prod"}), json!({})),
    };
    let outcome = call_with(&several, &nango(2, 100, rows), TOOL, &json!({"environment": "PROD"}));
    assert_eq!(outcome.value()["environment"], "live");
    assert_eq!(outcome.value()["findings"][0]["recommendations"], json!(["missing_or_wrong_tag:environment", "missing_metadata:my_app"]));
    assert_eq!(outcome.value()["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn pages_are_read_until_the_list_ends() {
    let outcome = audit(&nango(230, 100, good), json!({}));
    assert_eq!(outcome.lines(), [0, 1, 2].map(|page| format!("GET /connections?limit=100&page={page}")));
    assert_eq!((&outcome.value()["checked"], &outcome.value()["complete"]), (&json!(230), &json!(true)));
    // Each page waits for the one before.
    assert_eq!(outcome.sent.iter().map(|sent| sent.batch).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_call_goes_on_where_the_one_before_stopped_and_skips_nobody() {
    for (total, limit) in [(230, 100), (230, 70), (1050, 250), (100, 100), (5, 1), (2500, 2000), (0, 50), (2100, 990)] {
        let nango = nango(total, limit.min(100), |at| changed(&format!("c-{at}"), json!({"end_user_id": null}), json!({})));
        let (mut cursor, mut checked, mut calls, mut seen) = (Value::Null, 0, 0, Vec::new());
        loop {
            let outcome = audit(&nango, json!({"limit": limit, "cursor": cursor}));
            let value = outcome.value();
            assert!(outcome.sent.len() <= 20 && value["checked"].as_u64().unwrap() <= limit as u64);
            checked += value["checked"].as_u64().unwrap();
            calls += 1;
            let found = value["findings"].as_array().unwrap();
            seen.extend(found.iter().map(|finding| finding["connection_id"].as_str().unwrap().to_owned()));
            assert_eq!(value["complete"] == true, value.get("next_cursor").is_none());
            if value["complete"] == true {
                break;
            }
            cursor = value["next_cursor"].clone();
            assert!(calls <= total / limit + 1, "{total} by {limit}");
        }
        if limit < 2000 {
            assert_eq!(calls, total.div_ceil(limit).max(1), "{total} by {limit}: the last call knows that it is");
        }
        assert_eq!(checked, total as u64, "{total} by {limit}");
        let expected: Vec<String> = (0..total).map(|at| format!("c-{at}")).collect();
        assert!(limit > 100 || seen == expected, "{total} by {limit}");
    }
}

#[test]
fn a_call_sends_twenty_requests_at_most() {
    let outcome = audit(&nango(3000, 100, good), json!({"limit": 2000}));
    assert_eq!((outcome.sent.len(), &outcome.value()["checked"], &outcome.value()["complete"]), (20, &json!(2000), &json!(false)));
    // From within a page on, one page less is whole.
    let first = audit(&nango(3000, 100, good), json!({"limit": 1990}));
    let next = audit(&nango(5000, 100, good), json!({"limit": 1990, "cursor": first.value()["next_cursor"]}));
    assert_eq!((next.sent.len(), &next.value()["checked"]), (20, &json!(1910)));
}

#[test]
fn the_calls_time_ends_it_early_with_what_was_checked() {
    let slow = nango(3000, 100, good).slow(Duration::from_secs(6));
    let outcome = audit(&slow, json!({"limit": 2000}));
    // 8 pages take 48 of 55 seconds.
    assert_eq!((outcome.sent.len(), &outcome.value()["checked"], &outcome.value()["complete"]), (8, &json!(800), &json!(false)));
    let quick = nango(3000, 100, good);
    let next = audit(&quick, json!({"limit": 2000, "cursor": outcome.value()["next_cursor"]}));
    assert_eq!((next.lines()[0], next.sent.len()), ("GET /connections?limit=100&page=8", 20));
    // One page is always tried.
    let outcome = audit(&nango(300, 100, good).slow(Duration::from_secs(60)), json!({}));
    assert_eq!((outcome.sent.len(), &outcome.value()["checked"]), (1, &json!(100)));
}

#[test]
fn the_worst_are_shown_and_the_rest_counted() {
    let rows = |at: usize| match at % 4 {
        0 => changed(&format!("c-{at}"), json!({"end_user_id": null}), json!({})),
        _ => changed(&format!("c-{at}"), json!({"end_user_email": null}), json!({})),
    };
    let value = audit(&nango(240, 100, rows), json!({})).value().clone();
    let found = value["findings"].as_array().unwrap();
    assert_eq!((found.len(), &value["findings_left_out"]), (100, &json!(140)));
    assert_eq!((&value["required_issue_count"], &value["recommendation_count"]), (&json!(60), &json!(180)));
    assert_eq!((&found[0]["connection_id"], &found[59]["connection_id"]), (&json!("c-0"), &json!("c-236")));
    assert_eq!((&found[60]["connection_id"], &found[99]["connection_id"]), (&json!("c-1"), &json!("c-53")));
    let value =
        audit(&nango(150, 100, |at| changed(&format!("c-{at}"), json!({"end_user_id": null}), json!({}))), json!({})).value().clone();
    assert_eq!((value["findings"].as_array().unwrap().len(), &value["findings_left_out"]), (100, &json!(50)));
}

#[test]
fn one_integration_alone_can_be_checked() {
    let line = "GET /connections?integrationId=git%20hub&limit=30&page=0";
    let of = |rows: Value, status: u16, body: Value| {
        let nango = Table::new().on(line, 200, json!({"connections": rows})).on("GET /integrations/git%20hub", status, body);
        audit(&nango, json!({"integration_id": "git hub", "limit": 30}))
    };
    assert_eq!(of(json!([row("c-1")]), 500, json!({})).lines(), [line]);
    // That nothing is wrong with no connection may be because there is no such integration.
    let unknown = json!({"error": {"code": "not_found"}});
    assert_eq!(of(json!([]), 404, unknown).code(), "unknown_integration");
    for (status, body) in [(200, json!({"data": {}})), (403, json!({"error": {"code": "forbidden", "message": "Insufficient scope."}}))] {
        assert_eq!(of(json!([]), status, body).value()["checked"], 0);
    }
}

#[test]
fn a_cursor_belongs_to_its_arguments() {
    let cursor = audit(&nango(300, 100, good), json!({"limit": 100})).value()["next_cursor"].clone();
    for change in [json!({"limit": 99}), json!({"limit": 100, "integration_id": "github"})] {
        let arguments = with(&json!({"environment": "dev", "cursor": cursor}), change);
        refused(TOOL, &arguments, "bad_cursor", "cursor");
    }
}

#[test]
fn an_answer_that_is_no_list_is_not_all_well() {
    for body in [json!({}), json!([]), Value::Null, json!({"connections": {}}), json!({"connections": [{"connection_id": "c-1"}]})] {
        assert_eq!(audit(&Table::new().on("*", 200, body.clone()), json!({})).code(), "invalid_answer", "{body}");
    }
    // What a row has of another kind, it has not.
    let odd = |_| with(&row("c-1"), json!({"tags": [1], "metadata": "x"}));
    let outcome = audit(&nango(1, 100, odd), json!({}));
    assert_eq!(outcome.value()["required_issue_count"], 1);
    assert_eq!(outcome.value()["recommendation_count"], 4);
}

#[test]
fn what_nango_refuses_is_told() {
    let scope = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required: environment:connections:list"}});
    let outcome = audit(&Table::new().on("*", 403, scope), json!({}));
    assert!(outcome.code() == "missing_scope" && outcome.sentence().contains("environment:connections:list"), "{}", outcome.text());
    assert_eq!(audit(&Table::new().fails("*", TransportError::Timeout), json!({})).code(), "timeout");
    // A page in the middle fails the call: half an audit would pass for a whole one.
    let rows: Vec<Value> = (0..100).map(good).collect();
    let nango = Table::new().on("GET /connections?limit=100&page=0", 200, json!({"connections": rows})).on(
        "GET /connections?limit=100&page=1",
        500,
        json!({"error": {"code": "server_error"}}),
    );
    assert_eq!(audit(&nango, json!({})).code(), "nango_failed");
}

#[test]
fn large_metadata_costs_one_row_at_a_time() {
    let note = "x".repeat(30_000);
    let rows = |at: usize| changed(&format!("c-{at}"), json!({}), json!({"note": note}));
    let outcome = audit(&nango(130, 100, rows), json!({}));
    assert_eq!((&outcome.value()["checked"], &outcome.value()["healthy"]), (&json!(130), &json!(true)));
}
