//! What a shaped answer says of itself: whether something was left out, and whether more can be had.

use serde_json::{Value, json};

use crate::samples::sample;
use crate::table::{KEY, Outcome, TOKEN, Table, call, with};

#[track_caller]
fn request(nango: &Table, change: Value) -> Outcome {
    call(nango, "proxy_request", &with(&sample("proxy_request").0, change))
}

fn answering(body: &Value) -> Table {
    Table::new().on("*", 200, body.clone())
}

fn rows(count: usize) -> Vec<Value> {
    let row = |id: usize| json!({"id": id, "pad": "x".repeat(60)});
    (0..count).map(|at| if at == 0 { with(&row(at), json!({"deleted": true})) } else { row(at) }).collect()
}

#[test]
fn that_a_field_is_absent_is_an_honest_answer() {
    let body = json!(rows(60));
    for filter in [json!({"field": "archived", "op": "exists", "value": false}), json!({"field": "archived", "op": "ne", "value": true})] {
        let outcome = request(&answering(&body), json!({"filters": [filter]}));
        assert_eq!(outcome.value()["response_meta"]["matched"], 60, "{}", outcome.text());
    }
    let outcome = request(&answering(&body), json!({"filters": [{"field": "archived", "op": "exists"}]}));
    assert_eq!((&outcome.value()["response"], &outcome.value()["response_meta"]["matched"]), (&json!([]), &json!(0)));
}

#[test]
fn a_field_that_only_the_first_page_has_does_not_end_the_paging() {
    for change in [
        json!({"filters": [{"field": "deleted", "op": "exists", "value": false}]}),
        json!({"filters": [{"field": "deleted", "op": "ne", "value": true}]}),
        json!({"fields": ["deleted"]}),
    ] {
        let (mut cursor, mut pages) = (Value::Null, 0);
        loop {
            let outcome = request(&answering(&json!(rows(60))), with(&change, json!({"cursor": cursor})));
            cursor = outcome.value()["response_meta"].get("next_cursor").cloned().unwrap_or_default();
            pages += 1;
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(pages, 3, "{change}");
    }
}

#[test]
fn a_list_that_shrank_to_the_cursor_has_changed_too() {
    let first = request(&answering(&json!(rows(60))), json!({"page_size": 20, "inline_limit": 4096}));
    let cursor = first.value()["response_meta"]["next_cursor"].clone();
    let others: Vec<Value> = (100..120).map(|id| json!({"id": id})).collect();
    let change = json!({"page_size": 20, "inline_limit": 4096, "cursor": cursor});
    assert_eq!(request(&answering(&json!(others)), change.clone()).code(), "data_changed");
    assert_eq!(request(&answering(&json!(rows(20))), change).value()["response"], json!([]), "the same twenty, and nothing after them");
}

#[test]
fn only_what_can_be_asked_again_has_another_page() {
    let body = json!({"items": rows(3000)});
    for (method, status) in [("GET", 400), ("GET", 500), ("POST", 200), ("DELETE", 200)] {
        let outcome = request(&Table::new().on("*", status, body.clone()), json!({"method": method}));
        let meta = &outcome.value()["response_meta"];
        assert_eq!((&meta["truncated"], meta.get("next_cursor"), meta.get("refetch")), (&json!(true), None, None), "{method} {status}");
        assert!(!meta["narrow"].as_str().unwrap().contains("next_cursor"), "{meta}");
    }
    assert!(request(&answering(&body), json!({})).value()["response_meta"]["next_cursor"].is_string());
}

#[test]
fn the_remedy_for_what_is_cut_is_one() {
    let text = |bytes: usize| Table::new().raw("*", 200, &[("content-type", "text/plain")], "x".repeat(bytes));
    let narrow = |outcome: Outcome| outcome.value()["response_meta"]["narrow"].as_str().unwrap().to_owned();
    assert!(narrow(request(&text(50_000), json!({}))).contains("download_provider_file returns the whole"));
    assert!(narrow(request(&text(2_000_000), json!({}))).contains("NANGO_MCP_MAX_DOWNLOAD_BYTES"));
    assert!(narrow(request(&text(50_000), json!({"method": "POST"}))).contains("again"));
    // A binary answer to a write is shown as far as it goes: it cannot be had another time.
    let bytes = Table::new().raw("*", 201, &[("content-type", "image/png")], [0; 50_000]);
    let outcome = request(&bytes, json!({"method": "POST"}));
    assert_eq!(outcome.value()["response"].as_str().unwrap().len(), 32_768);
    assert_eq!(
        (&outcome.value()["response_meta"]["encoding"], &outcome.value()["response_meta"]["truncated"]),
        (&json!("base64"), &json!(true))
    );
    assert_eq!(request(&bytes, json!({})).value().get("response"), None);
}

#[test]
fn truncated_means_less_than_the_provider_sent() {
    let body = json!({"data": {"a": 1}, "list": [{"id": 1}, {"id": 2}], "none": []});
    for (change, truncated) in [
        (json!({}), false),
        (json!({"response_path": "/data"}), true),
        (json!({"response_path": "/list"}), true),
        (json!({"response_path": "/data", "fields": ["a"]}), true),
    ] {
        assert_eq!(request(&answering(&body), change.clone()).value()["response_meta"]["truncated"], truncated, "{change}");
    }
    let list = json!([{"id": 1}, {"id": 2}]);
    for (filters, truncated) in
        [(json!([{"field": "id", "op": "gt", "value": 0}]), false), (json!([{"field": "id", "op": "gt", "value": 1}]), true)]
    {
        assert_eq!(request(&answering(&list), json!({"filters": filters})).value()["response_meta"]["truncated"], truncated, "{filters}");
    }
    assert_eq!(
        request(&answering(&json!([])), json!({"filters": [{"field": "id", "op": "eq", "value": 1}]})).value()["response_meta"]["truncated"],
        false
    );
}

#[test]
fn numbers_that_lose_digits_say_so() {
    let raw = |body: &str| Table::new().raw("*", 200, &[("content-type", "application/json")], body);
    for (body, warns) in [
        (r#"{"id":12345678901234567890123}"#, true),
        (r#"{"price":0.10000000000000000555}"#, true),
        (r#"{"id":18446744073709551615,"price":1.10}"#, false),
    ] {
        let outcome = request(&raw(body), json!({}));
        let warnings = outcome.value()["response_meta"]["warnings"].to_string();
        assert_eq!(warnings.contains("64 bits"), warns, "{body}: {warnings}");
    }
    // Above what a double holds, numbers still differ.
    let body = r#"[{"id":18446744073709551615},{"id":18446744073709551614}]"#;
    let outcome = request(&raw(body), json!({"filters": [{"field": "id", "op": "eq", "value": 18_446_744_073_709_551_615_u64}]}));
    assert_eq!(outcome.value()["response_meta"]["matched"], 1);
}

#[test]
fn a_refused_head_says_whose_refusal_it_may_be() {
    let outcome = request(&Table::new().raw("*", 404, &[("content-type", "application/json")], ""), json!({"method": "HEAD"}));
    assert!(outcome.value()["response_meta"]["warnings"].to_string().contains("Nango's"), "{}", outcome.text());
}

#[test]
fn a_failure_on_nango_s_way_to_the_provider_is_no_answer_of_the_provider_s() {
    for code in ["ECONNRESET", "CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"] {
        let body = json!({"message": "x", "code": code, "method": "get"});
        assert_eq!(request(&Table::new().on("*", 500, body), json!({})).code(), "provider_unreachable", "{code}");
    }
    for body in [
        json!({"message": "x", "code": "CARD_DECLINED", "method": "get", "id": 1}),
        json!({"message": "x", "code": "lower", "method": "get"}),
    ] {
        assert_eq!(request(&Table::new().on("*", 500, body.clone()), json!({})).value()["ok"], false, "{body}");
    }
}

#[test]
fn a_cursor_knows_its_arguments_in_whatever_order_they_come() {
    let body = json!(rows(60));
    let first = request(&answering(&body), json!({"page_size": 20, "inline_limit": 4096, "query": {"a": 1, "b": 2}}));
    let cursor = first.value()["response_meta"]["next_cursor"].clone();
    let again = json!({"query": {"b": 2, "a": 1}, "inline_limit": 4096, "page_size": 20, "cursor": cursor});
    assert_eq!(request(&answering(&body), again).value()["response"][0]["id"], 20);
}

#[test]
fn no_cut_leaves_a_part_of_a_secret() {
    // The beginning and the end of a secret at every place where something is cut.
    for secret in [KEY, TOKEN] {
        let half = &secret[..secret.len() - 4];
        for lead in [20, 29, 60, 150, 165, 190, 32_683, 32_733, 32_760] {
            let long = format!("{}{secret}{}", "x".repeat(lead), "y".repeat(40_000));
            let bodies = [json!({"a": long}), json!([{"a": long}]), json!({long.clone(): 1}), json!({"a": {"b": long}})];
            for change in [
                json!({}),
                json!({"response_path": "/a"}),
                json!({"response_path": "/z"}),
                json!({"fields": ["z"]}),
                json!({"describe": true}),
            ] {
                for body in &bodies {
                    let outcome = request(&answering(body), change.clone());
                    assert!(!outcome.text().contains(half), "{lead} {change}");
                }
            }
            let text = Table::new().raw("*", 200, &[("content-type", "text/plain")], &long);
            assert!(!request(&text, json!({})).text().contains(half), "{lead} as text");
        }
        let bytes = [b"\xff".as_slice(), secret.as_bytes()].concat();
        let outcome = request(&Table::new().raw("*", 200, &[("content-type", "image/png")], bytes), json!({}));
        let decoded = <base64ct::Base64 as base64ct::Encoding>::decode_vec(outcome.value()["response"].as_str().unwrap()).unwrap();
        assert_eq!(decoded, [b"\xff".as_slice(), &vec![b'*'; secret.len()]].concat());
    }
}

#[test]
fn half_characters_cost_one_character() {
    let raw = |body: &str| Table::new().raw("*", 200, &[("content-type", "application/json")], body);
    for (body, shown) in [
        (r#"{"name":"Bob \ud83d","id":7}"#, json!({"name": "Bob \u{fffd}", "id": 7})),
        (r#"{"n":"\uDE00\ud83D\uDE00\\ud83d"}"#, json!({"n": "\u{fffd}😀\\ud83d"})),
        (r#"{"\ud800":[1]}"#, json!({"\u{fffd}": [1]})),
    ] {
        let outcome = request(&raw(body), json!({}));
        assert_eq!(outcome.value()["response"], shown, "{body}");
        assert!(outcome.value()["response_meta"]["warnings"].to_string().contains("U+FFFD"), "{body}");
    }
    let whole = request(&raw(r#"{"n":"\ud83d\ude00"}"#), json!({}));
    assert_eq!((&whole.value()["response"]["n"], &whole.value()["response_meta"]["warnings"]), (&json!("😀"), &json!([])));
    let marked = request(&raw("\u{feff}{\"a\":1}"), json!({}));
    assert_eq!(marked.value()["response"], json!({"a": 1}));
}

#[test]
fn one_long_text_is_shown_up_to_the_limit() {
    for limit in [1024, 32_768] {
        for text in ["z".repeat(100_000), "é\"\n".repeat(40_000), "\u{1}".repeat(30_000)] {
            for (body, change) in [(json!({"a": text}), json!({"response_path": "/a"})), (json!(text), json!({}))] {
                let outcome = request(&answering(&body), with(&change, json!({"inline_limit": limit})));
                let length = outcome.value()["response"].to_string().len();
                assert!((limit - 12..=limit).contains(&length), "{length} of {limit}");
                assert!(outcome.value()["response_meta"]["narrow"].as_str().unwrap().contains("download_provider_file"));
            }
            let plain = Table::new().raw("*", 200, &[("content-type", "text/plain")], &text);
            let length = request(&plain, json!({"inline_limit": limit})).value()["response"].to_string().len();
            assert!((limit - 12..=limit).contains(&length), "{length} of {limit}");
        }
    }
}

#[test]
fn a_place_in_a_list_is_written_in_one_way() {
    let body = json!({"data": ["a", "b"]});
    assert_eq!(request(&answering(&body), json!({"response_path": "/data/1"})).value()["response"], "b");
    for path in ["/data/01", "/data/00", "/data/+1", "/data/-1", "/data/2", "/data/-"] {
        assert_eq!(request(&answering(&body), json!({"response_path": path})).code(), "no_such_path", "{path}");
    }
}

#[test]
fn no_header_makes_another_method_of_a_call() {
    for name in ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override"] {
        let arguments = with(&sample("proxy_request").0, json!({"headers": {name: "DELETE"}}));
        let outcome = call(&Table::new(), "proxy_request", &arguments);
        assert_eq!((outcome.code(), outcome.sent.len()), ("forbidden_header", 0), "{name}");
    }
}

#[test]
fn a_list_stands_for_its_object_only_where_it_is_most_of_it() {
    let message = json!({"id": "1", "labelIds": ["INBOX"], "snippet": "hi", "payload": {"body": {"data": "z".repeat(40_000)}}});
    for (method, change) in [("GET", json!({})), ("GET", json!({"response_path": ""})), ("PATCH", json!({}))] {
        let outcome = request(&answering(&message), with(&change, json!({"method": method})));
        let (response, meta) = (&outcome.value()["response"], &outcome.value()["response_meta"]);
        assert_eq!((&response["snippet"], &meta["truncated"]), (&json!("hi"), &json!(true)), "{method}: {}", outcome.text());
        assert_eq!(meta["shape"]["fields"]["payload"]["fields"]["body"]["fields"]["data"], "string");
    }
    let small = Table::new().raw("*", 200, &[("content-type", "application/json")], r#"{"id":7,"name":"x","n":1e400,"errors":[]}"#);
    assert_eq!(request(&small, json!({})).value()["response"], json!({"id": 7, "name": "x", "n": null, "errors": []}));
}

#[test]
fn what_stands_beside_a_list_is_shown_too() {
    let body = json!({"results": rows(600), "paging": {"next": {"after": "100"}}, "total": 600, "note": "n".repeat(5000)});
    let meta = &request(&answering(&body), json!({})).value()["response_meta"].clone();
    assert_eq!((&meta["response_path"], &meta["truncated"]), (&json!("/results"), &json!(true)));
    assert_eq!((&meta["beside"]["paging"]["next"]["after"], &meta["beside"]["total"]), (&json!("100"), &json!(600)));
    assert!(meta["beside"].to_string().len() < 1000 && meta["beside"].get("results").is_none(), "{meta}");
    assert_eq!(request(&answering(&json!(rows(600))), json!({})).value()["response_meta"].get("beside"), None);
}

#[test]
fn a_refresh_that_fails_on_the_way_is_no_answer_of_the_provider_s() {
    let said =
        json!({"error": {"code": "server_error", "message": "Failed to get connection credentials: 'The external API returned an error'"}});
    for status in [400, 401, 424] {
        for tool in ["proxy_request", "download_provider_file"] {
            let outcome = call(&Table::new().on("*", status, said.clone()), tool, &sample(tool).0);
            assert_eq!(outcome.code(), "refresh_failed", "{status} {tool}");
            let says = outcome.sentence();
            assert!(says.contains("half a minute") && says.contains("create_reconnect_session"), "{says}");
        }
    }
}

#[test]
fn a_provider_s_missing_scope_is_not_nango_s() {
    let said = |scope: &str| json!({"error": {"code": "forbidden", "message": format!("Insufficient scope. Required: {scope}")}});
    assert_eq!(request(&Table::new().on("*", 403, said("repo")), json!({})).value()["ok"], false);
    assert_eq!(request(&Table::new().on("*", 403, said("environment:proxy")), json!({})).code(), "missing_scope");
    let failed =
        json!({"message": "connect", "code": "ECONNREFUSED", "method": "get", "status": null, "url": "https://api.example/?key=k"});
    let outcome = request(&Table::new().on("*", 500, failed), json!({}));
    assert!(outcome.code() == "provider_unreachable" && !outcome.text().contains("key=k"), "{}", outcome.text());
}

#[test]
fn what_stands_in_the_query_of_a_path_is_not_repeated() {
    let said = json!({"error": {"code": "server_error", "message": "Failed to get connection for top secret and top%20secret and hunter2hunter2"}});
    let change = json!({"path": "/user?key=top%20secret&token=hunter2hunter2"});
    let outcome = request(&Table::new().on("*", 400, said), change);
    assert!(!outcome.code().is_empty(), "a refusal of Nango's");
    for secret in ["top secret", "top%20secret", "hunter2"] {
        assert!(!outcome.text().contains(secret), "{}", outcome.text());
    }
}
