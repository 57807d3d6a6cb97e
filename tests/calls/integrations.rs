//! get_integration: what is asked, shown and believed.

use serde_json::{Value, json};

use crate::samples::{integration, sample};
use crate::table::{Outcome, Table, call, with};

const GET: &str = "GET /integrations/github";

/// An integration as results show it.
pub(super) fn shown(key: &str) -> Value {
    with(&integration(key), json!({"logo": null}))
}

#[track_caller]
fn get(change: Value, line: &str, data: Value) -> Outcome {
    call(&Table::new().on(line, 200, json!({"data": data})), "get_integration", &with(&sample("get_integration").0, change))
}

#[test]
fn an_integration_is_shown_without_its_credentials() {
    let full = with(&integration("github"), json!({"credentials": {"client_secret": "s3cret-client"}, "webhook_url": "https://not.asked"}));
    let outcome = get(json!({}), GET, full);
    assert_eq!(outcome.lines(), [GET]);
    // logo, credentials, webhook_url.
    assert_eq!(outcome.value(), &json!({"integration": shown("github"), "dropped_fields": 3}));
}

#[test]
fn the_webhook_address_comes_on_request() {
    let asked = "GET /integrations/github?include=webhook";
    let url = "https://api.nango.dev/webhook/1b5c/github";
    let outcome = get(json!({"include_webhook": true}), asked, with(&integration("github"), json!({"webhook_url": url})));
    assert_eq!(outcome.lines(), [asked]);
    assert_eq!(outcome.value(), &json!({"integration": shown("github"), "webhook_url": url, "dropped_fields": 1}));
    let none = with(&integration("github"), json!({"webhook_url": 1}));
    let mut none_at_all = none.clone();
    none_at_all["webhook_url"] = Value::Null;
    for (data, dropped) in [(none_at_all, 1), (integration("github"), 1), (none, 2)] {
        let outcome = get(json!({"include_webhook": true}), asked, data);
        assert_eq!((outcome.value().get("webhook_url"), &outcome.value()["dropped_fields"]), (None, &json!(dropped)));
    }
}

#[test]
fn what_is_not_that_integration_is_not_shown() {
    for data in [integration("gitlab"), json!({}), json!([]), Value::Null, json!("github"), json!({"unique_key": 1, "provider": "github"})]
    {
        assert_eq!(get(json!({}), GET, data.clone()).code(), "invalid_answer", "{data}");
    }
}

#[test]
fn an_unknown_integration_sends_to_the_list() {
    let error = json!({"error": {"code": "not_found", "message": "Integration \"github\" does not exist"}});
    let outcome = call(&Table::new().on(GET, 404, error), "get_integration", &sample("get_integration").0);
    assert_eq!(outcome.code(), "unknown_integration");
    assert!(outcome.sentence().contains("list_integrations") && !outcome.sentence().contains("\"github\""), "{}", outcome.sentence());
}
