//! The JSON Schema of arguments and results, rendered from the same table that `check` reads.
//!
//! Portable on purpose: no `$ref`, no combinators, no `null`, `items` on every list; some providers refuse a
//! whole tools/list for one of these.

use serde_json::{Map, Value, json};

use super::kind::{Kind, Param, Text};

/// The schema of a closed object with these fields.
pub(super) fn object<'a>(params: impl IntoIterator<Item = &'a Param>) -> Map<String, Value> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for param in params {
        let mut schema = kind(param.kind);
        schema.insert("description".into(), param.doc.trim().into());
        if let Some(default) = param.default.and_then(|text| serde_json::from_slice::<Value>(text.as_bytes()).ok()) {
            schema.insert("default".into(), default);
        }
        properties.insert(param.name.into(), schema.into());
        if param.required {
            required.push(Value::from(param.name));
        }
    }
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema.insert("additionalProperties".into(), false.into());
    schema
}

fn kind(kind: &Kind) -> Map<String, Value> {
    let schema = match kind {
        Kind::Text(limits) => return text(limits),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::List { item, min, max } => {
            let mut schema = json!({"type": "array", "items": self::kind(item)});
            bound(&mut schema, "minItems", *min, 0);
            bound(&mut schema, "maxItems", *max, usize::MAX);
            schema
        }
        Kind::Map { key, value, max } => {
            let mut schema = json!({"type": "object", "additionalProperties": self::kind(value)});
            let names = text(key);
            if names.len() > 1 {
                schema["propertyNames"] = names.into();
            }
            bound(&mut schema, "maxProperties", *max, usize::MAX);
            schema
        }
        Kind::Object(params) => return object(*params),
        Kind::Open => json!({"type": "object", "additionalProperties": true}),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn text(limits: &Text) -> Map<String, Value> {
    let mut schema = json!({"type": "string"});
    if !limits.choices.is_empty() {
        schema["enum"] = limits.choices.into();
    } else {
        bound(&mut schema, "minLength", limits.min, 0);
        bound(&mut schema, "maxLength", limits.max, usize::MAX);
        if let Some(pattern) = limits.pattern {
            schema["pattern"] = pattern.regex.into();
        }
    }
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn bound(schema: &mut Value, key: &str, value: usize, unbounded: usize) {
    if value != unbounded {
        schema[key] = value.into();
    }
}
