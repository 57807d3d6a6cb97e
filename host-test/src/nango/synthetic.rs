//! Providers that do not exist, for trying a catalogue as large as Nango's.
//!
//! A thousand of them make `GET /providers` about as long as the real one. The shares of auth modes and categories are
//! roughly the real ones too.

use serde_json::{Map, Value, json};

const VENDORS: [&str; 11] = ["acme", "borealis", "cobalt", "delphi", "ember", "fjord", "granite", "harbor", "iris", "juniper", "kestrel"];
/// The last part of a name, what it stands for, and categories.
const KINDS: [(&str, &str, &[&str]); 13] = [
    ("crm", "CRM", &["crm", "marketing"]),
    ("mail", "Mail", &["communication", "productivity"]),
    ("hr", "People", &["hr", "ats"]),
    ("shop", "Shop", &["e-commerce"]),
    ("desk", "Desk", &["support", "ticketing"]),
    ("books", "Books", &["accounting", "erp", "invoicing"]),
    ("drive", "Drive", &["storage", "productivity"]),
    ("dev", "Developer", &["dev-tools"]),
    ("pay", "Pay", &["payment", "banking"]),
    ("insights", "Insights", &["analytics"]),
    ("forms", "Forms", &["surveys", "marketing"]),
    ("sign", "Sign", &["legal"]),
    ("wiki", "Wiki", &["knowledge-base", "productivity"]),
];
const MODES: [&str; 17] = [
    "OAUTH2",
    "API_KEY",
    "OAUTH2",
    "API_KEY",
    "OAUTH2_CC",
    "OAUTH2",
    "API_KEY",
    "BASIC",
    "OAUTH2",
    "API_KEY",
    "OAUTH2",
    "TWO_STEP",
    "API_KEY",
    "OAUTH2",
    "BASIC",
    "OAUTH2_CC",
    "MCP_OAUTH2",
];

/// The nth of them, from 1 on: its name and its entry.
pub(super) fn provider(nth: usize) -> (String, Value) {
    let vendor = VENDORS.get(nth.saturating_sub(1) % VENDORS.len()).copied().unwrap_or_default();
    let (kind, title, categories) = KINDS.get(nth.saturating_sub(1) % KINDS.len()).copied().unwrap_or_default();
    let mode = MODES.get(nth % MODES.len()).copied().unwrap_or_default();
    let name = format!("{vendor}-{nth:04}-{kind}");
    // About two in five of Nango's ask for something of the account, most often its subdomain.
    let own_domain = nth % 5 < 2;
    let host = format!("https://{}.{name}.example.com", if own_domain { "${connectionConfig.subdomain}" } else { "api" });
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| entry.insert(key.to_owned(), value);
    put("display_name", format!("{}{} {title} {nth}", vendor[..1].to_uppercase(), &vendor[1..]).into());
    put("categories", categories.into());
    put("auth_mode", mode.into());
    if mode.contains("OAUTH2") {
        oauth2(&host, mode, &mut put);
    }
    put("proxy", proxy(&host, mode));
    put("docs", format!("https://nango.dev/docs/api-integrations/{name}").into());
    let with_form = matches!(mode, "API_KEY" | "BASIC" | "TWO_STEP");
    if own_domain || with_form {
        put("docs_connect", format!("https://nango.dev/docs/api-integrations/{name}/connect").into());
    }
    if own_domain {
        put("connection_config", connection_config(title));
    }
    if with_form {
        put("credentials", credentials(mode, title));
    }
    (name, entry.into())
}

fn oauth2<R>(host: &str, mode: &str, put: &mut impl FnMut(&str, Value) -> R) {
    if mode != "OAUTH2_CC" {
        put("authorization_url", format!("{host}/oauth/authorize").into());
        put("authorization_params", json!({ "response_type": "code" }));
        put("default_scopes", json!(["read", "offline_access"]));
    }
    put("token_url", format!("{host}/oauth/token").into());
    put("token_params", json!({ "grant_type": if mode == "OAUTH2_CC" { "client_credentials" } else { "authorization_code" } }));
}

fn proxy(host: &str, mode: &str) -> Value {
    let authorization = match mode {
        "API_KEY" => "Bearer ${apiKey}",
        "BASIC" => "Basic ${base64(${username}:${password})}",
        _ => "Bearer ${accessToken}",
    };
    json!({
        "base_url": format!("{host}/api/v2"),
        "headers": { "authorization": authorization },
        "retry": { "after": "retry-after" },
        "paginate": { "type": "cursor", "cursor_name_in_request": "cursor" },
    })
}

fn connection_config(title: &str) -> Value {
    json!({
        "subdomain": {
            "type": "string",
            "title": format!("{title} subdomain"),
            "description": "The first part of the address at which your account is reached in the browser",
            "pattern": "^[a-z0-9][a-z0-9-]*$",
            "example": "my-company",
            "order": 1,
            "doc_section": "#step-1-finding-your-subdomain",
        },
    })
}

fn credentials(mode: &str, title: &str) -> Value {
    let field = |name: &str| {
        json!({
            "type": "string",
            "title": name,
            "description": format!("The {} that your administrator made for {title}", name.to_lowercase()),
            "secret": name != "User name",
            "doc_section": "#step-2-finding-your-credentials",
        })
    };
    match mode {
        "API_KEY" => json!({ "apiKey": field("API key") }),
        _ => json!({ "username": field("User name"), "password": field("Password") }),
    }
}
