//! What `check` refuses is what the published schema refuses: for generated arguments, of every tool and at every depth.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use nango_mcp::call_tool;
use nango_mcp::tool::{Entry, Kind, Param, Text};
use nango_mcp::tools::TOOLS;
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;
use proptest::test_runner::{Config as Settings, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use crate::kinds::{Holds, KEY, Place, Step, field, fitting, least, places, seed};
use crate::samples::sample;
use crate::table::{Table, complaint, config, is_rule};

/// What `check` refuses by.
const CHECKED: &[&str] =
    &["missing_argument", "unknown_argument", "wrong_type", "wrong_length", "wrong_format", "unknown_value", "out_of_range"];

/// Generated values of each property, and generated calls of each tool.
const VALUES: u32 = 64;
const CALLS: u32 = 256;

/// As near as a generator comes to always.
const CERTAIN: f64 = 0.999_999_9;

/// Characters at which forms, schemas and readers differ.
const ODD: &[&str] = &[
    "\n",
    "\r\n",
    "\t",
    " ",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{200b}",
    "\u{202e}",
    "é",
    "e\u{301}",
    "ß",
    "\u{212a}",
    "\u{17f}",
    "٣",
    "\u{1f600}",
    "\u{10ffff}",
    "A",
    "z",
    "0",
    "_",
    "-",
    ".",
    "..",
    "/",
    "\\",
    "#",
    "?",
    "%",
    "%2e",
    "~",
    "~0",
    "~2",
    "@",
    ":",
    ",",
    ";",
    "\"",
    "'",
    "$",
    "{",
    "}",
    "[",
    "]",
    "(",
    "|",
    "+",
    "*",
    "^",
    "=",
    "&",
    "<",
];

/// A value for a property: mostly one that fits, else one that nearly does.
fn value(kind: &'static Kind, nearly: u32) -> BoxedStrategy<Value> {
    if nearly == 0 {
        return sound(kind, 0);
    }
    let off = prop_oneof![3 => near(kind), 1 => anything()];
    prop_oneof![40 - nearly => sound(kind, nearly), nearly => off].boxed()
}

/// A value of the kind, with parts of [`value`].
fn sound(kind: &'static Kind, nearly: u32) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text(text) => fits(text).prop_map(Value::from).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Integer { min, max } => {
            let whole = (*min..=*max).prop_map(|number| if number % 3 == 0 { json!(number as f64) } else { json!(number) });
            prop_oneof![2 => whole, 1 => select(vec![json!(min), json!(max)])].boxed()
        }
        Kind::List { item, min, max } => vec(value(item, nearly), *min..=(*min + 3).min(*max)).prop_map(Value::from).boxed(),
        Kind::Map { key, value: inner, max } => {
            let keys = if nearly == 0 { fits(key) } else { prop_oneof![30 => fits(key), 1 => text(key)].boxed() };
            let entries = hash_map(keys, value(inner, nearly), 0..=3.min(*max));
            entries
                .prop_map(|entries| Value::from(entries.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect::<Map<_, _>>()))
                .boxed()
        }
        Kind::Object(params) => object(&params.iter().collect::<Vec<_>>(), nearly),
        Kind::Open => vec(("[a-z]{1,6}", anything()), 0..4).prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into()).boxed(),
        Kind::Any | Kind::Raw => anything(),
    }
}

/// A closed object: what is required, now and then something else; seldom less or more than it may have.
fn object(params: &[&'static Param], nearly: u32) -> BoxedStrategy<Value> {
    let mut all: BoxedStrategy<Map<String, Value>> = Just(Map::new()).boxed();
    for param in params {
        let given = match (param.required, nearly) {
            (true, 0) => CERTAIN,
            (true, _) => 0.98,
            // Of many optional fields few are given at a time.
            (false, _) => (3.0 / params.len() as f64).min(0.5),
        };
        let inner = match nearly {
            0 => value(param.kind, 0),
            _ => prop_oneof![60 => value(param.kind, nearly), 1 => Just(Value::Null)].boxed(),
        };
        let name = param.name;
        all = (all, proptest::option::weighted(given, inner))
            .prop_map(move |(mut object, given)| {
                object.extend(given.map(|given| (name.to_owned(), given)));
                object
            })
            .boxed();
    }
    let more = proptest::option::weighted(if nearly == 0 { 1.0 - CERTAIN } else { 0.03 }, ("[a-z_]{1,12}|environmen|", anything()));
    (all, more)
        .prop_map(|(mut object, more)| {
            object.extend(more);
            object.into()
        })
        .boxed()
}

/// A text of that form and length, so far as a generator can tell.
fn fits(limits: &'static Text) -> BoxedStrategy<String> {
    if !limits.choices.is_empty() {
        return select(limits.choices).prop_map(str::to_owned).boxed();
    }
    match limits.pattern {
        Some(pattern) => {
            let regex = pattern.regex.trim_start_matches('^').trim_end_matches('$');
            let (min, max) = (limits.min, limits.max);
            let good = move |text: &String| (min..=max).contains(&text.chars().count()) && (pattern.matches)(text);
            prop_oneof![3 => string_regex(regex).unwrap().prop_filter("its length", good), 1 => Just(fitting(limits))].boxed()
        }
        None => {
            let most = limits.max.min(limits.min + 12);
            vec(any::<char>(), limits.min..=most).prop_map(String::from_iter).boxed()
        }
    }
}

/// A text at the limits of these: of another form, too short, too long, just within.
fn text(limits: &'static Text) -> BoxedStrategy<String> {
    let edges = vec![limits.min.saturating_sub(1), limits.min, limits.max, limits.max.saturating_add(1).min(100_000)];
    let long = (select(edges), select(vec!["a", "/", "é", "\u{1f600}"])).prop_map(|(length, c)| c.repeat(length));
    let edged = (fits(limits), select(ODD), any::<prop::sample::Index>()).prop_map(|(text, odd, at)| {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (before, after) = text.split_at(*at.get(&places));
        format!("{before}{odd}{after}")
    });
    let padded = (fits(limits), select(vec![limits.max, limits.max.saturating_add(1).min(100_000)])).prop_map(|(text, length)| {
        let pad = length.saturating_sub(text.chars().count());
        format!("{text}{}", "a".repeat(pad))
    });
    let cut = fits(limits).prop_map(|text| text.chars().skip(1).collect::<String>());
    let cased = fits(limits).prop_map(|text| text.to_uppercase());
    let short = select(ODD).prop_map(str::to_owned);
    prop_oneof![2 => long, 4 => edged, 1 => padded, 1 => cut, 1 => cased, 1 => short, 1 => any::<String>()].boxed()
}

/// A value that nearly fits.
fn near(kind: &'static Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text(limits) => text(limits).prop_map(Value::from).boxed(),
        Kind::Bool => select(vec![json!("true"), json!(0), json!(1), json!(null), json!([true])]).boxed(),
        Kind::Integer { min, max } => {
            let edges = [min.saturating_sub(1), *min, min.saturating_add(1), *max, max.saturating_add(1), 0, i64::MAX, i64::MIN];
            let floats = [*min as f64, *max as f64 + 0.5, 0.5, -0.0, 1e15, 9e15, 1e16, 1e300, -1e300, f64::MIN_POSITIVE];
            let others = [json!(u64::MAX), json!("1"), json!(null)];
            select(edges.iter().map(|edge| json!(edge)).chain(floats.iter().map(|float| json!(float))).chain(others).collect::<Vec<_>>())
                .boxed()
        }
        Kind::List { item, min, max } => {
            let sizes = select(vec![min.saturating_sub(1), *min, *max, *max + 1]);
            let filled = sizes.prop_map(|size| (0..size).map(|_| least(item)).collect::<Value>());
            prop_oneof![filled, value(item, 20).prop_map(|item| json!([item])), value(item, 20)].boxed()
        }
        Kind::Map { key, value: inner, max } => {
            let filled = select(vec![*max, *max + 1])
                .prop_map(|size| (0..size).map(|at| (format!("k{at}"), least(inner))).collect::<Map<_, _>>().into());
            let keyed = text(key).prop_map(|name| Map::from_iter([(name, least(inner))]).into());
            let inside = (fits(key), value(inner, 20)).prop_map(|(name, value)| Map::from_iter([(name, value)]).into());
            prop_oneof![filled, keyed, inside].boxed()
        }
        Kind::Object(params) => object(&params.iter().collect::<Vec<_>>(), 15),
        Kind::Open | Kind::Any | Kind::Raw => anything(),
    }
}

/// Any JSON, none of it large.
fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e6..1e6f64).prop_map(Value::from),
        "[ -~é]{0,8}".prop_map(Value::from),
        select(ODD).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let object = vec(("[a-z]{0,4}", inner.clone()), 0..4).prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into());
        prop_oneof![vec(inner, 0..4).prop_map(Value::from), object]
    })
    .boxed()
}

/// Otherwise sound arguments, with whatever comes at one place.
fn with_a(place: &Place, entry: &'static Entry) -> BoxedStrategy<Value> {
    let (name, rest) = match place.steps.split_first() {
        Some((Step::Field(name), rest)) => (*name, rest.to_vec()),
        _ => panic!("a place begins at an argument"),
    };
    let base = sample(entry.name).0;
    let kind = entry.params().into_iter().find(|param| param.name == name).unwrap().kind;
    at(kind, &rest, place.holds)
        .prop_map(move |value| {
            let mut arguments = base.clone();
            arguments[name] = value;
            arguments
        })
        .boxed()
}

/// A sound value of the kind, with whatever comes at the end of the steps.
fn at(kind: &'static Kind, steps: &[Step], holds: Holds) -> BoxedStrategy<Value> {
    let Some((step, rest)) = steps.split_first() else {
        return match holds {
            Holds::Value(kind) => prop_oneof![1 => sound(kind, 0), 2 => near(kind), 1 => anything()].boxed(),
            Holds::Key(key, inner) => {
                let keys = prop_oneof![1 => fits(key), 2 => text(key)];
                keys.prop_map(move |key| Map::from_iter([(key, least(inner))]).into()).boxed()
            }
        };
    };
    match (kind, step) {
        (Kind::Object(params), Step::Field(name)) => {
            let inner = at(field(params, name).kind, rest, holds);
            let (around, name) = (least(kind), (*name).to_owned());
            inner
                .prop_map(move |value| {
                    let mut object = around.clone();
                    object[&name] = value;
                    object
                })
                .boxed()
        }
        (Kind::List { item, .. }, Step::Item) => at(item, rest, holds).prop_map(|item| json!([item])).boxed(),
        (Kind::Map { value, .. }, Step::Key) => {
            at(value, rest, holds).prop_map(|value| Map::from_iter([(KEY.to_owned(), value)]).into()).boxed()
        }
        _ => panic!("{step:?} leads nowhere in {kind:?}"),
    }
}

/// How a call with these arguments ended, by `check` and by the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Taken,
    /// By a rule that no schema says.
    Ruled,
    /// By `check` and the schema both; the argument that is named.
    Refused(String),
}

/// Hold one call to both.
fn judge(entry: &Entry, schema: &Value, arguments: &Value) -> Result<Verdict, TestCaseError> {
    let nango = Table::new().on("*", 500, json!({}));
    let result = call_tool(&config(&[]), &nango, entry.name, &arguments.to_string());
    let Ok(result) = result else { return Err(TestCaseError::fail(format!("{}: malformed: {arguments}", entry.name))) };
    let error = result.meta.as_ref().map(|meta| meta["nango-mcp/error"].clone()).unwrap_or_default();
    let (kind, code) = (error["kind"].as_str().unwrap_or_default(), error["code"].as_str().unwrap_or_default());
    let complaint = complaint(schema, arguments);
    prop_assert_eq!(result.is_error, result.structured.is_none());
    if kind != "argument" {
        prop_assert!(complaint.is_none(), "{}: the schema refuses what was taken: {}\n{}", entry.name, complaint.unwrap(), arguments);
        return Ok(Verdict::Taken);
    }
    prop_assert!(nango.sent().is_empty(), "{}: refused and sent: {}", entry.name, arguments);
    if is_rule(code) {
        return Ok(Verdict::Ruled);
    }
    prop_assert!(CHECKED.contains(&code), "{}: {} is no code of check: {}", entry.name, code, arguments);
    prop_assert!(complaint.is_some(), "{}: refused what the schema takes: {}\n{}", entry.name, result.text.join("\n"), arguments);
    Ok(Verdict::Refused(error["field"].as_str().unwrap_or_default().to_owned()))
}

fn runner(cases: u32) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let settings = Settings { cases, failure_persistence: None, max_shrink_iters: 2000, ..Settings::default() };
    TestRunner::new_with_rng(settings, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[test]
fn every_property_is_checked_as_its_schema_says() {
    let (mut properties, calls, refusals) = (0, Cell::new(0), Cell::new(0));
    for entry in TOOLS {
        let schema: Value = entry.input_schema(&config(&[])).into();
        for place in places(entry) {
            let seen = RefCell::new((0, 0));
            let outcome = runner(VALUES).run(&with_a(&place, entry), |arguments| {
                calls.set(calls.get() + 1);
                match judge(entry, &schema, &arguments)? {
                    Verdict::Refused(_) => seen.borrow_mut().1 += 1,
                    Verdict::Taken | Verdict::Ruled => seen.borrow_mut().0 += 1,
                }
                Ok(())
            });
            assert!(outcome.is_ok(), "{}: {}: {}", entry.name, place.path(), outcome.unwrap_err());
            // A comparison that never refuses, or never takes, compares nothing.
            let (taken, refused) = seen.into_inner();
            assert!(taken > 0, "{}: {}: nothing was taken", entry.name, place.path());
            let any = matches!(place.holds, Holds::Value(Kind::Any | Kind::Raw));
            assert_eq!(refused == 0, any, "{}: {}: {refused} refused", entry.name, place.path());
            refusals.set(refusals.get() + refused);
            properties += 1;
        }
    }
    println!("check and schema: {properties} properties, {} calls, {} refused, all by both or by none", calls.get(), refusals.get());
    assert!(properties >= 250, "only {properties} properties");
}

#[test]
fn whole_arguments_are_checked_as_their_schema_says() {
    for entry in TOOLS {
        let schema: Value = entry.input_schema(&config(&[])).into();
        let own: Vec<&'static Param> = entry.params().into_iter().filter(|param| param.name != "environment").collect();
        let (taken, refused) = (Cell::new(0), Cell::new(0));
        let outcome = runner(CALLS).run(&object(&own, 2), |mut arguments| {
            if entry.environment {
                arguments["environment"] = "dev".into();
            }
            match judge(entry, &schema, &arguments)? {
                Verdict::Refused(_) => refused.set(refused.get() + 1),
                Verdict::Taken | Verdict::Ruled => taken.set(taken.get() + 1),
            }
            Ok(())
        });
        assert!(outcome.is_ok(), "{}: {}", entry.name, outcome.unwrap_err());
        assert!(taken.get() > 10 && refused.get() > 0, "{}: {} taken, {} refused", entry.name, taken.get(), refused.get());
    }
}
