//! Rate limits, time, and what happens on the way.

use std::time::Duration;

use nango_mcp::Gateway;
use nango_mcp::tools::TOOLS;
use nango_mcp::transport::TransportError;
use serde_json::json;

use crate::samples::{sample, session};
use crate::table::{Outcome, Table, call, call_with, config};

const OWN: &str = r#"{"error":{"code":"too_many_request","method":"GET","path":"/connections"}}"#;
const LINE: &str = "GET /connections";

/// A Nango that turns list_connections away with these Retry-After headers, one after the other, and then answers.
fn limited(after: &[&str]) -> Table {
    let nango = after.iter().fold(Table::new(), |nango, after| nango.raw(LINE, 429, &[("retry-after", after)], OWN));
    nango.on(LINE, 200, json!({"connections": []}))
}

#[track_caller]
fn list(nango: &Table) -> Outcome {
    call(nango, "list_connections", &json!({"environment": "dev"}))
}

#[test]
fn nangos_own_rate_limit_is_waited_for() {
    for (after, waits) in [
        (vec!["7"], vec![7]),
        (vec!["0"], vec![1]),
        (vec!["-3"], vec![1]),
        (vec!["Mon, 1 Jan"], vec![1]),
        (vec![" 2 ", "3", "0"], vec![2, 3, 4]),
        (vec!["54"], vec![54]),
    ] {
        let nango = limited(&after);
        let outcome = list(&nango);
        assert_eq!((outcome.value()["connections"].clone(), nango.slept()), (json!([]), waits), "{after:?}");
        assert_eq!(outcome.sent.len(), after.len() + 1);
    }
    let nango = Table::new().raw(LINE, 429, &[], OWN).on(LINE, 200, json!({"connections": []}));
    list(&nango).value();
    assert_eq!(nango.slept(), [1], "without Retry-After");
}

#[test]
fn a_wait_beyond_the_calls_time_is_left_to_the_caller() {
    for (after, waits, left) in [
        (vec!["57"], vec![], 57),
        (vec!["55"], vec![], 55),
        (vec!["30", "30"], vec![30], 30),
        (vec!["999999999999"], vec![], 999_999_999_999),
    ] {
        let nango = limited(&after);
        let outcome = list(&nango);
        assert_eq!(
            (outcome.code(), outcome.error["retry_after_seconds"].as_u64(), outcome.error["status"].as_u64()),
            ("rate_limited", Some(left), Some(429))
        );
        assert_eq!((nango.slept(), outcome.sent.len()), (waits.clone(), waits.len() + 1), "{after:?}");
        assert!(outcome.sentence().contains("whole Nango account"), "{}", outcome.sentence());
    }
    // Slow answers use the call's time up as well.
    let nango = limited(&["20", "20"]).slow(Duration::from_secs(12));
    assert_eq!((list(&nango).code(), nango.slept()), ("rate_limited", vec![20]));
    // A limit that does not end is not hammered: every try counts for the whole account.
    let nango = limited(&["0"; 80]);
    assert_eq!((list(&nango).code(), nango.slept()), ("rate_limited", vec![1, 2, 4]));
}

#[test]
fn a_write_is_repeated_too_because_it_had_no_effect() {
    let nango = Table::new().raw("POST /connect/sessions", 429, &[("retry-after", "2")], OWN).on("POST /connect/sessions", 201, session());
    let outcome = call(&nango, "create_connect_session", &sample("create_connect_session").0);
    outcome.value();
    assert_eq!((nango.slept(), outcome.sent[0].body.clone()), (vec![2], outcome.sent[1].body.clone()));
}

#[test]
fn a_429_that_is_not_nangos_own_is_told_and_not_repeated() {
    for body in [json!({"error": {"code": "rate_limit_exceeded"}}), json!({"message": "slow down"}), json!([])] {
        let nango = Table::new().raw(LINE, 429, &[("retry-after", "3")], body.to_string());
        let outcome = list(&nango);
        assert_eq!(outcome.code(), "rate_limited");
        assert_eq!((nango.slept().len(), outcome.sent.len(), outcome.error["retry_after_seconds"].as_u64()), (0, 1, Some(3)));
    }
}

#[test]
fn seconds_that_were_not_said_are_not_made_up() {
    for (after, seconds) in [("0", Some(1)), ("7", Some(7)), ("abc", None), ("-5", None), ("1.5", None), ("99999999999999999999", None)] {
        let outcome = list(&Table::new().raw(LINE, 429, &[("retry-after", after)], "{}"));
        assert_eq!((outcome.code(), outcome.error["retry_after_seconds"].as_u64()), ("rate_limited", seconds), "{after}");
        assert!(outcome.sentence().contains("call again after") == seconds.is_some(), "{}", outcome.sentence());
    }
}

#[test]
fn only_what_was_turned_away_is_repeated() {
    let nango = Table::new()
        .on("GET /health", 200, json!({"result": "ok"}))
        .on("GET /providers/github", 200, json!({"data": {}}))
        .raw("GET /integrations", 429, &[("retry-after", "4")], OWN)
        .on("GET /integrations", 200, json!({"data": []}))
        .on(LINE, 200, json!({"connections": []}));
    let outcome = call(&nango, "check_environment", &json!({"environment": "dev"}));
    assert_eq!(outcome.value()["ready"], true);
    assert_eq!(
        outcome.lines(),
        ["GET /health", "GET /providers/github", "GET /integrations", "GET /connections?limit=1", "GET /integrations"]
    );
    assert_eq!(outcome.sent.iter().map(|sent| sent.batch).collect::<Vec<_>>(), [1, 1, 2, 2, 3], "independent reads go together");
}

#[test]
fn a_request_is_given_its_time_and_no_more_than_the_call_has_left() {
    let nango = limited(&["40"]);
    let within: Vec<u64> = list(&nango).sent.iter().map(|sent| sent.within.as_secs()).collect();
    assert_eq!(within, [20, 15], "20 s each, 55 s together");
    let config = config(&[("NANGO_MCP_REQUEST_TIMEOUT", "2.5")]);
    let outcome = call_with(&config, &limited(&[]), "list_connections", &json!({"environment": "dev"}));
    assert_eq!(outcome.sent[0].within, Duration::from_millis(2500));
}

/// Every way not to answer: the code, what the sentence says, and whether the request may have arrived.
const FAILURES: &[(TransportError, &str, &str, bool)] = &[
    (TransportError::Denied, "host_denied", "the host denied outbound HTTP to https://api.nango.dev", false),
    (TransportError::Refused, "connection_refused", "nobody answers at https://api.nango.dev", false),
    (TransportError::Unresolved, "unresolved_host", "NANGO_BASE_URL", false),
    (TransportError::Tls, "tls_failed", "certificate", false),
    (TransportError::Timeout, "timeout", "within 20.0 s", true),
    (TransportError::Broken, "connection_lost", "broke before the answer", true),
    (TransportError::TooLarge, "answer_too_large", "larger than 4 MiB", true),
    (TransportError::Protocol, "protocol_error", "NANGO_BASE_URL", true),
];

#[test]
fn every_transport_error_has_a_code_and_a_remedy() {
    for (error, code, says, may_have_arrived) in FAILURES {
        for (tool, line, writes) in [("list_connections", LINE, false), ("create_connect_session", "POST /connect/sessions", true)] {
            let nango = Table::new().fails(line, *error);
            let outcome = call(&nango, tool, &sample(tool).0);
            assert_eq!((outcome.error["kind"].as_str(), outcome.code()), (Some("transport"), *code), "{}", outcome.text());
            assert!(outcome.sentence().contains(says), "{}", outcome.sentence());
            let unknown = *may_have_arrived && writes;
            assert_eq!(outcome.error.get("outcome_unknown"), unknown.then_some(&json!(true)), "{tool}: {code}");
            for said in [outcome.sentence(), outcome.error["message"].as_str().unwrap()] {
                assert_eq!(said.contains("may have taken effect: look before you repeat it"), unknown, "{tool}: {code}: {said}");
                assert!(!(unknown && said.contains("try again")), "{said}");
            }
            assert_eq!((outcome.sent.len(), nango.slept().len()), (1, 0), "{tool}: {code} is not repeated");
        }
    }
}

#[test]
fn a_gateway_says_in_its_own_words_what_is_missing() {
    let mut config = config(&[("NANGO_BASE_URL", "http://nango.example:3003/api")]);
    config.gateway = Gateway { allow: |origin| format!("grant {origin}"), key: |variable| format!("keep {variable}") };
    let denying = Table::new().fails(&LINE.replace("GET ", "GET /api"), TransportError::Denied);
    let denied = call_with(&config, &denying, "list_connections", &json!({"environment": "dev"}));
    assert_eq!(denied.sentence(), "the host denied outbound HTTP to http://nango.example:3003/api: grant http://nango.example:3003");
    config.environments[0].key = None;
    let keyless = call_with(&config, &Table::new(), "list_connections", &json!({"environment": "dev"}));
    assert_eq!(keyless.sentence(), "no API key for environment `dev`: keep NANGO_SECRET_KEY");
}

#[test]
fn a_read_that_gets_no_answer_leaves_no_doubt_before_a_write() {
    for (error, code, ..) in FAILURES {
        let nango = Table::new().fails("GET /connections/c-1", *error);
        let outcome = call(&nango, "create_reconnect_session", &sample("create_reconnect_session").0);
        assert_eq!((outcome.code(), outcome.error.get("outcome_unknown"), outcome.sent.len()), (*code, None, 1), "{}", outcome.text());
    }
}

#[test]
fn no_tool_survives_a_nango_that_is_gone_as_if_nothing_were() {
    for entry in TOOLS.iter().filter(|entry| entry.open_world && entry.name != "check_environment") {
        for (error, code, ..) in FAILURES {
            let outcome = call(&Table::new().fails("*", *error), entry.name, &sample(entry.name).0);
            assert_eq!(outcome.code(), *code, "{}", entry.name);
        }
    }
}
