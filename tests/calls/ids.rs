//! No argument becomes another route, another host or another header.

use std::collections::BTreeSet;

use nango_mcp::tool::{Entry, Text};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::kinds::{Holds, KEY, Place, Step, fitting, places};
use crate::samples::branches::{self, Branch};
use crate::samples::sample;
use crate::table::{Answered, Outcome, Sent, Table, call, tool, with};

/// What people and attackers put where an id belongs.
const HOSTILE: &[&str] = &[
    "/",
    ".",
    "..",
    "../..",
    "..?x",
    "/..?x",
    "/%2e%2e?x",
    "/%252e%252e?x=1",
    "/a/..#x",
    "a/../b",
    "../connections",
    "a/..",
    "./a",
    "%2e%2e",
    "%2E%2e%2Fx",
    "%252e%252e",
    "a%2f..%2fb",
    "..\\..",
    "a\\..\\b",
    "a\\b",
    "a/b",
    "//evil.example",
    "https://evil.example/x",
    "@evil.example",
    "?x=1",
    "a?force_refresh=true",
    "a&include=credentials",
    "#x",
    "a#b",
    " ",
    "a b",
    "a\tb",
    "a\r\nx-evil: 1",
    "a\0b",
    "é",
    "\u{202e}x",
    "\u{feff}",
    "%",
    "%00",
    "%zz",
    "a%20b",
    "a;b",
    "a,b",
    "a:b",
    "a|b",
    "a[0]",
    "{a}",
    "$a",
    "\"",
    "'",
    "=",
    "+",
    "~",
    "...",
    "a..b",
    "..;",
    "..;/",
    "a/..;x/b",
    ".;",
    "../;/..",
    "/..",
    "\\..\\",
    "..\\/",
    "/\\evil.example",
    "\\\\evil.example\\x",
    "../../../../../../connections",
    "a/./b",
    "a//b",
    "%2F",
    "%2f..%2f",
    "%5c..%5c",
    "..%5c..",
    "..%00",
    "%2e",
    "%2E.",
    ".%2e",
    "%25%32%65%25%32%65",
    "%25252e%25252e",
    "%c0%ae%c0%ae",
    "%C0%AE.",
    "%c0%ae%c0%ae%c0%afconnections",
    "%e0%80%ae%e0%80%ae",
    "%f0%80%80%ae%f0%80%80%ae",
    "..%c0%af..",
    "..%c1%9c..",
    "%25c0%25ae%25c0%25ae",
    "%u002e%u002e",
    "%U002E.%u002f",
    "\u{ff0e}\u{ff0e}",
    "\u{ff0e}.\u{ff0f}x",
    "%ef%bc%8e%ef%bc%8e",
    "\u{2024}\u{2024}",
    "\u{2025}",
    "..\u{ff3c}..",
    "\t",
    "\t..",
    "..\t",
    ".. ",
    " ..",
    "..\n",
    "%09..",
    "a%0ab",
    "a%0d%0ax-evil:1",
    "\0",
    "..\0",
    "\u{85}",
    "\u{2028}",
    "http:",
    "http:evil.example",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "//user:pass@evil.example:80/",
    "user@evil.example",
    "[::1]",
    "connections/metadata",
    "c-1/../../connections/metadata",
    "*",
    "c-1,c-2",
    "true",
    "null",
    "-1",
    "0",
    "[removed]",
    "${connectionConfig.x}",
    "a'b\"c",
    "<x>",
    "c-1&provider_config_key=other",
    "c-1?provider_config_key=other#",
    "tags[x]",
    "a]=1&b[",
];

/// Very long ones, and every other one as a segment of more.
fn hostile() -> Vec<String> {
    let long = [100, 255, 256, 4000, 70_000].map(|length| "../".repeat(length / 3 + 1)[..length].to_owned());
    let filler = [255, 256, 70_000].map(|length| "a".repeat(length));
    HOSTILE.iter().map(|text| (*text).to_owned()).chain(long).chain(filler).collect()
}

/// Path and decoded query pairs of a request line.
fn taken_apart(line: &str) -> (Vec<String>, Vec<(String, String)>) {
    let target = line.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b)), "{line}");
    let segments = path.split('/').skip(1).map(|segment| percent_decode_str(segment).decode_utf8().unwrap().into_owned()).collect();
    (segments, form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// What a lenient reader makes of a text: decoded again and again, overlong and wide forms as what they stand for,
/// everything behind `;` gone.
fn dot_segments(text: &str) -> bool {
    let forms = [
        (&b"\xc0\xae"[..], &b"."[..]),
        (b"\xe0\x80\xae", b"."),
        (b"\xf0\x80\x80\xae", b"."),
        (b"\xc0\xaf", b"/"),
        (b"\xe0\x80\xaf", b"/"),
        (b"\xc1\x9c", b"/"),
        ("\u{ff0e}".as_bytes(), b"."),
        ("\u{ff0f}".as_bytes(), b"/"),
        ("\u{ff3c}".as_bytes(), b"/"),
        ("\u{2024}".as_bytes(), b"."),
        ("\u{2025}".as_bytes(), b".."),
        (b"%u002e", b"."),
        (b"%u002f", b"/"),
        (b"%u005c", b"/"),
        (b"\\", b"/"),
    ];
    let mut text = text.to_ascii_lowercase().into_bytes();
    for _ in 0..10 {
        for (form, plain) in forms {
            while let Some(at) = text.windows(form.len()).position(|window| window == form) {
                text.splice(at..at + form.len(), plain.iter().copied());
            }
        }
        let dots = |segment: &[u8]| matches!(segment.split(|byte| *byte == b';').next(), Some(b"." | b".."));
        if text.split(|byte| *byte == b'/').any(dots) {
            return true;
        }
        let decoded = percent_encoding::percent_decode(&text).collect::<Vec<_>>().to_ascii_lowercase();
        if decoded == text {
            return false;
        }
        text = decoded;
    }
    false
}

/// Every text in an answer that is exactly `from` becomes `to`.
fn renamed(answer: &Answered, from: Option<&str>, to: &str) -> Answered {
    fn rename(value: &mut Value, from: &str, to: &str) {
        match value {
            Value::String(text) if text == from => *text = to.to_owned(),
            Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
            Value::Object(object) => object.values_mut().for_each(|item| rename(item, from, to)),
            _ => {}
        }
    }
    let mut answer = answer.clone();
    if let (Ok(answer), Some(from)) = (&mut answer, from)
        && let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body)
    {
        rename(&mut body, from, to);
        answer.body = body.to_string().into_bytes();
    }
    answer
}

/// A text argument of a good call, and the requests that it makes with a harmless value.
struct Target {
    entry: &'static Entry,
    place: Place,
    arguments: Value,
    /// What Nango answers to the good call, and the value there that is this argument's.
    answers: Vec<Answered>,
    present: Option<String>,
    harmless: String,
    model: Vec<Sent>,
}

impl Target {
    fn new(branch: &Branch, place: Place, text: &Text) -> Self {
        let entry = tool(branch.tool);
        let (arguments, nango) = branch.make();
        call(&nango, entry.name, &arguments);
        let present = place.steps.iter().try_fold(&arguments, |value, step| match step {
            Step::Field(name) => value.get(name),
            Step::Item => value.get(0),
            Step::Key => None,
        });
        let present = present.and_then(Value::as_str).map(str::to_owned);
        let answers = nango.answered();
        let harmless = if matches!(place.holds, Holds::Key(..)) { KEY.to_owned() } else { fitting(text) };
        let mut target = Self { entry, place, arguments, answers, present, harmless, model: Vec::new() };
        target.model = target.call(&target.harmless).sent;
        target
    }

    /// Call with this value, of a Nango that answers as if it were the right one.
    fn call(&self, value: &str) -> Outcome {
        let answers: Vec<Answered> = self.answers.iter().map(|answer| renamed(answer, self.present.as_deref(), value)).collect();
        let answers = if answers.is_empty() { vec![Err(nango_mcp::transport::TransportError::Refused)] } else { answers };
        let arguments = self.place.put(self.entry, &self.arguments, value.into());
        call(&Table::replaying(answers), self.entry.name, &arguments)
    }

    /// Refused with nothing sent, or sent as requests of the harmless value with this one in its place.
    #[track_caller]
    fn check(&self, value: &str) -> bool {
        let outcome = self.call(value);
        let name = || format!("{}: {} {:?}", self.entry.name, self.place.path(), value.chars().take(80).collect::<String>());
        if outcome.sent.is_empty() {
            return false;
        }
        let in_path = self.is_proxied();
        for sent in &outcome.sent {
            if in_path {
                stays_below(sent, value, &name());
                continue;
            }
            let expected = |model: &Sent| self.in_place(model, value) == (method(sent), taken_apart(&sent.line), headers(sent));
            assert!(self.model.iter().any(expected), "{}: {}\n{:?}", name(), sent.line, sent.headers);
            let path = sent.line.split([' ', '?']).nth(1).unwrap();
            assert!(!dot_segments(path), "{}: {}", name(), sent.line);
        }
        assert!(outcome.sent.len() <= self.model.len(), "{}: {:?}", name(), outcome.lines());
        true
    }

    /// A request of the harmless value, with another in its place.
    fn in_place(&self, model: &Sent, value: &str) -> (String, Apart, Vec<(String, String)>) {
        let put = |text: String| if text == self.harmless { value.to_owned() } else { text };
        // The names of tags and of headers are in lower case.
        let put_name = |name: String| match name.strip_suffix(&format!("[{}]", self.harmless)) {
            Some(outer) => format!("{outer}[{}]", value.to_ascii_lowercase()),
            None => put(name),
        };
        let (segments, query) = taken_apart(&model.line);
        let apart =
            (segments.into_iter().map(put).collect(), query.into_iter().map(|(name, value)| (put_name(name), put(value))).collect());
        let header = |name: String| {
            if name == format!("nango-proxy-{}", self.harmless) { format!("nango-proxy-{}", value.to_ascii_lowercase()) } else { name }
        };
        (method(model), apart, headers(model).into_iter().map(|(name, value)| (header(name), put(value))).collect())
    }

    /// Whether this is the path of a proxied call.
    fn is_proxied(&self) -> bool {
        self.place.steps == [Step::Field("path")]
    }
}

type Apart = (Vec<String>, Vec<(String, String)>);

fn method(sent: &Sent) -> String {
    sent.line.split(' ').next().unwrap().to_owned()
}

/// The headers, but for the length of a body that the value may stand in.
fn headers(sent: &Sent) -> Vec<(String, String)> {
    let headers = sent.headers.iter().filter(|(name, _)| name != "content-length");
    for (name, value) in &sent.headers {
        assert!(!name.chars().chain(value.chars()).any(char::is_control), "{name}: {value}");
    }
    headers.cloned().collect()
}

/// A proxied path: below /proxy for every reader, with as many segments as were given.
#[track_caller]
fn stays_below(sent: &Sent, given: &str, name: &str) {
    let target = sent.line.split(' ').nth(1).unwrap();
    let path = target.split('?').next().unwrap();
    assert!(path.starts_with("/proxy/") && !path.starts_with("/proxy//"), "{name}: {}", sent.line);
    assert!(!dot_segments(target), "{name}: {}", sent.line);
    let route = given.split('?').next().unwrap();
    assert_eq!(path.split('/').count(), route.split('/').count() + 1, "{name}: {}", sent.line);
    assert_eq!(header_count(sent), 4, "{name}: {:?}", sent.headers);
}

fn header_count(sent: &Sent) -> usize {
    sent.headers.iter().filter(|(name, _)| !name.starts_with("content-") && name != "user-agent").count()
}

/// Every text argument of every good call, at every depth, but for those of few values.
fn targets() -> Vec<Target> {
    let mut found = Vec::new();
    for branch in branches::all() {
        for place in places(tool(branch.tool)) {
            if let Some(text) = place.text().filter(|text| text.choices.is_empty()) {
                found.push(Target::new(&branch, place, text));
            }
        }
    }
    found
}

#[test]
fn hostile_arguments_leave_no_route() {
    let (hostile, targets) = (hostile(), targets());
    let (mut cases, mut sent, mut tools) = (0, 0, BTreeSet::new());
    for target in &targets {
        for text in &hostile {
            let paths = [text.clone(), format!("/{text}"), format!("/a/{text}"), format!("/a/{text}/b"), format!("/a?b={text}")];
            for value in &paths[..if target.is_proxied() { 5 } else { 1 }] {
                sent += usize::from(target.check(value));
                cases += 1;
            }
        }
        tools.insert(target.entry.name);
    }
    println!("hostile arguments: {cases} cases, 0 left their route ({} arguments of {} tools, {sent} sent)", targets.len(), tools.len());
    assert!(cases >= 25_000 && sent >= 3_000 && tools.len() >= 24, "{cases} cases, {sent} sent, {} tools", tools.len());
}

#[test]
fn what_stands_in_a_path_is_of_a_type_that_refuses_dot_segments() {
    let mut found = 0;
    for target in targets().iter().filter(|target| !target.is_proxied()) {
        let in_path = |sent: &Sent| taken_apart(&sent.line).0.contains(&target.harmless);
        let in_body = |sent: &Sent| {
            target.place.text().is_some_and(|text| text.pattern.is_some_and(|pattern| pattern.beyond.is_some())) && sent.body.is_some()
        };
        if !target.model.iter().any(|sent| in_path(sent) || in_body(sent)) {
            continue;
        }
        for id in [".", "..", "a/../b", "a\\..\\b", "%2e%2e", "..;x", "%c0%ae%c0%ae"] {
            let outcome = target.call(id);
            let codes = ["dot_segment", "wrong_format", "wrong_length", "stray_dot", "forbidden_header"];
            assert!(codes.contains(&outcome.code()), "{}: {} {id}: {}", target.entry.name, target.place.path(), outcome.text());
            assert!(outcome.sent.is_empty());
            found += 1;
        }
    }
    assert!(found >= 300, "{found}");
}

#[test]
fn what_nango_names_leads_to_no_other_route() {
    // Later requests are made of earlier answers too.
    let path = |line: &str| line.split('?').next().unwrap().to_owned();
    let hostile = hostile();
    for branch in branches::all().iter().filter(|branch| tool(branch.tool).open_world && !branch.tool.contains("provider_file")) {
        let (arguments, nango) = branch.make();
        let known: BTreeSet<String> = call(&nango, branch.tool, &arguments).lines().into_iter().map(path).collect();
        for (text, name) in hostile.iter().flat_map(|text| [(text, "github"), (text, "u1")]) {
            let answers = nango.answered();
            let nango = Table::replaying(answers.iter().map(|answer| renamed(answer, Some(name), text)));
            for sent in &call(&nango, branch.tool, &arguments).sent {
                let (segments, query) = taken_apart(&sent.line);
                let of_provider = segments.len() == 2 && segments[0] == "providers" && segments[1] == *text;
                let fallback = path(&sent.line) == "GET /connections";
                assert!(known.contains(&path(&sent.line)) || of_provider || fallback, "{} {text:?}: {}", branch.tool, sent.line);
                assert!(!dot_segments(&path(&sent.line)) && query.len() <= 6, "{} {text:?}: {}", branch.tool, sent.line);
            }
        }
    }
}

#[test]
fn ids_that_nango_takes_are_sent() {
    for (id, segment) in [
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("u@example.com", "u%40example.com"),
        ("a,;:=+~[]|$", "a%2C%3B%3A%3D%2B~%5B%5D%7C%24"),
        ("...", "..."),
    ] {
        let nango = Table::new().on("*", 200, crate::samples::connection());
        let outcome = call(&nango, "get_connection", &with(&sample("get_connection").0, json!({"connection_id": id})));
        assert_eq!(outcome.lines(), [format!("GET /connections/{segment}?provider_config_key=github")]);
    }
}

#[test]
fn a_prefix_of_the_base_url_stays_before_every_path() {
    let config = crate::table::config(&[("NANGO_BASE_URL", "https://gateway.example/nango/v1/")]);
    let nango = Table::new().on("GET /nango/v1/connections/c-1", 200, crate::samples::connection());
    let outcome = crate::table::call_with(&config, &nango, "get_connection", &sample("get_connection").0);
    assert_eq!(outcome.lines(), ["GET /nango/v1/connections/c-1?provider_config_key=github"]);
}
