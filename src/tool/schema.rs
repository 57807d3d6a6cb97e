//! The JSON Schema of arguments and results, rendered from the same table that `check` reads.
//!
//! Portable on purpose: no `$ref`, no combinators, no `null`, `items` on every list; some providers refuse a
//! whole tools/list for one of these.

use serde_json::{Map, Value};

use super::kind::{Kind, Param, Text};
use crate::json;

/// How much a schema says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Everything that `check` demands, and what each field means.
    Arguments,
    /// Names and types of the first level. Who calls a tool reads its description and then the result itself; every
    /// conversation would pay for the rest, which docs/tools.md says.
    Result,
}

/// The schema of the arguments.
pub(super) fn arguments<'a>(params: impl IntoIterator<Item = &'a Param>) -> Map<String, Value> {
    object(&mut params.into_iter(), Detail::Arguments)
}

/// The schema of a result.
pub(super) fn result(params: &[Param]) -> Map<String, Value> {
    let mut schema = object(&mut params.iter(), Detail::Result);
    json::put(&mut schema, "additionalProperties", false.into());
    schema
}

/// The schema of a closed object with these fields.
fn object(params: &mut dyn Iterator<Item = &Param>, detail: Detail) -> Map<String, Value> {
    let (mut properties, mut required) = (json::empty(), Vec::new());
    for param in params {
        let mut schema = kind(param.kind, detail);
        if detail == Detail::Arguments {
            json::put(&mut schema, "description", json::text(param.doc.trim()));
        }
        if let Some(default) = param.default.and_then(|text| json::read(text.as_bytes())) {
            json::put(&mut schema, "default", default);
        }
        json::put(&mut properties, param.name, schema.into());
        if param.required {
            required.push(Value::from(param.name));
        }
    }
    let mut schema = json::empty();
    json::put(&mut schema, "type", json::text("object"));
    json::put(&mut schema, "properties", properties.into());
    if detail == Detail::Arguments {
        json::put_if(&mut schema, "required", if required.is_empty() { Value::Null } else { required.into() });
        json::put(&mut schema, "additionalProperties", false.into());
    }
    schema
}

fn kind(kind: &Kind, detail: Detail) -> Map<String, Value> {
    // What is only passed on is held to its limits by `project`; to say them would promise what Nango decides.
    let limits = detail == Detail::Arguments;
    match kind {
        Kind::Text(text) => self::text(text, limits),
        Kind::Bool => typed("boolean"),
        Kind::Integer { min, max } => {
            let mut schema = typed("integer");
            if limits {
                json::put(&mut schema, "minimum", (*min).into());
                json::put(&mut schema, "maximum", (*max).into());
            }
            schema
        }
        Kind::List { item, min, max } => {
            let mut schema = typed("array");
            json::put(&mut schema, "items", self::kind(item, detail).into());
            if limits {
                bound(&mut schema, "minItems", *min, 0);
                bound(&mut schema, "maxItems", *max, usize::MAX);
            }
            schema
        }
        // Below its first level a result says itself what it is.
        Kind::Map { .. } | Kind::Object(_) if !limits => typed("object"),
        Kind::Map { key, value, max } => {
            let mut schema = typed("object");
            json::put(&mut schema, "additionalProperties", self::kind(value, detail).into());
            let mut names = text(key, true);
            // A key is a string in any case.
            names.shift_remove("type");
            if !names.is_empty() {
                json::put(&mut schema, "propertyNames", names.into());
            }
            bound(&mut schema, "maxProperties", *max, usize::MAX);
            schema
        }
        Kind::Object(params) => object(&mut params.iter(), detail),
        Kind::Open if limits => {
            let mut schema = typed("object");
            json::put(&mut schema, "additionalProperties", true.into());
            schema
        }
        Kind::Open => typed("object"),
        Kind::Any | Kind::Raw => json::empty(),
    }
}

fn text(limits: &Text, limited: bool) -> Map<String, Value> {
    let mut schema = typed("string");
    if !limits.choices.is_empty() {
        json::put(&mut schema, "enum", limits.choices.into());
    } else if limited {
        let (pattern, whole) = limits.pattern.map_or((None, false), |pattern| bounded(pattern.regex, limits.max));
        // A pattern says how short a text may be, and one of a single class how long.
        if pattern.is_none() {
            bound(&mut schema, "minLength", limits.min, 0);
        }
        if !whole {
            bound(&mut schema, "maxLength", limits.max, usize::MAX);
        }
        json::put_if(&mut schema, "pattern", pattern.map_or(Value::Null, Value::from));
    }
    schema
}

/// A pattern; of a single class of characters (`^[…]+$`) with the greatest length in it, and so told.
fn bounded(regex: &str, max: usize) -> (Option<String>, bool) {
    match regex.strip_suffix("]+$") {
        Some(class) if class.starts_with("^[") => (Some(format!("{class}]{{1,{max}}}$")), true),
        _ => (Some(regex.to_owned()), false),
    }
}

fn typed(name: &str) -> Map<String, Value> {
    json::object([("type", json::text(name))])
}

fn bound(schema: &mut Map<String, Value>, key: &str, value: usize, unbounded: usize) {
    if value != unbounded {
        json::put(schema, key, value.into());
    }
}
