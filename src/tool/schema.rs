//! The JSON Schema of arguments and results, rendered from the same table that `check` reads.
//!
//! Portable on purpose: no `$ref`, no combinators, no `null`, `items` on every list; some providers refuse a
//! whole tools/list for one of these.

use serde_json::{Map, Value};

use super::kind::{Kind, Param, Text};
use crate::json;

/// The schema of a closed object with these fields.
pub(super) fn object<'a>(params: impl IntoIterator<Item = &'a Param>) -> Map<String, Value> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for param in params {
        let mut schema = kind(param.kind);
        schema.insert("description".into(), param.doc.trim().into());
        if let Some(default) = param.default.and_then(|text| json::read(text.as_bytes())) {
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
    match kind {
        Kind::Text(limits) => text(limits),
        Kind::Bool => typed("boolean"),
        Kind::Integer { min, max } => {
            let mut schema = typed("integer");
            schema.insert("minimum".into(), (*min).into());
            schema.insert("maximum".into(), (*max).into());
            schema
        }
        Kind::List { item, min, max } => {
            let mut schema = typed("array");
            schema.insert("items".into(), self::kind(item).into());
            bound(&mut schema, "minItems", *min, 0);
            bound(&mut schema, "maxItems", *max, usize::MAX);
            schema
        }
        Kind::Map { key, value, max } => {
            let mut schema = typed("object");
            schema.insert("additionalProperties".into(), self::kind(value).into());
            let names = text(key);
            if names.len() > 1 {
                schema.insert("propertyNames".into(), names.into());
            }
            bound(&mut schema, "maxProperties", *max, usize::MAX);
            schema
        }
        Kind::Object(params) => object(*params),
        Kind::Open => {
            let mut schema = typed("object");
            schema.insert("additionalProperties".into(), true.into());
            schema
        }
    }
}

fn text(limits: &Text) -> Map<String, Value> {
    let mut schema = typed("string");
    if !limits.choices.is_empty() {
        schema.insert("enum".into(), limits.choices.into());
    } else {
        bound(&mut schema, "minLength", limits.min, 0);
        bound(&mut schema, "maxLength", limits.max, usize::MAX);
        if let Some(pattern) = limits.pattern {
            schema.insert("pattern".into(), pattern.regex.into());
        }
    }
    schema
}

fn typed(name: &str) -> Map<String, Value> {
    json::object([("type", name.into())])
}

fn bound(schema: &mut Map<String, Value>, key: &str, value: usize, unbounded: usize) {
    if value != unbounded {
        schema.insert(key.into(), value.into());
    }
}
