//! search_provider_templates and get_provider.

use serde_json::{Value, json};

use crate::samples::integrations::provider;
use crate::samples::{integration, sample};
use crate::table::{Outcome, Table, call, with};

const SEARCH: &str = "search_provider_templates";
const CATALOGUE: &str = "GET /providers";
const CONFIGURED: &str = "GET /integrations";

fn template(name: &str, display_name: &str, auth_mode: &str, categories: &[&str]) -> Value {
    json!({"name": name, "display_name": display_name, "auth_mode": auth_mode, "categories": categories, "proxy": {"base_url": "https://x"}})
}

fn catalogue() -> Value {
    json!({"data": [
        template("drive", "Drive", "OAUTH2", &["storage"]),
        template("google", "Google", "OAUTH2", &["popular"]),
        template("google-drive", "Google Drive", "OAUTH2", &["storage", "popular"]),
        template("google-play", "Google Play", "JWT", &["dev-tools"]),
        template("hubspot", "HubSpot", "OAUTH2", &["CRM"]),
        template("hubspot-key", "HubSpot (API Key)", "API_KEY", &["CRM"]),
        template("my-google", "My Google", "BASIC", &["dev-tools"]),
        template("nogoogle", "Without", "API_KEY", &["storage"]),
    ]})
}

#[track_caller]
fn search(change: Value) -> Outcome {
    let nango = Table::new().on(CATALOGUE, 200, catalogue()).on(CONFIGURED, 200, json!({"data": []}));
    call(&nango, SEARCH, &with(&json!({"environment": "dev"}), change))
}

#[track_caller]
fn names(outcome: &Outcome) -> Vec<&str> {
    outcome.value()["matches"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[test]
fn a_match_says_what_an_integration_of_it_needs() {
    let nango = Table::new().on(CATALOGUE, 200, json!({"data": [provider("zendesk")]})).on(
        CONFIGURED,
        200,
        json!({"data": [with(&integration("desk"), json!({"provider": "zendesk"})), integration("github")]}),
    );
    let outcome = call(&nango, SEARCH, &json!({"environment": "dev", "query": "ZenDesk"}));
    assert_eq!((outcome.lines(), outcome.sent[0].batch), (vec![CATALOGUE, CONFIGURED], outcome.sent[1].batch));
    assert_eq!(
        outcome.value(),
        &json!({
            "matches": [{
                "name": "zendesk", "display_name": "Zendesk", "auth_mode": "OAUTH2", "categories": ["popular", "support"],
                "docs": "https://nango.dev/docs/api-integrations/zendesk",
                "docs_connect": "https://nango.dev/docs/api-integrations/zendesk/connect",
                "default_scopes": ["read", "write"],
                "needs": "client_id and client_secret of an app registered at the provider; then each person authorizes",
                "configured": ["desk"],
            }],
            "total_matches": 1,
            "warnings": [],
        })
    );
}

#[test]
fn the_best_matches_come_first() {
    for (query, expected) in [
        // Exact, prefix by name, word prefix, substring.
        ("google", vec!["google", "google-drive", "google-play", "my-google", "nogoogle"]),
        ("  GOOGLE ", vec!["google", "google-drive", "google-play", "my-google", "nogoogle"]),
        ("google drive", vec!["google-drive"]),
        ("Google-Drive", vec!["google-drive"]),
        ("drive goo", vec!["google-drive"]),
        ("drive", vec!["drive", "google-drive"]),
        ("oogle play", vec!["google-play"]),
        ("hubspot (api key)", vec!["hubspot-key"]),
        ("without", vec!["nogoogle"]),
        // By category, by name and category.
        ("crm", vec!["hubspot", "hubspot-key"]),
        ("dev tools", vec!["google-play", "my-google"]),
        ("google storage", vec!["google-drive", "nogoogle"]),
        ("google nothing", vec![]),
        (" ", vec![]),
        ("?!", vec![]),
    ] {
        assert_eq!(names(&search(json!({"query": query}))), expected, "{query}");
    }
}

#[test]
fn only_the_best_are_shown_and_all_are_counted() {
    for limit in 1..=5_usize {
        let outcome = search(json!({"query": "google", "limit": limit}));
        let all = ["google", "google-drive", "google-play", "my-google", "nogoogle"];
        assert_eq!((names(&outcome), &outcome.value()["total_matches"]), (all[..limit].to_vec(), &json!(5)));
    }
    // Whatever order Nango answers in.
    let mut reversed = catalogue();
    reversed["data"].as_array_mut().unwrap().reverse();
    let nango = Table::new().on(CATALOGUE, 200, reversed).on(CONFIGURED, 200, json!({"data": []}));
    let outcome = call(&nango, SEARCH, &json!({"environment": "dev", "query": "google", "limit": 2}));
    assert_eq!((names(&outcome), &outcome.value()["total_matches"]), (vec!["google", "google-drive"], &json!(5)));
}

#[test]
fn filters_narrow_and_say_what_they_left_out() {
    let google = |change: Value| search(with(&json!({"query": "google"}), change));
    assert_eq!(names(&google(json!({"auth_mode": "oauth2"}))), ["google", "google-drive"]);
    assert_eq!(names(&google(json!({"category": "Storage"}))), ["google-drive", "nogoogle"]);
    assert_eq!(names(&google(json!({"category": "storage", "auth_mode": "API_KEY"}))), ["nogoogle"]);
    // Exact, no parts of a word.
    let none = google(json!({"category": "stor"}));
    assert_eq!((names(&none), &none.value()["total_matches"]), (vec![], &json!(0)));
    let say = "the query alone matches 5: auth modes API_KEY, BASIC, JWT, OAUTH2; categories dev-tools, popular, storage";
    assert_eq!(none.value()["warnings"], json!([say]));
    // Nothing matched the query: nothing was left out.
    assert_eq!(search(json!({"query": "zzz", "category": "storage"})).value()["warnings"], json!([]));
    assert_eq!(google(json!({"auth_mode": "OAUTH2"})).value()["warnings"], json!([]));
}

#[test]
fn a_key_that_may_not_list_integrations_still_searches() {
    let forbidden = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required one of: environment:integrations:list or environment:integrations:list_credentials"}});
    let nango = Table::new().on(CATALOGUE, 200, catalogue()).on(CONFIGURED, 403, forbidden);
    let outcome = call(&nango, SEARCH, &json!({"environment": "dev", "query": "hubspot"}));
    assert_eq!(names(&outcome), ["hubspot", "hubspot-key"]);
    assert_eq!(outcome.value()["matches"][0].get("configured"), None);
    assert!(outcome.value()["warnings"][0].as_str().unwrap().contains("environment:integrations:list"));
}

#[test]
fn a_search_that_was_not_answered_is_no_empty_result() {
    let wrong: &[(&str, u16, Value, &str)] = &[
        (CATALOGUE, 200, json!({}), "invalid_answer"),
        (CATALOGUE, 200, json!({"data": {}}), "invalid_answer"),
        (CATALOGUE, 200, json!({"data": [{"display_name": "X"}]}), "invalid_answer"),
        (CATALOGUE, 500, json!({"error": {"code": "server_error"}}), "nango_failed"),
        (CONFIGURED, 200, json!({"data": [{"unique_key": 1}]}), "invalid_answer"),
        (CONFIGURED, 500, json!({"error": {"code": "server_error"}}), "nango_failed"),
    ];
    for (line, status, body, code) in wrong {
        let good = [(CATALOGUE, catalogue()), (CONFIGURED, json!({"data": []}))];
        let nango = good.into_iter().filter(|(good, _)| good != line).fold(Table::new(), |nango, (line, body)| nango.on(line, 200, body));
        let outcome = call(&nango.on(line, *status, body.clone()), SEARCH, &json!({"environment": "dev", "query": "google"}));
        assert_eq!(outcome.code(), *code, "{line} {body}");
    }
}

#[test]
fn a_catalogue_much_larger_than_today_s_is_searched() {
    let many: Vec<Value> = (0..4000)
        .map(|at| with(&provider(&format!("p-{at:04}")), json!({"display_name": format!("P {at}"), "docs": "x".repeat(600)})))
        .collect();
    let nango = Table::new().on(CATALOGUE, 200, json!({"data": many})).on(CONFIGURED, 200, json!({"data": []}));
    let outcome = call(&nango, SEARCH, &json!({"environment": "dev", "query": "p", "limit": 50}));
    assert_eq!((names(&outcome).len(), &outcome.value()["total_matches"]), (50, &json!(4000)));
}

#[track_caller]
fn get(data: Value) -> Outcome {
    call(&Table::new().on("GET /providers/zendesk", 200, json!({"data": data})), "get_provider", &sample("get_provider").0)
}

#[test]
fn a_provider_shows_what_people_are_asked_for() {
    let outcome = get(provider("zendesk"));
    assert_eq!(outcome.lines(), ["GET /providers/zendesk"]);
    assert_eq!(
        outcome.value(),
        &json!({
            "provider": {
                "name": "zendesk", "display_name": "Zendesk", "auth_mode": "OAUTH2", "categories": ["popular", "support"],
                "docs": "https://nango.dev/docs/api-integrations/zendesk",
                "docs_connect": "https://nango.dev/docs/api-integrations/zendesk/connect",
                "setup_guide_url": "https://nango.dev/docs/api-integrations/zendesk/app",
                "authorization_url": "https://${connectionConfig.subdomain}.zendesk.com/oauth/authorizations/new",
                "token_url": "https://${connectionConfig.subdomain}.zendesk.com/oauth/tokens",
                "default_scopes": ["read", "write"],
                "connection_config": {"subdomain": {
                    "type": "string", "title": "Zendesk Domain", "description": "The subdomain", "example": "domain",
                    "pattern": "^[a-z0-9_-]+$", "prefix": "https://", "suffix": ".zendesk.com",
                }},
            },
            "needs": "client_id and client_secret of an app registered at the provider; then each person authorizes",
            // token_params, proxy, logo_url; doc_section of the field.
            "base_url": "https://${connectionConfig.subdomain}.zendesk.com", "dropped_fields": 4,
        })
    );
}

#[test]
fn secret_fields_show_no_values() {
    let credentials = json!({
        "username": {"type": "string", "title": "Key", "secret": true, "example": "rk_live_example", "default_value": "rk_default"},
        "password": {"type": "string", "title": "", "default_value": "", "hidden": true, "secret": false},
        "region": {"type": "string", "enum": ["eu", "us"], "default_value": "eu", "optional": true, "automated": true, "format": "uri"},
    });
    let config = json!({"app": {"type": "string", "secret": true, "example": "planted-example"}});
    let token_url = json!({"OAUTH2": "https://a", "APP": "https://b"});
    let data = with(
        &provider("zendesk"),
        json!({"auth_mode": "BASIC", "credentials": credentials, "integration_config": config, "token_url": token_url}),
    );
    let outcome = get(data);
    let shown = &outcome.value()["provider"];
    assert_eq!(
        shown["credentials"],
        json!({
            "username": {"type": "string", "title": "Key", "secret": true},
            "password": {"type": "string", "title": "", "default_value": "", "secret": false, "hidden": true},
            "region": {"type": "string", "format": "uri", "enum": ["eu", "us"], "default_value": "eu", "optional": true, "automated": true},
        })
    );
    assert_eq!(shown["integration_config"], json!({"app": {"type": "string", "secret": true}}));
    assert_eq!(shown.get("token_url"), None, "several addresses are none");
    assert_eq!(outcome.value()["dropped_fields"], 8);
    assert!(!outcome.text().contains("rk_") && !outcome.text().contains("planted-example"));
    assert_eq!(outcome.value()["needs"], "nothing here; each person gives theirs when connecting");
}

#[test]
fn every_auth_mode_says_what_an_integration_needs() {
    for (mode, begins) in [
        ("OAUTH1", "client_id"),
        ("TBA", "client_id"),
        ("APP", "app_id"),
        ("CUSTOM", "client_id, client_secret, app_id"),
        ("MCP_OAUTH2", "nothing here; each person authorizes"),
        ("OAUTH2_CC", "nothing here; each person gives"),
        ("API_KEY", "nothing here; each person gives"),
        ("NONE", "nothing, neither"),
        ("OF_TOMORROW", "nothing here; each person gives"),
    ] {
        let outcome = get(with(&provider("zendesk"), json!({"auth_mode": mode})));
        assert!(outcome.value()["needs"].as_str().unwrap().starts_with(begins), "{mode}: {}", outcome.value()["needs"]);
    }
}

#[test]
fn an_unknown_provider_sends_to_the_search() {
    let error = json!({"error": {"code": "not_found", "message": "Unknown provider zendesk"}});
    let outcome = call(&Table::new().on("GET /providers/zendesk", 404, error), "get_provider", &sample("get_provider").0);
    assert_eq!(outcome.code(), "unknown_provider");
    assert!(outcome.sentence().contains(SEARCH) && !outcome.sentence().contains("zendesk"), "{}", outcome.sentence());
}

#[test]
fn what_is_not_that_provider_is_not_shown() {
    for data in [provider("zoom"), with(&provider("zendesk"), json!({"auth_mode": 1})), json!({}), Value::Null, json!([])] {
        assert_eq!(get(data.clone()).code(), "invalid_answer", "{data}");
    }
}
