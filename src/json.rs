//! JSON read and written.
//!
//! One way each, for all: serde_json's others (`Display`, its serializer, its own reader of [`Value`]) each bring machinery of their own into the component. For the same reason nothing here is inlined.

mod fit;
mod parts;

use std::fmt::Write as _;

use serde_json::{Map, Value};

pub(crate) use self::fit::{Reading, Unread, kind_of};
pub(crate) use self::parts::{Part, Parts, parts};
use crate::tool::Kind;

/// Memory that a JSON text may take as values, in bytes: a few times what any answer of Nango's own takes, and an eighth
/// of what a host gives to a call.
pub(crate) const BUDGET: usize = 6 * 1024 * 1024;

/// Read a JSON text; `None` if it is none, or takes more than 6 MiB as values.
#[inline(never)]
pub fn read(text: &[u8]) -> Option<Value> {
    Reading::of(BUDGET).read(text, None, &Kind::Any).ok().flatten()
}

/// Write a value as JSON text, on one line.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    append(&mut out, value);
    out
}

/// The same at the end of a text. Written here because serde_json's serializer, compiled for size, was a fifth of what a call
/// computes; this takes a quarter less, and no intermediate text.
#[inline(never)]
pub(crate) fn append(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        // Writing to memory cannot fail.
        Value::Number(number) => drop(write!(out, "{number}")),
        Value::String(text) => quote(out, text),
        Value::Array(items) => {
            let mut before = "[";
            for item in items {
                out.push_str(before);
                append(out, item);
                before = ",";
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Object(members) => {
            let mut before = "{";
            for (name, member) in members {
                out.push_str(before);
                quote(out, name);
                out.push(':');
                append(out, member);
                before = ",";
            }
            out.push_str(if members.is_empty() { "{}" } else { "}" });
        }
    }
}

/// A text as a JSON string, escaped where it must be (RFC 8259, section 7).
#[inline(never)]
fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(from..at).unwrap_or_default());
        // All of these are characters of one byte. Quotes and backslashes follow their backslash with what comes next.
        from = at + 1;
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            b'"' | b'\\' => {
                from = at;
                out.push('\\');
            }
            _ => drop(write!(out, "\\u{byte:04x}")),
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.push('"');
}

/// An object without fields.
#[inline(never)]
pub fn empty() -> Map<String, Value> {
    Map::new()
}

/// An object of these fields, in this order.
pub fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    collect(&mut fields.into_iter())
}

#[inline(never)]
fn collect(fields: &mut dyn Iterator<Item = (&str, Value)>) -> Map<String, Value> {
    let mut object = empty();
    for (name, value) in fields {
        put(&mut object, name, value);
    }
    object
}

/// A string.
#[inline(never)]
pub(crate) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Set a field of an object.
#[inline(never)]
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    object.insert(name.to_owned(), value);
}

/// Set a field of an object unless the value is null.
#[inline(never)]
pub(crate) fn put_if(object: &mut Map<String, Value>, name: &str, value: Value) {
    if !value.is_null() {
        put(object, name, value);
    }
}

/// Take a field out of an object and leave null in its place; null if it is not there.
#[inline(never)]
pub(crate) fn take(object: &mut Map<String, Value>, name: &str) -> Value {
    object.get_mut(name).map(Value::take).unwrap_or_default()
}

/// A JSON text with U+FFFD in place of each half of a surrogate pair, which stands for no character (RFC 8259, section 8.2);
/// `None` if it has no such.
pub(crate) fn mended(text: &str) -> Option<String> {
    let half = |at: usize| match text.as_bytes().get(at..at + 4) {
        Some([b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B']) => Some(true),
        Some([b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F']) => Some(false),
        _ => None,
    };
    let (mut out, mut from, mut at) = (String::new(), 0, 0);
    while let Some(found) = text.get(at..)?.find('\\') {
        let here = at + found;
        at = here
            + match half(here) {
                None => 2,
                Some(true) if half(here + 6) == Some(false) => 12,
                Some(_) => {
                    out.push_str(text.get(from..here)?);
                    out.push_str("\\ufffd");
                    from = here + 6;
                    6
                }
            };
    }
    (from > 0).then(|| out + text.get(from..).unwrap_or_default())
}

/// As much of a text as takes so many bytes as a JSON string.
pub(crate) fn fitting(text: &str, bytes: usize) -> &str {
    let mut left = bytes.saturating_sub(2);
    let beyond = text.char_indices().find(|(_, c)| {
        let size = match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            c => c.len_utf8(),
        };
        let fits = size <= left;
        left = left.saturating_sub(size);
        !fits
    });
    beyond.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The value with the members of its objects in the order of their names. They are few: arguments of a read.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(mut object) => {
            let mut sorted = empty();
            while let Some(least) = object.keys().min().cloned() {
                put(&mut sorted, &least, self::sorted(take(&mut object, &least)));
                object.swap_remove(&least);
            }
            sorted.into()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        plain => plain,
    }
}

/// What stands at `outer.inner`, if both are there.
#[inline(never)]
pub(crate) fn at<'a>(value: &'a Value, outer: &str, inner: &str) -> Option<&'a Value> {
    value.get(outer)?.get(inner)
}

/// The text that stands at `outer.inner`.
#[inline(never)]
pub(crate) fn text_at<'a>(value: &'a Value, outer: &str, inner: &str) -> Option<&'a str> {
    at(value, outer, inner)?.as_str()
}

/// The items of the list that is a field of an object; none if there is no such list.
#[inline(never)]
pub(crate) fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_what_serde_json_writes() {
        let every: String = (0..=0x2ff).filter_map(char::from_u32).chain("\u{2028}\u{fffd}\u{1f600}".chars()).collect();
        let mut values = vec![
            json!(null),
            json!([true, false, null, [], {}, [[]], {"a": {}}]),
            json!({"": "", "\"": [{"\\": "\n"}, 1], "é": "\u{7f}x", "b": {"c": ["d", "e"], "f": 0}}),
            json!([0, -1, i64::MIN, i64::MAX, u64::MAX, 0.1, -0.0, 1.0, 1e21, 1e-7, f64::MAX, f64::MIN_POSITIVE, 1.5e300]),
            json!({every.clone(): every}),
        ];
        values.extend((0..=0x7f_u8).map(|byte| json!(format!("{0}a{0}{0}", char::from(byte)))));
        for value in values {
            assert_eq!(write(&value), serde_json::to_string(&value).unwrap());
        }
    }
}
