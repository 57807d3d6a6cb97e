//! The credentials of an integration: the app that the customer has registered with the provider.

use serde_json::{Map, Value};

use super::validate::{Fields, Issues, Path, Text};

const ID: Text = Text::between(1, 255);
const SECRET: Text = Text::at_least(1);
const KEY_BEGIN: &str = "-----BEGIN RSA PRIVATE KEY----";
const KEY_END: &str = "-----END RSA PRIVATE KEY-----";

/// Checks an app's credentials by their type. Absent parts are kept as null.
///
/// Only what is wrong with the type is told in Nango's own words; the rest is told as of any other field, since its
/// schema is a union discriminated by the type (validation.ts, integrationCredentialsSchema).
pub(crate) fn read(value: &Value, path: Path, issues: &mut Issues) -> Option<Value> {
    const WRONG: &str = "invalid credentials object";
    if !value.is_object() {
        issues.add("invalid_type", WRONG, &path);
        return None;
    }
    let Some((kind, parts)) = value.get("type").and_then(Value::as_str).and_then(|kind| Some((kind, parts(kind)?))) else {
        issues.add("invalid_union", WRONG, &path.at("type"));
        return None;
    };
    let before = issues.len();
    let mut fields = Fields::open(Some(value), path, issues)?;
    fields.raw("type");
    let mut kept = Map::from_iter([("type".to_owned(), kind.into())]);
    for part in parts {
        kept.insert((*part).to_owned(), one(&mut fields, part).into());
    }
    fields.end();
    (issues.len() == before).then_some(Value::Object(kept))
}

fn parts(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "OAUTH1" | "OAUTH2" | "TBA" => &["client_id", "client_secret", "scopes", "webhook_secret"],
        "APP" => &["app_id", "app_link", "private_key"],
        "CUSTOM" => &["client_id", "client_secret", "app_id", "app_link", "private_key"],
        _ => return None,
    })
}

fn one(fields: &mut Fields, part: &'static str) -> Option<String> {
    match part {
        "scopes" => scopes(fields),
        "webhook_secret" => fields.optional_text(part, Text::between(0, 255)),
        "private_key" => private_key(fields),
        "client_id" | "app_id" => fields.text(part, ID),
        _ => fields.text(part, SECRET),
    }
}

/// Scopes with commas between them and no spaces, or an empty text: a union, which tells nothing more.
fn scopes(fields: &mut Fields) -> Option<String> {
    let value = fields.raw("scopes")?;
    let is_scope = |scope: &str| !scope.is_empty() && scope.chars().all(|c| c.is_ascii_alphanumeric() || ":/_.*-".contains(c));
    let given = value.as_str().filter(|text| text.is_empty() || text.split(',').all(is_scope));
    if given.is_none() {
        let path = fields.at("scopes");
        fields.issues.add("invalid_union", "Invalid input", &path);
    }
    given.map(str::to_owned)
}

fn private_key(fields: &mut Fields) -> Option<String> {
    let key = fields.text("private_key", Text::any())?;
    let path = fields.at("private_key");
    if !key.starts_with(KEY_BEGIN) {
        fields.issues.add("invalid_format", format!("Invalid string: must start with \"{KEY_BEGIN}\""), &path);
    }
    if !key.ends_with(KEY_END) {
        fields.issues.add("invalid_format", format!("Invalid string: must end with \"{KEY_END}\""), &path);
    }
    Some(key)
}
