//! What Nango says of a failure, made fit for a model: its words without the values that the request carried, because they
//! may be secrets.

use serde_json::Value;

use super::{Body, Request};
use crate::json;
use crate::project::without;
use crate::tool::is_hidden;

/// Whether this is a key of the request's body, and so no value of it.
pub(super) fn is_key(request: &Request, name: &str) -> bool {
    fn within(value: &Value, name: &str) -> bool {
        match value {
            Value::Object(object) => object.contains_key(name) || object.values().any(|value| within(value, name)),
            Value::Array(items) => items.iter().any(|item| within(item, name)),
            _ => false,
        }
    }
    matches!(&request.body, Some(Body::Json(body)) if within(body, name))
}

/// What is no word: shorter values stand in any text.
const NO_WORD: usize = 6;

/// The values that a request carries: Nango may repeat them, and they may be secrets. Shorter ones are words, unless
/// they are credentials.
pub(super) fn given(request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    let pairs = request.query.iter().chain(&request.headers);
    for value in request.path.values().iter().chain(pairs.map(|(_, value)| value)) {
        leaf(value, NO_WORD, &mut found);
    }
    for piece in request.written_query.split(['&', '=']) {
        leaf(piece, NO_WORD, &mut found);
        leaf(&percent_encoding::percent_decode_str(piece).decode_utf8_lossy(), NO_WORD, &mut found);
    }
    match &request.body {
        Some(Body::Json(body)) => leaves(body, NO_WORD, &mut found),
        Some(Body::Text(text)) => leaves(&json::read(text.as_bytes()).unwrap_or_default(), NO_WORD, &mut found),
        None => {}
    }
    found
}

fn leaves(value: &Value, least: usize, found: &mut Vec<String>) {
    match value {
        Value::String(text) => leaf(text, least, found),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, least, found)),
        Value::Object(object) => {
            for (name, value) in object {
                let least = match name.as_str() {
                    "credentials" => 1,
                    "type" | "scopes" => NO_WORD,
                    _ => least,
                };
                leaves(value, least, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text, and each line of it: a private key may come back with its line feeds written in another way.
fn leaf(text: &str, least: usize, found: &mut Vec<String>) {
    if text.len() >= least {
        found.push(text.to_owned());
        // As it stands in a URL.
        let encoded = super::path::encode(text);
        if encoded != text {
            found.push(encoded);
        }
    }
    if text.contains('\n') {
        found.extend(text.lines().filter(|line| line.len() >= NO_WORD).map(str::to_owned));
    }
}

/// What Nango said, fit for a model: one line, no control or direction-changing characters, at most 300
/// characters, without the values that the request carried and without whatever else is quoted.
pub(super) fn clean(text: &str, given: &[&str]) -> String {
    // A credential as short as a word cannot be told from Nango's words: where it could stand, none of them are repeated.
    let lower = text.to_ascii_lowercase();
    if given.iter().any(|value| value.len() < NO_WORD && lower.contains(&value.to_ascii_lowercase())) {
        return String::new();
    }
    let text = without(text, given);
    let mut out = String::new();
    for (at, part) in shorten(&text, 300).split('"').enumerate() {
        match at % 2 {
            0 => out.push_str(part),
            _ => out.push_str("\"…\""),
        }
    }
    out.trim().trim_end_matches('.').to_owned()
}

pub(super) fn shorten(text: &str, most: usize) -> String {
    let short: String = text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).take(most).collect();
    if text.chars().count() <= most {
        return short;
    }
    // Cut between words: the last scan does not know half a secret.
    let whole = short.rfind(' ').and_then(|at| short.get(..at));
    format!("{}…", whole.unwrap_or_default())
}
