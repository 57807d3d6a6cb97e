//! list_environments and check_environment.

use nango_mcp::transport::TransportError;
use serde_json::{Value, json};

use crate::table::{KEY, Outcome, Table, call, call_with, config};

const HEALTH: &str = "GET /health";
const PROVIDER: &str = "GET /providers/github";
const INTEGRATIONS: &str = "GET /integrations";
const CONNECTIONS: &str = "GET /connections?limit=1";

fn here() -> Table {
    Table::new().on(HEALTH, 200, json!({"result": "ok"}))
}

fn open(nango: Table) -> Table {
    nango.on(INTEGRATIONS, 200, json!({"data": []})).on(CONNECTIONS, 200, json!({"connections": []}))
}

#[track_caller]
fn check(nango: &Table) -> Outcome {
    call(nango, "check_environment", &json!({"environment": "dev"}))
}

/// `ready`, `reachable`, `key_accepted`, the states of the two scopes, and the problems together.
#[track_caller]
fn found(outcome: &Outcome) -> (bool, bool, bool, String, String) {
    let value = outcome.value();
    let flag = |name: &str| value[name].as_bool().unwrap();
    let scope = |name: &str| value["scopes"].get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let scopes = format!("{} {}", scope("environment:integrations:list"), scope("environment:connections:list"));
    let problems: Vec<&str> = value["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap()).collect();
    (flag("ready"), flag("reachable"), flag("key_accepted"), scopes, problems.join("\n"))
}

#[test]
fn scopes_are_named_for_every_toolset_that_is_offered() {
    let vars = [("NANGO_SECRET_KEY", KEY), ("NANGO_MCP_TOOLSETS", "connect,environments,proxy"), ("NANGO_MCP_READ_ONLY", "true")];
    let nango = || {
        here().on(PROVIDER, 200, json!({"data": {}})).on(INTEGRATIONS, 200, json!({"data": []})).on(
            CONNECTIONS,
            200,
            json!({"connections": []}),
        )
    };
    let of = |vars: &[(&str, &str)]| call_with(&config(vars), &nango(), "check_environment", &json!({})).value()["toolset_scopes"].clone();
    let connect = ["environment:connect_sessions:write", "environment:connections:list"];
    assert_eq!(of(&vars[..2]), json!({"connect": connect, "environments": [], "proxy": ["environment:proxy"]}));
    let waiting = ["environment:connections:list"];
    assert_eq!(of(&vars), json!({"connect": waiting, "environments": [], "proxy": ["environment:proxy"]}));
}

#[test]
fn an_environment_that_works() {
    let left = [
        ("content-type", "application/json"),
        ("x-ratelimit-limit", "200"),
        ("x-ratelimit-remaining", "187"),
        ("x-ratelimit-reset", "1795439102"),
    ];
    let nango = here().on(PROVIDER, 200, json!({"data": {}})).on(INTEGRATIONS, 200, json!({"data": []})).raw(
        CONNECTIONS,
        200,
        &left,
        r#"{"connections":[]}"#,
    );
    let outcome = check(&nango);
    assert_eq!(
        outcome.value(),
        &json!({
            "ready": true, "environment": "dev", "base_url": "https://api.nango.dev", "reachable": true, "key_accepted": true,
            "scopes": {
                "environment:connect_sessions:write": "unknown",
                "environment:integrations:list": "granted",
                "environment:connections:list": "granted",
            },
            "toolset_scopes": {
                "connect": ["environment:connect_sessions:write", "environment:connections:list"],
                "environments": [],
                "integrations": [
                    "environment:integrations:list", "environment:integrations:read", "environment:integrations:create",
                    "environment:integrations:update", "environment:integrations:delete",
                ],
                "connections": [
                    "environment:connections:list", "environment:connections:read", "environment:connections:read_credentials",
                    "environment:connections:create", "environment:connections:delete", "environment:connections:update",
                ],
                "proxy": ["environment:proxy"],
                "conventions": ["environment:connections:read", "environment:connections:update", "environment:connections:list"],
            },
            "rate_limit": {"limit": 200, "remaining": 187, "reset": 1_795_439_102},
            "problems": [],
        })
    );
    assert_eq!(outcome.lines(), [HEALTH, PROVIDER, INTEGRATIONS, CONNECTIONS]);
    let bearers: Vec<Option<&str>> = outcome.sent.iter().map(|sent| sent.bearer.as_deref()).collect();
    assert_eq!(bearers, [None, Some(KEY), Some(KEY), Some(KEY)], "/health is asked without the key");
}

#[test]
fn a_provider_that_nango_does_not_know_is_a_key_it_does() {
    let nango = open(here().on(PROVIDER, 404, json!({"error": {"code": "not_found", "message": "Unknown provider github"}})));
    assert_eq!(found(&check(&nango)), (true, true, true, "granted granted".into(), String::new()));
}

#[test]
fn a_health_route_that_is_closed_is_no_obstacle() {
    for nango in
        [Table::new().raw(HEALTH, 404, &[("content-type", "text/html")], "<html>"), Table::new().fails(HEALTH, TransportError::Denied)]
    {
        let nango = open(nango.on(PROVIDER, 200, json!({"data": {}})));
        assert_eq!(found(&check(&nango)), (true, true, true, "granted granted".into(), String::new()));
    }
}

#[test]
fn a_rejected_key_is_said_with_its_variable() {
    let nango = here().on(PROVIDER, 401, json!({"error": {"message": "Authentication failed.", "code": "unknown_account", "payload": {}}}));
    let outcome = check(&nango);
    let (ready, reachable, accepted, scopes, problems) = found(&outcome);
    assert_eq!((ready, reachable, accepted, scopes.as_str()), (false, true, false, "- -"));
    assert!(problems.contains("NANGO_SECRET_KEY is not one of this Nango"), "{problems}");
    assert_eq!(outcome.lines(), [HEALTH, PROVIDER], "a rejected key is not tried again");
}

#[test]
fn a_web_page_is_not_nango() {
    for status in [200, 404] {
        let page = |nango: Table, line| nango.raw(line, status, &[("content-type", "text/html")], "<!doctype html>");
        let (ready, reachable, accepted, _, problems) = found(&check(&page(page(Table::new(), HEALTH), PROVIDER)));
        assert_eq!((ready, reachable, accepted), (false, false, false), "{status}");
        assert!(problems.contains("web page") && problems.contains("NANGO_BASE_URL"), "{problems}");
    }
    // JSON of some other server.
    let other = Table::new().on(HEALTH, 404, json!({"detail": "Not Found"})).on(PROVIDER, 404, json!({"detail": "Not Found"}));
    let (ready, reachable, accepted, _, problems) = found(&check(&other));
    assert_eq!((ready, reachable, accepted), (false, false, false));
    assert!(problems.contains("NANGO_BASE_URL"), "{problems}");
}

#[test]
fn an_unreachable_nango_is_a_finding() {
    for (error, says) in [
        (TransportError::Denied, "denied outbound HTTP"),
        (TransportError::Refused, "nobody answers"),
        (TransportError::Timeout, "NANGO_MCP_REQUEST_TIMEOUT"),
        (TransportError::Tls, "TLS"),
    ] {
        let outcome = check(&Table::new().fails("*", error));
        let (ready, reachable, accepted, scopes, problems) = found(&outcome);
        assert_eq!((ready, reachable, accepted, scopes.as_str()), (false, false, false, "- -"));
        assert!(problems.contains(says), "{problems}");
        assert_eq!(outcome.value()["scopes"], json!({"environment:connect_sessions:write": "unknown"}));
    }
}

#[test]
fn a_403_means_that_the_scope_is_missing_and_the_environment_works() {
    let forbidden = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required: environment:integrations:list"}});
    let accepted = || here().on(PROVIDER, 200, json!({"data": {}}));
    let nango = accepted().on(INTEGRATIONS, 403, forbidden.clone()).on(CONNECTIONS, 200, json!({"connections": []}));
    assert_eq!(found(&check(&nango)), (true, true, true, "missing granted".into(), String::new()));
    let nango = accepted().on(INTEGRATIONS, 403, forbidden.clone()).on(CONNECTIONS, 403, forbidden);
    assert_eq!(found(&check(&nango)), (true, true, true, "missing missing".into(), String::new()));
    let nango = accepted().on(INTEGRATIONS, 500, json!({"error": {"code": "generic_error_support"}})).on(
        CONNECTIONS,
        200,
        json!({"connections": []}),
    );
    let (ready, _, accepted, scopes, problems) = found(&check(&nango));
    assert_eq!((ready, accepted, scopes.as_str()), (false, true, "unknown granted"));
    assert!(problems.contains("a failure inside Nango"), "{problems}");
}

#[test]
fn the_configured_environments_are_listed_without_keys() {
    let outcome = call(&Table::new(), "list_environments", &json!({}));
    assert_eq!(
        outcome.value(),
        &json!({
            "environments": [{"name": "dev", "aliases": [], "default": true, "has_key": true}],
            "base_url": "https://api.nango.dev", "read_only": false,
        })
    );
    let config = config(&[
        ("NANGO_MCP_ENVIRONMENTS", "live,dev"),
        ("NANGO_SECRET_KEY_DEV", KEY),
        ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE", "prod,production"),
        ("NANGO_BASE_URL", "http://localhost:3003/nango/"),
        ("NANGO_MCP_READ_ONLY", "true"),
    ]);
    let outcome = call_with(&config, &Table::new(), "list_environments", &json!({}));
    assert_eq!(
        outcome.value(),
        &json!({
            "environments": [
                {"name": "live", "aliases": ["prod", "production"], "default": false, "has_key": false},
                {"name": "dev", "aliases": [], "default": false, "has_key": true},
            ],
            "base_url": "http://localhost:3003/nango", "read_only": true,
        })
    );
}

#[test]
fn a_rate_limit_means_that_the_key_is_known() {
    let own = json!({"error": {"code": "too_many_request", "method": "GET", "path": "/providers/github"}}).to_string();
    let nango = (0..4).fold(here(), |nango, _| nango.raw(PROVIDER, 429, &[("retry-after", "1")], &own));
    let nango = nango.on(INTEGRATIONS, 200, json!({"data": []})).on(CONNECTIONS, 200, json!({"connections": []}));
    let value = check(&nango).value().clone();
    assert_eq!((&value["key_accepted"], &value["ready"]), (&json!(true), &json!(false)), "{value}");
    assert!(value["problems"][0].as_str().unwrap().contains("call again after"), "{value}");
}
