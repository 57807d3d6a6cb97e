//! proxy_request on large answers: pages, previews, shapes, and what narrows them.

use serde_json::{Value, json};

use crate::samples::sample;
use crate::table::{Outcome, Table, call, call_with, config, refused, with};

/// A provider's list under `contacts`, about 100 bytes an item.
fn contacts(count: usize) -> Value {
    let contact = |at: usize| {
        json!({
            "id": at, "name": format!("Person {at}"), "company": {"name": format!("Firm {}", at % 3), "country": "DE"},
            "amount": at as f64 / 2.0, "status": if at.is_multiple_of(2) { "open" } else { "won" }, "tags": ["a", at % 5], "pad": "x".repeat(40),
        })
    };
    json!({"contacts": (0..count).map(contact).collect::<Vec<_>>(), "total": count})
}

fn answering(body: &Value) -> Table {
    Table::new().on("*", 200, body.clone())
}

#[track_caller]
fn request(body: &Value, change: Value) -> Outcome {
    call(&answering(body), "proxy_request", &with(&sample("proxy_request").0, change))
}

fn ids(outcome: &Outcome) -> Vec<u64> {
    outcome.value()["response"].as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

#[test]
fn small_answers_come_whole_and_large_lists_a_page_at_a_time() {
    assert_eq!(request(&contacts(3), json!({})).value()["response"], contacts(3));
    let large = contacts(1000);
    let outcome = request(&large, json!({}));
    let meta = &outcome.value()["response_meta"];
    assert_eq!(ids(&outcome), (0..20).collect::<Vec<_>>());
    assert_eq!(
        (&meta["truncated"], &meta["returned"], &meta["total"], &meta["response_path"]),
        (&json!(true), &json!(20), &json!(1000), &json!("/contacts"))
    );
    assert_eq!(meta["refetch"], true);
    assert_eq!(meta["shape"]["fields"]["contacts"]["length"], 1000);
    assert_eq!(meta["shape"]["fields"]["contacts"]["items"]["fields"]["company"]["fields"]["country"], "string");
    assert!(meta["narrow"].as_str().unwrap().contains("query"));
    assert!(outcome.text().len() < 40_000);
    // The limit goes down by call.
    assert_eq!(request(&contacts(20), json!({"inline_limit": 1024})).value()["response_meta"]["truncated"], true);
}

#[test]
fn pages_show_every_item_once() {
    for (size, count) in [(1, 5), (7, 50), (100, 350)] {
        let body = contacts(count);
        let (mut seen, mut cursor, mut calls) = (Vec::new(), Value::Null, 0);
        loop {
            let outcome = request(&body, json!({"page_size": size, "response_path": "/contacts", "cursor": cursor}));
            seen.extend(ids(&outcome));
            calls += 1;
            cursor = outcome.value()["response_meta"].get("next_cursor").cloned().unwrap_or_default();
            if cursor.is_null() {
                break;
            }
            assert!(calls < 100 && cursor.as_str().unwrap().len() <= 512);
        }
        assert_eq!(seen, (0..count as u64).collect::<Vec<_>>());
    }
}

#[test]
fn filters_and_cursors_go_together() {
    let body = contacts(100);
    let wanted = json!([{"field": "status", "op": "eq", "value": "won"}]);
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let outcome = request(&body, json!({"page_size": 8, "filters": wanted, "cursor": cursor}));
        seen.extend(ids(&outcome));
        let meta = &outcome.value()["response_meta"];
        assert_eq!(meta["matched"].as_u64().unwrap(), 50 - (seen.len() as u64 - meta["returned"].as_u64().unwrap()));
        cursor = meta.get("next_cursor").cloned().unwrap_or_default();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, (0..50).map(|at| at * 2 + 1).collect::<Vec<_>>());
}

#[test]
fn every_op_compares_as_it_says() {
    let body = json!([
        {"n": 1, "s": "Alpha", "l": ["x", 1], "d": "2026-01-02", "null": null, "o": {"deep": {"er": 5}}},
        {"n": 2.5, "s": "beta", "l": [], "d": "2026-03-04", "o": {"deep": {"er": 6}}, "dotted.name": true},
        {"n": 1.0, "s": "alphabet", "d": "2025-12-31", "null": 1},
    ]);
    for (field, op, value, expected) in [
        ("n", "eq", json!(1), vec![0, 2]),
        ("n", "ne", json!(1), vec![1]),
        ("s", "in", json!(["beta", "x"]), vec![1]),
        ("n", "in", json!([1.0]), vec![0, 2]),
        ("s", "contains", json!("lpha"), vec![0, 2]),
        ("s", "icontains", json!("ALPHA"), vec![0, 2]),
        ("l", "contains", json!("x"), vec![0]),
        ("l", "contains", json!(1.0), vec![0]),
        ("n", "lt", json!(2), vec![0, 2]),
        ("n", "lte", json!(1), vec![0, 2]),
        ("n", "gt", json!(1), vec![1]),
        ("n", "gte", json!(2.5), vec![1]),
        ("d", "gte", json!("2026-01-01"), vec![0, 1]),
        ("n", "lt", json!("2"), vec![]),
        ("null", "exists", Value::Null, vec![0, 2]),
        ("null", "exists", json!(false), vec![1]),
        ("null", "eq", Value::Null, vec![0]),
        ("o.deep.er", "gt", json!(5), vec![1]),
        ("dotted.name", "eq", json!(true), vec![1]),
        ("l.0", "eq", json!("x"), vec![0]),
        ("s", "eq", json!("nobody"), vec![]),
    ] {
        let mut filter = json!({"field": field, "op": op});
        if !value.is_null() {
            filter["value"] = value.clone();
        }
        let outcome = request(&body, json!({"filters": [filter]}));
        let found: Vec<usize> =
            outcome.value()["response"].as_array().unwrap().iter().map(|item| (0..3).find(|at| body[*at] == *item).unwrap()).collect();
        assert_eq!(found, expected, "{field} {op} {value}");
    }
    let both = json!([{"field": "n", "op": "eq", "value": 1}, {"field": "s", "op": "contains", "value": "bet"}]);
    assert_eq!(request(&body, json!({"filters": both})).value()["response"].as_array().unwrap().len(), 1);
}

#[test]
fn a_filter_s_value_fits_its_op() {
    for (op, value) in [
        ("in", json!("a")),
        ("in", Value::Null),
        ("icontains", json!(1)),
        ("lt", json!(true)),
        ("gte", Value::Null),
        ("exists", json!("yes")),
        ("eq", json!({"a": 1})),
        ("ne", json!([1])),
        ("contains", Value::Null),
    ] {
        let mut filter = json!({"field": "a", "op": op});
        if !value.is_null() {
            filter["value"] = value;
        }
        let arguments = with(&sample("proxy_request").0, json!({"filters": [{"field": "a", "op": "exists"}, filter]}));
        // Not `refused`: the sentence says the names of the ops.
        let outcome = call(&Table::new(), "proxy_request", &arguments);
        assert_eq!((outcome.code(), outcome.error["field"].as_str()), ("bad_filter", Some("filters[1].value")), "{}", outcome.text());
        assert!(outcome.sent.is_empty());
    }
}

#[test]
fn fields_are_kept_by_name_and_by_path() {
    let outcome = request(&contacts(2), json!({"fields": ["id", "company.name", "tags.1"]}));
    assert_eq!(
        outcome.value()["response"],
        json!([{"id": 0, "company.name": "Firm 0", "tags.1": 0}, {"id": 1, "company.name": "Firm 1", "tags.1": 1}])
    );
    // Of an object, its own fields; of one that lacks them, those of its one list.
    assert_eq!(request(&contacts(2), json!({"fields": ["total"]})).value()["response"], json!({"total": 2}));
    let outcome = request(&contacts(2), json!({"fields": ["id", "nothing"]}));
    assert_eq!(outcome.value()["response_meta"]["warnings"], json!(["no item of this page has what fields[1] names"]));
}

#[test]
fn what_is_not_there_names_what_is() {
    let body = contacts(3);
    for (change, code, field, says) in [
        (json!({"filters": [{"field": "state", "op": "eq", "value": "x"}]}), "no_such_field", "filters[0].field", "status"),
        (json!({"fields": ["surname"]}), "no_such_field", "fields", "company"),
        (json!({"response_path": "/contact"}), "no_such_path", "response_path", "contacts, total"),
        (json!({"response_path": "/contacts/3"}), "no_such_path", "response_path", "/contacts has a list of 3 items"),
        (json!({"response_path": "/contacts/0/name/x"}), "no_such_path", "response_path", "string"),
        (json!({"response_path": "/total", "filters": [{"field": "a", "op": "exists"}]}), "no_such_path", "response_path", "number"),
        (json!({"response_path": "/contacts/0/company", "fields": ["nope"]}), "no_such_field", "fields", "name, country"),
    ] {
        let outcome = request(&body, change.clone());
        assert_eq!((outcome.code(), outcome.error["field"].as_str()), (code, Some(field)), "{change}: {}", outcome.text());
        assert!(outcome.sentence().contains(says), "{}", outcome.sentence());
        assert!(!outcome.text().contains("surname") && !outcome.text().contains("\"state\""));
    }
    let two = json!({"a": [{"x": 1}], "b": [{"x": 2}], "c/d~": 1});
    let outcome = request(&two, json!({"filters": [{"field": "x", "op": "exists"}]}));
    assert!(outcome.code() == "several_lists" && outcome.sentence().contains("/a, /b"), "{}", outcome.text());
    assert_eq!(request(&two, json!({"response_path": "/c~1d~0"})).value()["response"], 1);
    // An honest nothing is no error.
    for (body, change) in [
        (json!({"contacts": []}), json!({"filters": [{"field": "state", "op": "exists"}]})),
        (json!([]), json!({"fields": ["a"]})),
        (body, json!({"filters": [{"field": "status", "op": "eq", "value": "lost"}], "fields": ["surname"]})),
    ] {
        assert_eq!(request(&body, change).value()["response"], json!([]));
    }
}

#[test]
fn the_answer_to_a_write_is_never_lost_to_a_wrong_path() {
    let body = json!({"id": 7});
    let outcome = request(&body, json!({"method": "POST", "response_path": "/nowhere"}));
    assert_eq!(outcome.value()["response"], body);
    let warning = outcome.value()["response_meta"]["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("the request was sent and answered") && warning.contains("id"), "{warning}");
    refused("proxy_request", &with(&sample("proxy_request").0, json!({"method": "POST", "cursor": "abc"})), "bad_cursor", "cursor");
    assert_eq!(request(&contacts(1000), json!({"method": "POST"})).value()["response_meta"].get("next_cursor"), None);
}

#[test]
fn a_cursor_belongs_to_its_call_and_its_data() {
    let (body, arguments) = (contacts(50), json!({"page_size": 5, "fields": ["id"]}));
    let cursor = request(&body, arguments.clone()).value()["response_meta"]["next_cursor"].clone();
    let base = with(&with(&sample("proxy_request").0, arguments), json!({"cursor": cursor}));
    for change in [
        json!({"page_size": 6}),
        json!({"path": "/users"}),
        json!({"fields": ["id", "name"]}),
        json!({"connection_id": "c-2"}),
        json!({"query": {"a": 1}}),
        json!({"filters": [{"field": "id", "op": "exists"}]}),
        json!({"headers": {"x-a": "1"}}),
    ] {
        refused("proxy_request", &with(&base, change), "cursor_mismatch", "cursor");
    }
    let live = config(&[("NANGO_MCP_ENVIRONMENTS", "live"), ("NANGO_SECRET_KEY_LIVE", crate::table::KEY)]);
    let outcome = call_with(&live, &answering(&body), "proxy_request", &with(&base, json!({"environment": "live"})));
    assert_eq!((outcome.code(), outcome.sent.len()), ("cursor_mismatch", 0));
    for cursor in ["abc", "e30", "_", "eyJ2IjoyfQ", "eyJ2IjoxLCJvZmZzZXQiOi0xLCJyZXF1ZXN0IjoiIiwicHJlZml4IjoiIn0"] {
        refused("proxy_request", &with(&base, json!({"cursor": cursor})), "bad_cursor", "cursor");
    }
    let text = base["cursor"].as_str().unwrap();
    assert!(!text.contains("c-1") && !text.contains("user"), "{text}");
    let mut changed = body.clone();
    changed["contacts"][2]["name"] = "Somebody else".into();
    let short = json!({"contacts": [], "total": 0});
    for other in [changed, short] {
        let outcome = call(&answering(&other), "proxy_request", &base);
        assert!(outcome.code() == "data_changed" && outcome.sentence().contains("start again"), "{}", outcome.text());
    }
    let mut later = body;
    later["contacts"][30]["name"] = "Somebody else".into();
    assert_eq!(ids(&call(&answering(&later), "proxy_request", &base)), [5, 6, 7, 8, 9]);
}

#[test]
fn describe_shows_names_and_types_and_no_value() {
    let body = json!({"a": [{"x": 1, "y": "text-value"}, {"x": null, "z": [true]}], "b": {}, "c": [], "d": 1.5});
    let outcome = request(&body, json!({"describe": true}));
    assert_eq!(
        outcome.value()["response_meta"]["shape"],
        json!({"type": "object", "fields": {
            "a": {"type": "list", "length": 2, "items": {"type": "object", "fields": {
                "x": "number or null", "y": "string", "z": {"type": "list", "length": 1, "items": "boolean"}}}},
            "b": {"type": "object", "fields": {}}, "c": {"type": "list", "length": 0}, "d": "number",
        }})
    );
    assert!(!outcome.text().contains("text-value") && outcome.value().get("response").is_none());
}

#[test]
fn an_item_larger_than_a_page_is_shown_as_a_preview_and_passed() {
    let mut body = contacts(4);
    body["contacts"][1]["notes"] = "n".repeat(50_000).into();
    let first = request(&body, json!({"page_size": 2}));
    assert_eq!(ids(&first), [0, 1]);
    let meta = &first.value()["response_meta"];
    assert!(meta["warnings"][0].as_str().unwrap().contains("preview"));
    assert!(first.value()["response"][1]["notes"].as_str().unwrap().ends_with("(50000 characters)"));
    let rest = request(&body, json!({"page_size": 2, "cursor": meta["next_cursor"]}));
    assert_eq!(ids(&rest), [2, 3]);
}

#[test]
fn what_is_large_and_no_list_is_a_shape_and_a_preview() {
    let blob = json!({"blob": "x".repeat(100_000), "list": (0..100).collect::<Vec<_>>(), "other": (0..9000).collect::<Vec<_>>()});
    let value = request(&blob, json!({})).value().clone();
    assert_eq!(value["response_meta"]["truncated"], true);
    assert_eq!(value["response_meta"]["shape"]["fields"]["other"]["length"], 9000);
    assert_eq!(value["response"]["list"], json!([0, 1, 2, "(97 more)"]));
    assert!(value.to_string().len() < 5000);
    let deep = format!("{}1{}", "[".repeat(90_000), "]".repeat(90_000));
    for (body, kind) in [(deep.as_str(), "json"), ("\"just text\"", "json"), ("x".repeat(50_000).as_str(), "text")] {
        let outcome =
            call(&Table::new().raw("*", 200, &[("content-type", "application/json")], body), "proxy_request", &sample("proxy_request").0);
        assert_eq!(outcome.value()["response_meta"]["kind"], kind, "{}", &body[..10]);
        assert!(outcome.text().len() < 80_000);
    }
    let binary = call(&Table::new().raw("*", 200, &[], vec![0u8; 30_000]), "proxy_request", &sample("proxy_request").0);
    let meta = &binary.value()["response_meta"];
    assert!(
        binary.value().get("response").is_none()
            && meta["truncated"] == true
            && meta["narrow"].as_str().unwrap().contains("download_provider_file")
    );
}
