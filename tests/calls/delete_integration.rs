//! delete_integration: counted first, deleted then.

use nango_mcp::transport::TransportError;
use serde_json::{Value, json};

use crate::samples::{row, sample};
use crate::table::{Outcome, Table, call, with};

const TOOL: &str = "delete_integration";
const COUNT: &str = "GET /connections?integrationId=github&limit=1001";
const DELETE: &str = "DELETE /integrations/github";

#[track_caller]
fn delete(nango: Table) -> Outcome {
    call(&nango, TOOL, &sample(TOOL).0)
}

/// A Nango that answers the count so, and deletes.
fn counting(rows: Vec<Value>) -> Table {
    Table::new().on(COUNT, 200, json!({"connections": rows})).on(DELETE, 200, json!({"success": true}))
}

#[test]
fn connections_are_counted_before_they_vanish() {
    for (rows, removed, at_least) in [(0, 0, false), (1, 1, false), (1000, 1000, false), (1001, 1000, true)] {
        let outcome = delete(counting((0..rows).map(|at| row(&format!("c-{at}"))).collect()));
        assert_eq!(outcome.lines(), [COUNT, DELETE]);
        assert_eq!(outcome.value(), &json!({"deleted": true, "connections_removed": removed, "at_least": at_least, "warnings": []}));
    }
}

#[test]
fn connections_of_others_are_not_counted() {
    let other = with(&row("c-2"), json!({"provider_config_key": "gitlab"}));
    assert_eq!(delete(counting(vec![row("c-1"), other])).value()["connections_removed"], 1);
}

#[test]
fn a_key_that_may_not_list_deletes_and_says_that_it_did_not_count() {
    let forbidden = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required one of: environment:connections:list or environment:connections:list_credentials"}});
    let outcome = delete(Table::new().on(COUNT, 403, forbidden).on(DELETE, 200, json!({"success": true})));
    assert_eq!(outcome.lines(), [COUNT, DELETE]);
    let value = outcome.value();
    assert_eq!((&value["deleted"], value.get("connections_removed"), &value["at_least"]), (&json!(true), None, &json!(false)));
    assert!(value["warnings"][0].as_str().unwrap().contains("environment:connections:list"));
}

#[test]
fn what_cannot_be_counted_otherwise_is_not_deleted() {
    let nangos = [
        (Table::new().on(COUNT, 500, json!({"error": {"code": "server_error"}})), "nango_failed"),
        (Table::new().on(COUNT, 403, json!({"error": {"code": "forbidden", "message": "no"}})), "forbidden"),
        (Table::new().on(COUNT, 200, json!({})), "invalid_answer"),
        (Table::new().on(COUNT, 200, json!({"connections": [{"connection_id": "c-1"}]})), "invalid_answer"),
        (Table::new().fails(COUNT, TransportError::Timeout), "timeout"),
    ];
    for (nango, code) in nangos {
        let outcome = delete(nango);
        assert_eq!((outcome.code(), outcome.lines()), (code, vec![COUNT]), "{}", outcome.text());
        assert_eq!(outcome.error["not_done"], json!(["the deletion"]));
    }
}

#[test]
fn what_nango_does_not_delete_is_not_called_deleted() {
    let count = || Table::new().on(COUNT, 200, json!({"connections": []}));
    let gone = json!({"error": {"code": "not_found", "message": "Integration \"github\" does not exist"}});
    assert_eq!(delete(count().on(DELETE, 404, gone)).code(), "unknown_integration");
    for body in [json!({}), json!({"success": false}), json!({"success": "true"}), json!([]), Value::Null] {
        assert_eq!(delete(count().on(DELETE, 200, body.clone())).code(), "invalid_answer", "{body}");
    }
    let lost = delete(count().fails(DELETE, TransportError::Broken));
    assert_eq!((lost.code(), &lost.error["outcome_unknown"]), ("connection_lost", &json!(true)));
}

#[test]
fn connections_too_large_for_one_answer_are_counted_in_pages() {
    for (total, counted, at_least, pages) in
        [(0, 0, false, 1), (250, 250, false, 3), (1000, 1000, false, 11), (1001, 1000, true, 11), (5000, 1000, true, 11)]
    {
        let mut nango = Table::new().fails("GET /connections?integrationId=github&limit=1001", TransportError::TooLarge);
        for page in 0..12 {
            let rows: Vec<Value> = (page * 100..total.min((page + 1) * 100)).map(|at| row(&format!("c-{at}"))).collect();
            let tail = if page == 0 { String::new() } else { format!("&page={page}") };
            nango = nango.on(&format!("GET /connections?integrationId=github&limit=100{tail}"), 200, json!({"connections": rows}));
        }
        let outcome = call(&nango.on("DELETE /integrations/github", 200, json!({"success": true})), TOOL, &sample(TOOL).0);
        let value = outcome.value();
        assert_eq!((&value["connections_removed"], &value["at_least"]), (&json!(counted), &json!(at_least)), "{total}");
        assert_eq!(outcome.sent.len(), pages + 2, "{total}: {:?}", outcome.lines());
    }
}
