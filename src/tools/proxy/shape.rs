//! What JSON looks like without its values, and a preview that is JSON again: for answers too large to show.

use serde_json::{Map, Value};

use crate::json::{self, Part, Parts, Reading, parts};
use crate::tool::Kind;

/// How deep a shape goes; below, an object or a list is only called that.
const DEPTH: usize = 6;
/// Members of an object that a shape names.
const MEMBERS: usize = 40;
/// Items of a list that its shape is drawn from.
const ITEMS: usize = 10;
/// Nodes of a shape or a preview in all.
const NODES: usize = 400;
/// Characters of a text or of a name that are kept.
const TEXT: usize = 200;

/// Memory that a part of a provider's JSON may take as a value, in bytes: many times what is shown of it.
pub(super) const ROOM: usize = 2 * 1024 * 1024;

/// A part as a value, or as a preview where it is nested too deeply or takes more memory than there is room for; and
/// whether it is whole.
pub(super) fn value(text: &str, room: &mut Reading) -> (Value, bool) {
    // A long text is copied before its cost is known.
    let fits = text.len() <= room.budget;
    let whole = if fits { room.read(text.as_bytes(), None, &Kind::Any).ok().flatten() } else { None };
    let is_whole = whole.is_some();
    (whole.unwrap_or_else(|| preview(text, NODES)), is_whole)
}

/// The shape of a JSON text in at most so many bytes: `"string"`, `"number"`, `"boolean"`, `"null"`,
/// `{"type": "object", "fields": {…}}` or `{"type": "list", "length": 300, "items": …}`.
pub(super) fn shape(text: &str, bytes: usize) -> Value {
    within(bytes, &|nodes| of(text, DEPTH, &mut nodes.clone(), letters(nodes)))
}

/// As many nodes as take no more bytes.
fn within(bytes: usize, make: &dyn Fn(usize) -> Value) -> Value {
    let mut nodes = NODES;
    loop {
        let made = make(nodes);
        if nodes < 4 || json::write(&made).len() <= bytes {
            return made;
        }
        nodes /= 2;
    }
}

/// The fewer nodes, the shorter the texts in them.
fn letters(nodes: usize) -> usize {
    nodes.clamp(20, TEXT)
}

/// The name of a member, shortened.
fn short(name: &str, letters: usize) -> String {
    let mut short: String = name.chars().take(letters).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
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

fn of(text: &str, depth: usize, nodes: &mut usize, letters: usize) -> Value {
    let kind = kind(text);
    *nodes = nodes.saturating_sub(1);
    if !matches!(kind, "object" | "list") || depth == 0 || *nodes == 0 {
        return kind.into();
    }
    let (mut fields, mut items, mut length) = (json::empty(), Value::Null, 0usize);
    parts(text, &mut |part, text| {
        length += 1;
        match part {
            Part::Key(name) if fields.len() < MEMBERS && *nodes > 0 => {
                json::put(&mut fields, &short(name, letters), of(text, depth - 1, nodes, letters));
            }
            Part::Index(at) if at < ITEMS => {
                let shape = of(text, depth - 1, nodes, letters);
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

/// A JSON text cut down to what one can look at, in at most so many bytes: long texts, lists and objects are shortened
/// and say so, what lies deep is named by its type.
pub(super) fn preview(text: &str, bytes: usize) -> Value {
    within(bytes, &|nodes| cut(text, DEPTH, &mut nodes.clone(), letters(nodes)))
}

fn cut(text: &str, depth: usize, nodes: &mut usize, letters: usize) -> Value {
    *nodes = nodes.saturating_sub(1);
    let kind = kind(text);
    if kind == "string" {
        return match beginning(text, letters) {
            Some((begin, count)) if count > letters => format!("{begin}… ({count} characters)").into(),
            Some((whole, _)) => whole.into(),
            None => Value::Null,
        };
    }
    if !matches!(kind, "object" | "list") {
        return json::read(text.as_bytes()).unwrap_or_default();
    }
    if depth == 0 || *nodes == 0 {
        return format!("({kind})").into();
    }
    let (mut fields, mut items, mut length) = (json::empty(), Vec::new(), 0usize);
    let found = parts(text, &mut |part, text| {
        length += 1;
        match part {
            Part::Key(name) if fields.len() < MEMBERS && *nodes > 0 => {
                json::put(&mut fields, &short(name, letters), cut(text, depth - 1, nodes, letters));
            }
            Part::Index(at) if at < 3 && *nodes > 0 => items.push(cut(text, depth - 1, nodes, letters)),
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

/// The first characters of a JSON string, all that is read of it, and how many it has.
pub(super) fn beginning(text: &str, letters: usize) -> Option<(String, usize)> {
    let inner = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    let (mut rest, mut count, mut end) = (inner, 0usize, inner.len());
    while let Some(first) = rest.chars().next() {
        if count == letters {
            end = inner.len() - rest.len();
        }
        // RFC 8259, section 7: `\n`, `\u00e9`, and two of the latter for what lies beyond the basic plane.
        let width = match (first, rest.as_bytes().get(1..4)) {
            ('\\', Some([b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B'])) => 12,
            ('\\', Some([b'u', ..])) => 6,
            ('\\', _) => 2,
            _ => first.len_utf8(),
        };
        rest = rest.get(width..)?;
        count += 1;
    }
    match json::read(format!("\"{}\"", inner.get(..end)?).as_bytes())? {
        Value::String(begin) => Some((begin, count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let whole = |text: &str| cut(text, 1, &mut 1, 3);
        assert_eq!(whole(r#""""#), "");
        assert_eq!(whole(r#" "abc" "#), "abc");
        assert_eq!(whole(r#""abcd""#), "abc… (4 characters)");
        assert_eq!(whole(r#""äöüß""#), "äöü… (4 characters)");
        assert_eq!(whole(r#""\"\\\/\n""#), "\"\\/… (4 characters)");
        assert_eq!(whole(r#""\u00e9\ud83D\uDE00\u0041z""#), "é😀A… (4 characters)");
    }

    #[test]
    fn what_is_made_fits() {
        let wide = format!(
            "{{{}}}",
            (0..300).map(|at| format!("\"{at}{}\":[{{\"a\":\"{}\"}}]", "k".repeat(300), "ä".repeat(300))).collect::<Vec<_>>().join(",")
        );
        for bytes in [1024, 4096, 32_768] {
            for made in [shape(&wide, bytes), preview(&wide, bytes)] {
                let length = json::write(&made).len();
                assert!((bytes / 8..=bytes).contains(&length), "{length} of {bytes}");
            }
        }
    }
}
