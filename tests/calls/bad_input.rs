//! Every kind of bad argument, in every property of every tool, at every depth: refused by its code, and nothing is sent.

use std::collections::BTreeMap;

use nango_mcp::tool::{Entry, Kind, Text};
use nango_mcp::tools::TOOLS;
use serde_json::{Map, Value, json};

use crate::kinds::{Holds, Place, fitting, least, places};
use crate::samples::sample;
use crate::table::{Table, call, complaint, config, is_rule, refused, with};

/// Texts that break one form or another.
const FORMLESS: &[&str] = &[
    "no form ~ at / all # of \\ any?",
    "é",
    "\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}",
    "with\u{0}null",
    "line\nfeed-here",
    "\u{202e}reversed",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "~2/~",
    "2030-13-45 12:00:00",
    // As long as a session token, and nearly one.
    "nango_connect_session_00000000000000000000000000000000000000000000000000000000000000AA",
];

/// What a dot segment, a header or a path of its own would be.
const BEYOND: &[&str] = &["..", "a/../b", "//evil.example/x", "Authorization", "a..b@example.com", "2026-02-30T12:00:00Z"];

/// A bad value of one place, its code, and where the complaint is if not there.
type Bad = (Value, &'static str, Option<String>);

/// Every way in which a place can be wrong.
fn bad(place: &Place) -> Vec<Bad> {
    let path = place.path();
    match place.holds {
        Holds::Key(key, _) => texts(key).into_iter().map(|(text, code)| (json!(text), code, Some(keyed(&path, &text)))).collect(),
        Holds::Value(kind) => {
            let mut found: Vec<Bad> = wrong_types(kind).into_iter().map(|value| (value, "wrong_type", None)).collect();
            found.extend(wrong_values(kind, &path));
            found
        }
    }
}

/// The path of a key, as errors repeat it.
fn keyed(path: &str, key: &str) -> String {
    let clean: String = key.chars().filter(|c| !nango_mcp::tool::is_hidden(*c)).take(64).collect();
    format!("{path}.{clean}")
}

fn wrong_types(kind: &Kind) -> Vec<Value> {
    let fits = |value: &Value| match kind {
        Kind::Text(_) => value.is_string(),
        Kind::Bool => value.is_boolean(),
        Kind::Integer { .. } => value.is_number(),
        Kind::List { .. } => value.is_array(),
        Kind::Map { .. } | Kind::Object(_) | Kind::Open => value.is_object(),
        Kind::Any | Kind::Raw => true,
    };
    let all = [json!(null), json!(true), json!(7), json!("some-text"), json!("1"), json!(["some-text"]), json!({"some-key": "some-text"})];
    all.into_iter().filter(|value| !fits(value)).collect()
}

fn wrong_values(kind: &'static Kind, path: &str) -> Vec<Bad> {
    let here = |code: &'static str| move |value: Value| (value, code, None);
    match kind {
        Kind::Text(text) => texts(text).into_iter().map(|(text, code)| (json!(text), code, None)).collect(),
        Kind::Integer { min, max } => {
            let numbers = [json!(min - 1), json!(max + 1), json!(0.5), json!(1e300), json!(-1e300), json!(u64::MAX), json!(i64::MIN)];
            numbers.into_iter().map(here("out_of_range")).collect()
        }
        Kind::List { item, min, max } => {
            let sizes = min.checked_sub(1).into_iter().chain([max + 1]);
            sizes.map(|size| (0..size).map(|_| least(item)).collect()).map(here("wrong_length")).collect()
        }
        Kind::Map { value, max, .. } => {
            let entries: Map<_, _> = (0..=*max).map(|at| (format!("k{at}"), least(value))).collect();
            vec![here("wrong_length")(entries.into())]
        }
        Kind::Object(params) => {
            let mut found = Vec::new();
            for param in params.iter().filter(|param| param.required) {
                let mut change = json!({});
                change[param.name] = Value::Null;
                found.push((with(&least(kind), change), "missing_argument", Some(format!("{path}.{}", param.name))));
            }
            let more = with(&least(kind), json!({"no_such_field": "some-text"}));
            found.push((more, "unknown_argument", Some(format!("{path}.no_such_field"))));
            found
        }
        Kind::Bool | Kind::Open | Kind::Any | Kind::Raw => Vec::new(),
    }
}

fn texts(limits: &Text) -> Vec<(String, &'static str)> {
    if !limits.choices.is_empty() {
        let first = limits.choices[0];
        let cased = [first.to_uppercase(), first.to_lowercase()].into_iter().filter(|text| !limits.choices.contains(&text.as_str()));
        let others = [String::new(), format!("{first} "), format!("{first}\n"), "some-other-value".to_owned()];
        return cased.chain(others).map(|text| (text, "unknown_value")).collect();
    }
    let mut found = vec![("a".repeat(limits.max + 1), "wrong_length")];
    if limits.min > 0 {
        found.push((String::new(), "wrong_length"));
    }
    let Some(pattern) = limits.pattern else { return found };
    let fits = |text: &&&str| (limits.min..=limits.max).contains(&text.chars().count());
    for text in FORMLESS.iter().filter(fits).filter(|text| !(pattern.matches)(text)) {
        found.push(((*text).to_owned(), "wrong_format"));
    }
    assert!(found.iter().any(|(_, code)| *code == "wrong_format"), "FORMLESS breaks no `{}`", pattern.regex);
    let Some(beyond) = &pattern.beyond else { return found };
    let with_slash: Vec<String> = BEYOND.iter().map(|text| format!("/{text}")).collect();
    for text in BEYOND.iter().copied().chain(with_slash.iter().map(String::as_str)) {
        if fits(&&text) && (pattern.matches)(text) && (beyond.refuses)(text) {
            found.push((text.to_owned(), beyond.code));
        }
    }
    assert!(found.iter().any(|(_, code)| *code == beyond.code), "BEYOND breaks no {}", beyond.code);
    found
}

/// One bad argument: the code, and how the sentence begins.
#[track_caller]
fn check(entry: &Entry, arguments: &Value, code: &str, field: &str) {
    let outcome = refused(entry.name, arguments, code, field);
    // A rule is what the schema does not say, and nothing else is.
    let complaint = complaint(&entry.input_schema(&config(&[])).into(), arguments);
    assert_eq!(complaint.is_none(), is_rule(code), "{}: {field}: {code}: {complaint:?}", entry.name);
    let begins = match code {
        "missing_argument" => format!("missing argument `{field}`"),
        "unknown_argument" => format!("unknown argument `{field}`"),
        _ => String::new(),
    };
    let say = outcome.sentence();
    assert!(say.starts_with(&begins) && (!begins.is_empty() || say.contains("must ")), "{}: {field}: {say}", entry.name);
}

#[test]
fn every_kind_of_bad_argument_is_refused_in_every_property_and_nothing_is_sent() {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in TOOLS {
        let base = sample(entry.name).0;
        for place in places(entry) {
            for (value, code, elsewhere) in bad(&place) {
                let field = elsewhere.unwrap_or_else(|| place.path());
                check(entry, &place.put(entry, &base, value), code, &field);
                *counted.entry(code).or_default() += 1;
            }
        }
        for param in entry.params().iter().filter(|param| param.required && param.name != "environment") {
            let mut change = json!({});
            change[param.name] = Value::Null;
            check(entry, &with(&base, change), "missing_argument", param.name);
            *counted.entry("missing_argument").or_default() += 1;
        }
        check(entry, &with(&base, json!({"no_such_argument": "some-text"})), "unknown_argument", "no_such_argument");
        *counted.entry("unknown_argument").or_default() += 1;
    }
    let all: usize = counted.values().sum();
    println!("bad arguments: {} tools, {all} cases, 0 sent: {counted:?}", TOOLS.len());
    assert!(all >= 2500, "only {all} cases");
    for code in ["missing_argument", "unknown_argument", "wrong_type", "wrong_length", "wrong_format", "unknown_value", "out_of_range"] {
        assert!(counted.contains_key(code), "no case of {code}");
    }
}

#[test]
fn null_is_no_way_to_leave_an_argument_out() {
    for entry in TOOLS {
        for place in places(entry).iter().filter(|place| !matches!(place.holds, Holds::Key(..) | Holds::Value(Kind::Any | Kind::Raw))) {
            let outcome = refused(entry.name, &place.put(entry, &sample(entry.name).0, Value::Null), "wrong_type", &place.path());
            assert!(outcome.sentence().contains("leave it out"), "{}: {}", entry.name, outcome.sentence());
        }
    }
}

#[test]
fn every_property_takes_a_value_that_fits() {
    // Else the cases above would be refused whatever stands there.
    for entry in TOOLS {
        for place in places(entry) {
            let value = match place.holds {
                Holds::Value(kind) => least(kind),
                Holds::Key(key, _) => fitting(key).into(),
            };
            let arguments = place.put(entry, &sample(entry.name).0, value);
            let nango = Table::new().on("*", 500, json!({}));
            let outcome = call(&nango, entry.name, &arguments);
            let checked = outcome.error["kind"] == "argument" && !is_rule(outcome.code());
            assert!(!checked, "{}: {}: {}", entry.name, place.path(), outcome.text());
        }
    }
}
