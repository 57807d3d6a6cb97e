//! What a session is given, as the variables of other worlds.

use nango_mcp::config::{ReadBy, VARIABLES, Variable};
use nango_mcp::json;
use serde_json::{Map, Value};

use super::{Error, Metadata, cbor, error};

/// ACT's own names for a credential, each the key of the one environment.
const KEYS: [&str; 2] = ["std:api-key", "std:bearer-token"];

/// What a component reads that answers HTTP requests, and this one does not.
const OF_SERVERS: [&str; 4] = ["NANGO_MCP_TOKEN_SHA256", "NANGO_MCP_ANONYMOUS", "NANGO_MCP_ALLOWED_HOSTS", "NANGO_MCP_ALLOWED_ORIGINS"];

/// Variables and their values.
pub(crate) type Variables = Vec<(String, String)>;

/// The variables that mean something here.
fn known() -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().filter(|variable| variable.read_by != ReadBy::Host && !OF_SERVERS.contains(&variable.name))
}

/// Names and CBOR as variables. What is no text is told in an error, by name and never by value.
pub(crate) fn read(given: &Metadata) -> Result<Variables, Error> {
    given
        .iter()
        .map(|(name, value)| {
            let value = match cbor::read(value) {
                Some(Value::String(text)) => text,
                Some(value @ (Value::Bool(_) | Value::Number(_))) => json::write(&value),
                _ => return Err(error("std:invalid-args", format!("{} must be a text", short(name)))),
            };
            let is_known = known().any(|variable| match variable.name.strip_suffix("<ENV>") {
                Some(prefix) => name.starts_with(prefix),
                None => *name == variable.name,
            });
            match () {
                () if KEYS.contains(&name.as_str()) => Ok(("NANGO_SECRET_KEY".to_owned(), value)),
                () if is_known => Ok((name.clone(), value)),
                () => {
                    let say = format!("{} is not known; the names are those of the schema, such as NANGO_BASE_URL", short(name));
                    Err(error("std:invalid-args", say))
                }
            }
        })
        .collect()
}

/// The beginning of a name, for a sentence.
fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Whether a key is among them.
pub(crate) fn hold_key(variables: &Variables) -> bool {
    variables.iter().any(|(name, _)| name.starts_with("NANGO_SECRET_KEY"))
}

/// JSON Schema of what a session takes.
pub(crate) fn schema() -> Value {
    let mut properties = Map::new();
    let mut patterns = Map::new();
    let text = |says: &str| json::object([("type", "string".into()), ("description", says.into())]).into();
    for name in KEYS {
        properties.insert(name.to_owned(), text("NANGO_SECRET_KEY by ACT's own name."));
    }
    for variable in known() {
        match variable.name.strip_suffix("<ENV>") {
            Some(prefix) => patterns.insert(format!("^{prefix}"), text(variable.meaning)),
            None => properties.insert(variable.name.to_owned(), text(variable.meaning)),
        };
    }
    json::object([
        ("type", "object".into()),
        ("properties", properties.into()),
        ("patternProperties", patterns.into()),
        ("additionalProperties", false.into()),
    ])
    .into()
}
