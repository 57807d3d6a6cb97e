//! Comparing an answer with the recorded one.

use std::collections::HashMap;

use serde_json::Value;

use super::Pair;
use super::wire::Reply;

const TIMES: [&str; 5] = ["created_at", "updated_at", "last_fetched_at", "created", "expires_at"];
const LINKS: [&str; 3] = ["logo", "logo_url", "connect_link"];
/// In a provider's entry: words of the catalogue's author. They are blanked in the fixture.
const PROSE: [&str; 5] = ["title", "description", "example", "pattern", "doc_section"];
/// Values that a later request may repeat.
const MADE: [&str; 3] = ["token", "connection_id", "connectionId"];
const TOKEN: &str = "nango_connect_session_";

/// The comparison of one pair.
pub(super) struct Comparison<'b> {
    /// Recorded values that are known to stand for one of this server's.
    bound: &'b mut HashMap<String, String>,
    differences: Vec<String>,
}

impl<'b> Comparison<'b> {
    pub(super) fn new(bound: &'b mut HashMap<String, String>) -> Comparison<'b> {
        Comparison { bound, differences: Vec::new() }
    }

    pub(super) fn differences(self) -> Vec<String> {
        self.differences
    }

    /// Status, content type, and which of the two headers are there.
    pub(super) fn heads(&mut self, expected: &Pair, actual: &Reply) {
        if expected.status != actual.status {
            self.differ("status", &expected.status.into(), &actual.status.into());
        }
        let kind = |headers: &HashMap<String, String>| Value::from(headers.get("content-type").cloned());
        if kind(&expected.headers) != kind(&actual.headers) {
            self.differ("content-type", &kind(&expected.headers), &kind(&actual.headers));
        }
        for name in ["x-ratelimit-limit", "retry-after"] {
            let there = |headers: &HashMap<String, String>| Value::from(headers.contains_key(name));
            if there(&expected.headers) != there(&actual.headers) {
                self.differ(name, &there(&expected.headers), &there(&actual.headers));
            }
        }
    }

    pub(super) fn bodies(&mut self, expected: &Value, actual: &Value) {
        self.values("", "", expected, actual);
    }

    fn differ(&mut self, place: &str, expected: &Value, actual: &Value) {
        self.differences.push(format!("{place}: recorded {expected}, answered {actual}"));
    }

    fn values(&mut self, place: &str, key: &str, expected: &Value, actual: &Value) {
        match (expected, actual) {
            (Value::Object(wanted), Value::Object(found)) => {
                if !wanted.keys().eq(found.keys()) {
                    let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Value>();
                    return self.differ(&format!("{place} keys"), &keys(wanted), &keys(found));
                }
                for (key, value) in wanted {
                    self.values(&format!("{place}.{key}"), key, value, &found[key]);
                }
                self.clocks(place, expected, actual);
            }
            (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
                for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                    self.values(&format!("{place}[{index}]"), key, wanted, found);
                }
            }
            (Value::String(wanted), Value::String(found)) => self.strings(place, key, wanted, found),
            (Value::Number(_), Value::Number(_)) if key == "id" => {}
            _ if expected == actual => {}
            _ => self.differ(place, expected, actual),
        }
    }

    fn strings(&mut self, place: &str, key: &str, wanted: &str, found: &str) {
        if wanted == found || (PROSE.contains(&key) && wanted == "…") {
            return;
        }
        if let Some(known) = self.bound.get(wanted) {
            if known != found {
                let known = known.as_str().into();
                self.differ(place, &known, &found.into());
            }
            return;
        }
        if form(key, wanted) != form(key, found) {
            return self.differ(place, &wanted.into(), &found.into());
        }
        if MADE.contains(&key) {
            self.bound.insert(wanted.to_owned(), found.to_owned());
        }
    }

    /// Which clocks of an object agree with its creation tells which of them have moved.
    fn clocks(&mut self, place: &str, expected: &Value, actual: &Value) {
        for other in ["updated_at", "last_fetched_at"] {
            let unmoved = |value: &Value| value.get(other).map(|time| time == &value["created_at"]);
            if unmoved(expected) != unmoved(actual) {
                let told = |value: &Value| unmoved(value).into();
                self.differ(&format!("{place}.{other} still at created_at"), &told(expected), &told(actual));
            }
        }
    }
}

/// What stays of a generated value when its randomness is taken away.
fn form(key: &str, text: &str) -> String {
    if TIMES.contains(&key) {
        return time_form(key, text);
    }
    if key == "log_id" {
        return shape(text);
    }
    let text = if LINKS.contains(&key) { without_origin(text) } else { text };
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = strip_token(rest) {
            out.push_str("<token>");
            rest = after;
        } else if let Some(after) = strip_uuid(rest) {
            out.push_str("<uuid>");
            rest = after;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Digits become `0`. A list row's `created` has as many of them in its fraction as it needs, up to six.
fn time_form(key: &str, text: &str) -> String {
    let shape = shape(text);
    let fraction = text.strip_suffix("+00:00").and_then(|time| time.split_once('.')).map(|(_, fraction)| fraction);
    match fraction {
        Some(digits) if key == "created" && digits.len() <= 6 && !digits.ends_with('0') => shape.chars().take(19).collect(),
        None if key == "created" && text.ends_with("+00:00") => shape.chars().take(19).collect(),
        _ => shape,
    }
}

fn shape(text: &str) -> String {
    let one = |c: char| if c.is_ascii_digit() { '0' } else { c };
    match text.split_once('_') {
        // A log entry: milliseconds and eight random letters or digits.
        Some((millis, random)) if random.len() == 8 && random.chars().all(|c| c.is_ascii_alphanumeric()) => {
            format!("{}_random", millis.chars().map(one).collect::<String>())
        }
        _ => text.chars().map(one).collect(),
    }
}

fn without_origin(url: &str) -> &str {
    let after = url.strip_prefix("http://").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    after.unwrap_or(url)
}

fn strip_token(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(TOKEN)?;
    let hex = digits.get(..64)?.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    hex.then(|| &digits[64..])
}

fn strip_uuid(text: &str) -> Option<&str> {
    let id = text.get(..36)?;
    let fits = id.bytes().enumerate().all(|(at, b)| match at {
        8 | 13 | 18 | 23 => b == b'-',
        14 => b == b'4',
        _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
    });
    fits.then(|| &text[36..])
}
