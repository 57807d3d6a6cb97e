//! Other names for everything that a user chose, wherever it stands in a request or an answer.
//!
//! Letters move on by one in the alphabet. That keeps the length, the form and the validity of a name, so that the
//! same rules apply to it. Names that Nango knows stay: providers, fields, the tags it generates.

use serde_json::{Map, Value};

use super::Sent;

/// How a replay names things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renaming {
    None,
    Shifted,
}

const RESERVED: [&str; 5] = ["end_user_id", "end_user_email", "end_user_display_name", "organization_id", "organization_display_name"];
const NAMES: [&str; 6] = ["unique_key", "provider_config_key", "integration_id", "connection_id", "connectionId", "providerConfigKey"];
const BY_NAME: [&str; 3] = ["tags", "integrations_config_defaults", "overrides"];
const IN_QUERY: [&str; 5] = ["provider_config_key", "connectionId", "search", "endUserId", "integrationId"];
/// Messages that repeat a name: what stands before it and after it.
const TOLD: [(&str, &str); 4] = [
    ("Integration \"", "\""),
    ("after case normalization: \"", "\""),
    ("with connection id ", " and"),
    ("provider config key ", " not found"),
];

impl Renaming {
    /// An API key under its new value.
    pub(super) fn key(self, secret: &str) -> String {
        match self {
            Renaming::None => secret.to_owned(),
            Renaming::Shifted => secret.replace("00000000-0000-4", "5e5e5e5e-7a7a-4"),
        }
    }

    pub(super) fn request(self, sent: &Sent) -> Sent {
        if self == Renaming::None {
            return sent.clone();
        }
        let header = |(name, value): &(String, String)| {
            let value = match name.as_str() {
                "Provider-Config-Key" | "Connection-Id" => shift(value),
                _ => self.key(value),
            };
            (name.clone(), value)
        };
        Sent {
            method: sent.method.clone(),
            path: path(&sent.path),
            headers: sent.headers.iter().map(header).collect(),
            body: sent.body.as_ref().map(walk),
        }
    }

    pub(super) fn value(self, value: &Value) -> Value {
        match self {
            Renaming::None => value.clone(),
            Renaming::Shifted => walk(value),
        }
    }
}

/// Moves letters on, but not those of an escape, nor of an id that the server makes.
fn shift(text: &str) -> String {
    if text.len() == 36 && text.split('-').count() == 5 {
        return text.to_owned();
    }
    let next = |c: char| match c {
        'a'..='y' | 'A'..='Y' => char::from(c as u8 + 1),
        'z' => 'a',
        'Z' => 'A',
        other => other,
    };
    let mut escape = 0;
    let moved = text.chars().map(|c| {
        if c == '%' {
            escape = 3;
        }
        escape = i32::max(escape - 1, -1);
        if escape >= 0 { c } else { next(c) }
    });
    moved.collect()
}

fn path(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    let named = match segments.get(1).map(String::as_str) {
        Some("integrations") => Some(2),
        Some("connections") if segments.get(2).is_some_and(|id| id != "metadata") => Some(2),
        Some("api-auth") => Some(3),
        _ => None,
    };
    if let Some(segment) = named.and_then(|index| segments.get_mut(index)) {
        *segment = shift(segment);
    }
    let renamed = segments.join("/");
    let Some(query) = query.filter(|_| !path.starts_with("/providers")) else {
        return query.map_or(renamed.clone(), |query| format!("{renamed}?{query}"));
    };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    format!("{renamed}?{}", pairs.join("&"))
}

fn pair(pair: &str) -> String {
    let Some((name, value)) = pair.split_once('=') else { return pair.to_owned() };
    if let Some(tag) = name.strip_prefix("tags[").and_then(|rest| rest.strip_suffix(']')) {
        return format!("tags[{}]={}", tag_name(tag), shift(value));
    }
    if IN_QUERY.contains(&name) { format!("{name}={}", shift(value)) } else { pair.to_owned() }
}

fn tag_name(name: &str) -> String {
    if RESERVED.contains(&name) { name.to_owned() } else { shift(name) }
}

fn strings(value: &Value) -> Value {
    match value {
        Value::String(text) => shift(text).into(),
        Value::Array(items) => items.iter().map(strings).collect(),
        other => other.clone(),
    }
}

fn walk(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), field(key, value))).collect::<Map<_, _>>().into(),
        Value::Array(items) => items.iter().map(walk).collect(),
        other => other.clone(),
    }
}

fn field(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("tags", Value::Object(tags)) => tags.iter().map(|(name, value)| (tag_name(name), strings(value))).collect::<Map<_, _>>().into(),
        ("integrations_config_defaults" | "overrides", Value::Object(map)) => {
            map.iter().map(|(name, value)| (shift(name), walk(value))).collect::<Map<_, _>>().into()
        }
        ("end_user" | "endUser" | "organization", Value::Object(map)) => {
            let one = |(name, value): (&String, &Value)| match name.as_str() {
                "id" | "email" | "display_name" => (name.clone(), strings(value)),
                _ => (name.clone(), field(name, value)),
            };
            map.iter().map(one).collect::<Map<_, _>>().into()
        }
        ("allowed_integrations", value) => strings(value),
        ("path", Value::Array(items)) => error_path(items),
        ("message", Value::String(text)) => message(text).into(),
        (name, value) if NAMES.contains(&name) => strings(value),
        (_, value) => walk(value),
    }
}

/// Where an error stands: after these fields comes a name.
fn error_path(items: &[Value]) -> Value {
    let mut before = "";
    let mut renamed = Vec::new();
    for item in items {
        let text = item.as_str().unwrap_or_default();
        renamed.push(if BY_NAME.contains(&before) { tag_name(text).into() } else { item.clone() });
        before = text;
    }
    Value::Array(renamed)
}

fn message(text: &str) -> String {
    TOLD.iter().fold(text.to_owned(), |text, (before, after)| {
        let found = text.find(before).map(|at| at + before.len());
        let name = found.and_then(|from| text[from..].find(after).map(|length| (from, from + length)));
        match name {
            Some((from, to)) => format!("{}{}{}", &text[..from], shift(&text[from..to]), &text[to..]),
            None => text,
        }
    })
}

#[test]
fn names_change_and_the_rest_stays() {
    let cases = [
        ("/integrations/github?include=credentials", "/integrations/hjuivc?include=credentials"),
        ("/connections/a%2Fb?provider_config_key=airtable-pat", "/connections/b%2Fc?provider_config_key=bjsubcmf-qbu"),
        ("/connections?tags[Project]=Alpha&limit=2", "/connections?tags[Qspkfdu]=Bmqib&limit=2"),
        ("/connections/metadata", "/connections/metadata"),
        ("/providers?search=github", "/providers?search=github"),
    ];
    for (from, to) in cases {
        assert_eq!(path(from), to);
    }
    let body = serde_json::json!({ "provider": "github", "unique_key": "github", "tags": { "end_user_id": "u1", "a": "b" } });
    let renamed = serde_json::json!({ "provider": "github", "unique_key": "hjuivc", "tags": { "end_user_id": "v1", "b": "c" } });
    assert_eq!(Renaming::Shifted.value(&body), renamed);
    assert_eq!(message("Integration \"none\" does not exist"), "Integration \"opof\" does not exist");
}
