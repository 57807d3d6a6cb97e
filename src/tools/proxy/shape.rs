//! What JSON looks like without its values, and a preview that is JSON again: for answers too large to show.

use serde_json::{Map, Value};

use crate::json::{self, Part, Parts, parts};

/// How deep a shape goes; below, an object or a list is only called that.
const DEPTH: usize = 6;
/// Members of an object that a shape names.
const MEMBERS: usize = 40;
/// Items of a list that its shape is drawn from.
const ITEMS: usize = 10;
/// Nodes of a shape or a preview in all.
const NODES: usize = 400;
/// Characters of a text that a preview keeps.
const TEXT: usize = 200;

/// The shape of a JSON text: `"string"`, `"number"`, `"boolean"`, `"null"`, `{"type": "object", "fields": {…}}` or
/// `{"type": "list", "length": 300, "items": …}`.
pub(super) fn shape(text: &str) -> Value {
    of(text, DEPTH, &mut NODES.clone())
}

/// Of which type a JSON text is, by its first character.
pub(super) fn kind(text: &str) -> &'static str {
    match text.trim_start().bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "list",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

fn of(text: &str, depth: usize, nodes: &mut usize) -> Value {
    let kind = kind(text);
    *nodes = nodes.saturating_sub(1);
    if !matches!(kind, "object" | "list") || depth == 0 || *nodes == 0 {
        return kind.into();
    }
    let (mut fields, mut items, mut length) = (json::empty(), Value::Null, 0usize);
    parts(text, &mut |part, text| {
        length += 1;
        match part {
            Part::Key(name) if fields.len() < MEMBERS => json::put(&mut fields, name, of(text, depth - 1, nodes)),
            Part::Index(at) if at < ITEMS => {
                let shape = of(text, depth - 1, nodes);
                merge(&mut items, shape);
            }
            Part::Key(_) | Part::Index(_) => {}
        }
    });
    let mut shape = json::object([("type", kind.into())]);
    if kind == "list" {
        json::put(&mut shape, "length", length.into());
        json::put_if(&mut shape, "items", items);
    } else {
        if length > fields.len() {
            json::put(&mut shape, "more_fields", (length - fields.len()).into());
        }
        json::put(&mut shape, "fields", fields.into());
    }
    shape.into()
}

/// Lay the shape of one more item over what is known of the others.
fn merge(known: &mut Value, more: Value) {
    match (&mut *known, more) {
        (Value::Null, more) => *known = more,
        (Value::Object(known), Value::Object(more)) if known.get("type") == more.get("type") => {
            for (key, value) in more {
                match (known.get_mut(&key), value) {
                    (Some(Value::Object(fields)), Value::Object(others)) if key == "fields" => union(fields, others),
                    (Some(have), value) if key == "items" => merge(have, value),
                    // The longest.
                    (Some(have), value) if key == "length" && value.as_u64() > have.as_u64() => *have = value,
                    (Some(_), _) => {}
                    (None, value) => json::put(known, &key, value),
                }
            }
        }
        (known, more) if *known == more => {}
        (Value::String(known), Value::String(more)) if !known.split(" or ").any(|one| one == more) => {
            known.push_str(" or ");
            known.push_str(&more);
        }
        // An object says more than that a text or nothing may stand in its place.
        (Value::String(_), more @ Value::Object(_)) => *known = more,
        _ => {}
    }
}

fn union(fields: &mut Map<String, Value>, others: Map<String, Value>) {
    for (name, shape) in others {
        let room = fields.len() < MEMBERS;
        match fields.get_mut(&name) {
            Some(known) => merge(known, shape),
            None if room => json::put(fields, &name, shape),
            None => {}
        }
    }
}

/// A JSON text cut down to what one can look at: long texts, lists and objects are shortened and say so, what lies deep
/// is named by its type.
pub(super) fn preview(text: &str) -> Value {
    cut(text, DEPTH, &mut NODES.clone())
}

fn cut(text: &str, depth: usize, nodes: &mut usize) -> Value {
    *nodes = nodes.saturating_sub(1);
    let kind = kind(text);
    if !matches!(kind, "object" | "list") {
        return match json::read(text.as_bytes()) {
            Some(Value::String(long)) if long.chars().count() > TEXT => {
                let begin: String = long.chars().take(TEXT).collect();
                format!("{begin}… ({} characters)", long.chars().count()).into()
            }
            Some(value) => value,
            None => Value::Null,
        };
    }
    if depth == 0 || *nodes == 0 {
        return format!("({kind})").into();
    }
    let (mut fields, mut items, mut length) = (json::empty(), Vec::new(), 0usize);
    let found = parts(text, &mut |part, text| {
        length += 1;
        match part {
            Part::Key(name) if fields.len() < MEMBERS && *nodes > 0 => json::put(&mut fields, name, cut(text, depth - 1, nodes)),
            Part::Index(at) if at < 3 && *nodes > 0 => items.push(cut(text, depth - 1, nodes)),
            Part::Key(_) | Part::Index(_) => {}
        }
    });
    if found == Some(Parts::List) {
        if length > items.len() {
            items.push(format!("({} more)", length - items.len()).into());
        }
        return items.into();
    }
    let more = length.saturating_sub(fields.len());
    if more > 0 {
        json::put(&mut fields, "…", format!("({more} more)").into());
    }
    fields.into()
}
