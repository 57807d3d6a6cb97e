//! Secrets given as arguments: whatever Nango says, they do not come back.

use serde_json::{Value, json};

use super::planted::Mint;
use crate::samples::branches;
use crate::samples::{connection, integration, sample, session};
use crate::table::{Outcome, Sent, Table, call, call_with, config, http, with};

/// A call whose arguments are secret, and those.
struct Given {
    tool: &'static str,
    arguments: Value,
    secrets: Vec<String>,
}

/// Fields of credentials as the tools take them, by type: of an import, and of an integration.
const IMPORTED: &[(&str, &[&str])] = &[
    ("OAUTH2", &["access_token", "refresh_token", "client_id", "client_secret"]),
    ("OAUTH2_CC", &["token", "client_id", "client_secret", "client_certificate", "client_private_key"]),
    ("OAUTH1", &["oauth_token", "oauth_token_secret"]),
    ("API_KEY", &["api_key"]),
    ("BASIC", &["username", "password"]),
    ("TBA", &["token_id", "token_secret", "client_id", "client_secret"]),
    ("APP", &["app_id", "installation_id"]),
    ("CUSTOM", &["app_id", "installation_id"]),
];
const CONFIGURED: &[(&str, &[&str])] = &[
    ("OAUTH1", &["client_id", "client_secret", "webhook_secret"]),
    ("OAUTH2", &["client_id", "client_secret", "webhook_secret"]),
    ("TBA", &["client_id", "client_secret"]),
    ("APP", &["app_id", "app_link", "private_key"]),
    ("CUSTOM", &["client_id", "client_secret", "app_id", "app_link", "private_key"]),
];

fn credentials(mint: &Mint, kind: &str, fields: &[&str], secrets: &mut Vec<String>) -> Value {
    let mut credentials = json!({"type": kind});
    for field in fields {
        let secret = mint.secret(field);
        let secret = if *field == "app_link" { format!("https://app.example/{}", secret.replace('\n', "")) } else { secret };
        secrets.push(secret.clone());
        credentials[*field] = secret.into();
    }
    credentials
}

fn calls(mint: &Mint) -> Vec<Given> {
    let mut calls = Vec::new();
    let mut add = |tool: &'static str, change: Value, secrets: Vec<String>| {
        calls.push(Given { tool, arguments: with(&sample(tool).0, change), secrets });
    };
    for (kind, fields) in IMPORTED {
        let mut secrets = vec![mint.secret("accountId"), mint.secret("nested")];
        let config = json!({"accountId": secrets[0], "deep": {"er": [secrets[1]]}});
        let credentials = credentials(mint, kind, fields, &mut secrets);
        add("import_connection", json!({"credentials": credentials, "connection_config": config}), secrets);
    }
    for (kind, fields) in CONFIGURED {
        for tool in ["create_integration", "update_integration"] {
            let mut secrets = vec![mint.secret("integration_config"), mint.secret("custom")];
            let settings = json!({"integration_config": {"a": secrets[0]}, "custom": {"b": secrets[1]}});
            let credentials = credentials(mint, kind, fields, &mut secrets);
            add(tool, with(&settings, json!({"credentials": credentials})), secrets);
        }
    }
    for tool in ["create_connect_session", "create_reconnect_session", "create_standard_connect_session"] {
        let secrets = vec![mint.secret("authorization_params"), mint.secret("connection_config")];
        let defaults = json!({"github": {"authorization_params": {"p": secrets[0]}, "connection_config": {"key": secrets[1]}}});
        add(tool, json!({"integrations_config_defaults": defaults}), secrets);
    }
    for tool in ["create_connect_session", "create_reconnect_session"] {
        let secret = format!("https://hooks.example/{}", mint.secret("webhook").replace('\n', ""));
        add(tool, json!({"webhook_url_override": secret}), vec![secret]);
    }
    for tool in ["proxy_request", "download_provider_file"] {
        let secrets: Vec<String> = (0..4).map(|at| mint.secret(&format!("proxy {at}")).replace('\n', "")).collect();
        let bot = format!("bot{}", secrets[2].replace(['/', ' '], ""));
        let change = json!({
            "headers": {"x-api-key": secrets[0]}, "query": {"key": secrets[1], "list": [secrets[3]]}, "path": format!("/{bot}/getMe"),
            "base_url_override": format!("https://user:{}@other.example", secrets[3].replace(' ', "")),
        });
        let mut all = secrets.clone();
        all[2] = bot;
        add(tool, change, all);
    }
    let secrets = vec![mint.secret("body"), mint.secret("deep in body")];
    add("proxy_request", json!({"method": "POST", "body": {"password": secrets[0], "a": [{"b": secrets[1]}]}}), secrets.clone());
    add("proxy_request", json!({"method": "POST", "body": secrets[0]}), secrets[..1].to_vec());
    calls
}

/// What somebody could say of a secret.
fn said(secrets: &[String]) -> Vec<String> {
    let joined = secrets.join(" and ");
    let mut all = vec![
        format!("this is wrong: {joined}"),
        format!("this is wrong: {}", joined.to_uppercase()),
        format!("no '{}' here; `{}` neither", secrets[0], secrets[secrets.len() - 1]),
        json!({"got": secrets}).to_string(),
        format!("{}{joined}", "x ".repeat(120)),
        joined.replace('\n', " "),
    ];
    all.extend(secrets.iter().cloned());
    all
}

/// Nango's refusals, in all their shapes.
fn refusals(said: &str) -> Vec<(u16, Value)> {
    let shape = |code: &str| json!({"error": {"code": code, "message": said, "payload": {"x": said}, "errors": [{"message": said, "path": ["a"]}]}});
    vec![
        (400, shape("invalid_body")),
        (400, json!({"error": {"code": "invalid_body", "errors": [{"code": said, "path": ["credentials", "token"]}]}})),
        (400, shape("invalid_headers")),
        (400, shape("base_url_override_not_allowed")),
        (400, shape("connection_test_failed")),
        (400, shape("invalid_credentials")),
        (400, json!({"error": {"code": said, "message": said}})),
        (401, shape("unknown_account")),
        (402, shape("plan_limit")),
        (403, json!({"error": {"code": "forbidden", "message": format!("Insufficient scope. Required: {said}")}})),
        (404, shape("not_found")),
        (404, shape("unknown_provider_config")),
        (409, json!({"message": said})),
        (424, shape("connection_refresh_backoff")),
        (500, shape("generic_error_support")),
        (500, json!({"message": said, "code": "ECONNREFUSED", "method": "post"})),
        (502, json!({"error": said})),
    ]
}

/// No secret, in whatever case, whole or the half that is random.
#[track_caller]
fn silent(mint: &Mint, outcome: &Outcome, what: &str) {
    mint.absent(&outcome.text(), what);
}

#[test]
fn secrets_given_as_arguments_do_not_come_back() {
    let mint = Mint::new();
    let allowing = config(&[("NANGO_MCP_ALLOW_BASE_URL_OVERRIDE", "true")]);
    let (mut cases, mut tools) = (0, std::collections::BTreeSet::new());
    for Given { tool, arguments, secrets } in calls(&mint) {
        let proxied = tool.contains("pro");
        // Taken, and shown again in what comes of it: not of the provider's own.
        let echo = json!({"access_token": secrets, "raw": {"x": secrets}, "client_secret": secrets[0]});
        let echoing = |value: Value| with(&value, json!({"credentials": echo, "connection_config": {"held": secrets}, "custom": echo}));
        let nango = || {
            let nango = Table::new()
                .on("GET /connections", 200, json!({"connections": []}))
                .on("POST /connections", 201, echoing(connection()))
                .on("POST /integrations", 200, json!({"data": echoing(integration("github"))}))
                .on("PATCH /integrations/github", 200, json!({"data": echoing(integration("github"))}))
                .on("GET /connections/c-1", 200, echoing(connection()));
            let nango = nango.on("POST /connect/sessions", 201, session()).on("POST /connect/sessions/reconnect", 201, session());
            nango.on("*", 200, json!({"login": "u1"}))
        };
        let outcome = call_with(&allowing, &nango(), tool, &arguments);
        assert!(!outcome.result.is_error, "{tool}: {}", outcome.text());
        silent(&mint, &outcome, tool);
        // Only who was told a secret can repeat it.
        let told = |sent: &Sent| mint.is_in(&format!("{} {:?} {:?}", sent.line, sent.headers, sent.raw));
        for step in (0..outcome.sent.len()).filter(|step| told(&outcome.sent[*step])) {
            for said in said(&secrets) {
                for (status, body) in refusals(&said) {
                    let answer = http(status, &[("content-type", "application/json")], body.to_string());
                    let outcome = call_with(&allowing, &nango().broken_at(step, Ok(answer)), tool, &arguments);
                    if outcome.result.is_error || !proxied {
                        silent(&mint, &outcome, &format!("{tool}, {status} {body}"));
                    }
                    cases += 1;
                }
            }
        }
        tools.insert(tool);
    }
    println!("secrets as arguments: {} tools, {cases} cases, 0 came back", tools.len());
    assert!(cases >= 3_000 && tools.len() == 8, "{cases}");
}

#[test]
fn a_refusal_of_arguments_repeats_no_secret() {
    let mint = Mint::new();
    for Given { tool, arguments, .. } in calls(&mint) {
        for change in
            [json!({"environment": "elsewhere"}), json!({"no_such_argument": 1}), json!({"provider_config_key": 7, "unique_key": 7})]
        {
            let outcome = call(&Table::new().on("*", 500, json!({})), tool, &with(&arguments, change));
            silent(&mint, &outcome, tool);
        }
    }
    // Credentials with a field of another type, or without one of their own.
    for branch in branches::all().iter().filter(|branch| ["import_connection", "create_integration"].contains(&branch.tool)) {
        for (kind, _) in IMPORTED.iter().chain(CONFIGURED) {
            let (_, fields) = IMPORTED[0];
            let credentials = credentials(&mint, kind, fields, &mut Vec::new());
            let outcome = call(&branch.make().1, branch.tool, &with(&branch.make().0, json!({"credentials": credentials})));
            silent(&mint, &outcome, branch.tool);
        }
    }
}
