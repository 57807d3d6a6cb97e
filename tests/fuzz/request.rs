//! Requests, how they are mutated, and what any answer must be. Shared with the tests of the built component.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A request, any bytes of it.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.target)?;
        self.headers.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value:?}"))?;
        write!(f, "\n{}", String::from_utf8_lossy(&self.body).escape_debug())
    }
}

/// The committed requests, in tests/corpus: a head, an empty line, a body.
pub(crate) fn corpus() -> Vec<Request> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = [root.join("tests/corpus"), root.join("../tests/corpus")].into_iter().find(|path| path.is_dir()).expect("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "{} files", files.len());
    files.iter().map(|file| parse(&std::fs::read_to_string(file).unwrap())).collect()
}

fn parse(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").expect("an empty line behind the head");
    let mut lines = head.lines();
    let (method, target) = lines.next().and_then(|line| line.split_once(' ')).expect("METHOD /path");
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Request { method: method.into(), target: target.into(), headers: headers.collect(), body: body.trim_end().into() }
}

#[derive(Debug, Clone)]
enum Mutation {
    /// A node of the JSON, replaced.
    Replace(Index, Value),
    /// A member of the JSON, taken away or given another name.
    Rename(Index, Option<String>),
    /// The body of another request in place of an object's member.
    Graft(Index, Index),
    /// Bytes put in place of others.
    Bytes(Index, u8, Vec<u8>),
    /// The end cut off.
    Cut(Index),
    /// A header changed, added or, without a value, taken away.
    Header(String, Option<String>),
    /// Another method or target.
    Line(String, String),
}

fn values() -> BoxedStrategy<Value> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let texts = ["", "\u{0}", "../..", "%2e%2e", "tools/call", "2026-07-28", "é\u{202e}", "=?base64?eA==?=", "default", "github", "c1"];
    prop_oneof![
        8 => select(texts.map(Value::from).to_vec()),
        4 => select(vec![json!(null), json!(true), json!(0), json!(-1), json!(1.5), json!(u64::MAX), json!(1e300), json!([]), json!({}), deep]),
        2 => "[a-z_/]{0,24}".prop_map(Value::from),
        1 => (0_usize..3000).prop_map(|length| "x".repeat(length).into()),
        1 => vec("[a-z]{1,8}", 0..60).prop_map(Value::from),
    ]
    .boxed()
}

fn mutations() -> impl Strategy<Value = Mutation> {
    let names =
        ["id", "method", "params", "name", "arguments", "_meta", "jsonrpc", "environment", "cursor", "connection_id", "uri", "a\"b"];
    let headers = ["mcp-protocol-version", "mcp-method", "mcp-name", "content-type", "origin", "host", "authorization", "content-length"];
    let header_values = [
        "2026-07-28",
        "2025-11-25",
        "2025-06-18",
        "9999-99-99",
        "tools/call",
        "tools/list",
        "=?base64?",
        "=?base64??=",
        "application/json",
        "application/json; charset=x; charset=utf-8",
        "text/html",
        "http://localhost",
        "null",
        "://",
        "[",
        ":",
        "-1",
        "99999999999999999999",
        "Bearer",
        "\u{ff}",
        "",
    ];
    let lines = [
        ("GET", "/mcp"),
        ("POST", "/mcp?"),
        ("POST", "/mcp#"),
        ("POST", "//mcp"),
        ("HEAD", "/"),
        ("DELETE", "/mcp"),
        ("POST", ""),
        ("GET", "/health?x"),
        ("POST", "/%6dcp"),
    ];
    let owned = |text: &str| text.to_owned();
    prop_oneof![
        12 => (any::<Index>(), values()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        6 => (any::<Index>(), proptest::option::of(select(names.map(owned).to_vec()))).prop_map(|(at, name)| Mutation::Rename(at, name)),
        3 => (any::<Index>(), any::<Index>()).prop_map(|(at, of)| Mutation::Graft(at, of)),
        4 => (any::<Index>(), 0_u8..4, vec(any::<u8>(), 0..6)).prop_map(|(at, gone, bytes)| Mutation::Bytes(at, gone, bytes)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        6 => (select(headers.map(owned).to_vec()), proptest::option::weighted(0.8, select(header_values.map(owned).to_vec())))
            .prop_map(|(name, value)| Mutation::Header(name, value)),
        1 => select(lines.map(|(method, target)| Mutation::Line(method.into(), target.into())).to_vec()),
    ]
}

/// Mutated requests of the corpus.
pub(crate) fn requests() -> impl Strategy<Value = Request> {
    let corpus = corpus();
    (any::<Index>(), vec(mutations(), 1..5)).prop_map(move |(which, mutations)| {
        let mut request = which.get(&corpus).clone();
        for mutation in mutations {
            apply(&mut request, mutation, &corpus);
        }
        request
    })
}

type Change = Box<dyn FnOnce(&mut Value)>;

fn apply(request: &mut Request, mutation: Mutation, corpus: &[Request]) {
    let (at, change): (Index, Change) = match mutation {
        Mutation::Replace(at, value) => (at, Box::new(move |node| *node = value)),
        Mutation::Rename(at, name) => (
            at,
            Box::new(move |node| {
                let Value::Object(members) = node else { return };
                let Some(old) = members.keys().nth(at.index(members.len().max(1))).cloned() else { return };
                let value = members.remove(&old).unwrap_or_default();
                if let Some(name) = name {
                    members.insert(name, value);
                }
            }),
        ),
        Mutation::Graft(at, of) => {
            let other = serde_json::from_slice(&of.get(corpus).body).unwrap_or_default();
            (at, Box::new(move |node| *node = other))
        }
        Mutation::Bytes(at, gone, bytes) => {
            let from = at.index(request.body.len() + 1);
            let to = (from + usize::from(gone)).min(request.body.len());
            request.body.splice(from..to, bytes);
            return;
        }
        Mutation::Cut(at) => return request.body.truncate(at.index(request.body.len() + 1)),
        Mutation::Header(name, value) => {
            request.headers.retain(|(have, _)| *have != name);
            request.headers.extend(value.map(|value| (name, value)));
            return;
        }
        Mutation::Line(method, target) => {
            (request.method, request.target) = (method, target);
            return;
        }
    };
    let Ok(mut body) = serde_json::from_slice::<Value>(&request.body) else { return };
    let count = count(&body);
    change(nth(&mut body, &mut at.index(count)).expect("within"));
    request.body = body.to_string().into_bytes();
}

fn children(node: &Value) -> Vec<&Value> {
    match node {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    }
}

fn count(node: &Value) -> usize {
    1 + children(node).into_iter().map(count).sum::<usize>()
}

/// The node at a place, counted from the root on.
fn nth<'a>(node: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(node);
    }
    *left -= 1;
    match node {
        Value::Object(members) => members.values_mut().find_map(|child| nth(child, left)),
        Value::Array(items) => items.iter_mut().find_map(|child| nth(child, left)),
        _ => None,
    }
}

/// FUZZ_SECONDS: how long each run goes on beyond its least number of requests.
pub(crate) fn seconds() -> Duration {
    #[allow(clippy::disallowed_methods, reason = "set by `make fuzz`")]
    let said = std::env::var("FUZZ_SECONDS").ok();
    Duration::from_secs(said.map_or(0, |text| text.parse().expect("FUZZ_SECONDS is a number")))
}

/// The same requests in each run, unless more time is given: then others each time, and FUZZ_SEED repeats them.
pub(crate) fn runner() -> TestRunner {
    #[allow(clippy::disallowed_methods, reason = "set by who repeats a failure")]
    let said = std::env::var("FUZZ_SEED").ok().map(|text| text.parse().expect("FUZZ_SEED is a number"));
    let seed: u64 = match said {
        None if seconds().is_zero() => 7,
        None => now(),
        Some(seed) => seed,
    };
    tell(&format!("FUZZ_SEED={seed}"));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[allow(clippy::disallowed_methods, reason = "another seed each time")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(7, |since| since.as_secs())
}

/// For who reads the run's output.
#[allow(clippy::print_stdout, reason = "tests print where they are asked to")]
pub(crate) fn tell(line: &str) {
    println!("{line}");
}

pub(crate) fn one(strategy: &impl Strategy<Value = Request>, runner: &mut TestRunner) -> Request {
    strategy.new_tree(runner).unwrap().current()
}

/// What was sent, and what came of it.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    json: usize,
    by_status: BTreeMap<u16, usize>,
}

impl Counts {
    pub(crate) fn count(&mut self, request: &Request, status: u16) {
        self.requests += 1;
        self.json += usize::from(serde_json::from_slice::<&RawValue>(&request.body).is_ok());
        *self.by_status.entry(status).or_default() += 1;
    }

    /// The run was worth its time.
    pub(crate) fn check(&self) {
        assert!(self.json * 10 >= self.requests * 3, "too few are JSON: {self}");
        let deep = self.by_status.get(&200).copied().unwrap_or_default();
        assert!(deep * 10 >= self.requests, "too few get through: {self}");
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.json * 100 / self.requests.max(1);
        write!(f, "{} requests, {percent} % of them JSON; by status: {:?}", self.requests, self.by_status)
    }
}

type Members<'a> = HashMap<String, &'a RawValue>;

/// Whether an answer is one that MCP knows: its status, its form, its id.
pub(crate) fn judge(request: &Request, status: u16, body: &str) -> Result<(), String> {
    let fail = |why: &str| Err(why.to_owned());
    if ![200, 202, 400, 401, 403, 404, 405, 413, 415].contains(&status) {
        return fail("a status that nobody expects");
    }
    let path = request.target.split(['?', '#']).next().unwrap_or_default();
    if path == "/" || path == "/health" || request.method == "HEAD" {
        return Ok(());
    }
    if status == 202 {
        return if body.is_empty() { Ok(()) } else { fail("a body where none should be") };
    }
    let Ok(answer) = serde_json::from_str::<Members<'_>>(body) else { return fail("no JSON object") };
    if body.contains('\n') || answer.get("jsonrpc").map(|text| text.get()) != Some("\"2.0\"") {
        return fail("no JSON-RPC on one line");
    }
    match (answer.get("result"), answer.get("error")) {
        (Some(result), None) if status == 200 && result.get().starts_with('{') => {}
        (None, Some(error)) => {
            let error: Value = serde_json::from_str(error.get()).map_err(|error| error.to_string())?;
            let known = [-32700, -32600, -32601, -32602, -32002, -32020, -32022];
            // A resource that Nango does not give: its rate limit is soon reached here.
            let is_nango_s = error["code"] == -32603 && error["data"]["nango-mcp/error"]["kind"].is_string();
            let is_known = is_nango_s || error["code"].as_i64().is_some_and(|code| known.contains(&code));
            if !is_known || error["message"].as_str().is_none_or(str::is_empty) {
                return fail("an error that nobody knows");
            }
        }
        _ => return fail("neither a result nor an error"),
    }
    // Refused before anything was read, or no message: no id.
    let is_read = request.method == "POST" && path.starts_with("/mcp") && ![401, 403, 405, 413, 415].contains(&status);
    let asked = serde_json::from_slice::<Members<'_>>(&request.body).ok();
    let id = asked.as_ref().and_then(|asked| asked.get("id")).map(|id| id.get()).filter(|_| is_read);
    let id = id.filter(|id| id.starts_with('"') || id.parse::<i64>().is_ok());
    if answer.get("id").map(|id| id.get()) != Some(id.unwrap_or("null")) {
        return fail("another id than the request's");
    }
    Ok(())
}
