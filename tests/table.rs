//! A Nango made of a table, a clock that only `sleep` moves, and the promises that hold for every call.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use nango_mcp::tool::Entry;
use nango_mcp::tools::TOOLS;
use nango_mcp::transport::{HttpAnswer, HttpRequest, TransportError};
use nango_mcp::{CallResult, Config, Transport, call_tool, rules};
use serde_json::{Map, Value, json};

/// The configured key of every test that does not bring its own.
pub(crate) const KEY: &str = "0f7e31ab-5c42-4d1a-9a51-2b6a3c9f0d11";

/// A Connect session token as Nango makes them.
pub(crate) const TOKEN: &str = "nango_connect_session_8c1f9a3e5b7d2046f1e3d5c7b9a8061428364a5c7e9fb1d3f5a7c9ebd0f21436";

/// One request as it left.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// `GET /path?query`.
    pub(crate) line: String,
    /// `https://host`.
    pub(crate) origin: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) bearer: Option<String>,
    pub(crate) body: Option<Value>,
    /// The body's own text.
    pub(crate) raw: Option<String>,
    /// How long the whole batch was given.
    pub(crate) within: Duration,
    /// Which `send` it was part of.
    pub(crate) batch: usize,
}

/// What comes of a request.
pub(crate) type Answered = Result<HttpAnswer, TransportError>;

/// A Nango that answers from a table. Of several rows for one request each answers once, in order, the last for ever.
#[derive(Default)]
pub(crate) struct Table {
    rows: RefCell<Vec<(String, Answered)>>,
    /// The place of one request, and what comes of it instead of what the rows say.
    broken: Option<(usize, Answered)>,
    sent: RefCell<Vec<Sent>>,
    answered: RefCell<Vec<Answered>>,
    batches: Cell<usize>,
    now: Cell<Duration>,
    latency: Duration,
    slept: RefCell<Vec<Duration>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answer `GET /path` (any query), `GET /path?query` (this one) or `*` (whatever no other row is for) with JSON.
    pub(crate) fn on(self, line: &str, status: u16, body: impl Into<Value>) -> Self {
        self.raw(line, status, &[("content-type", "application/json; charset=utf-8")], body.into().to_string())
    }

    /// Answer with these headers and this text.
    pub(crate) fn raw(self, line: &str, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        self.rows.borrow_mut().push((line.to_owned(), Ok(http(status, headers, body))));
        self
    }

    /// As `on`, if there is no row for that request yet.
    pub(crate) fn or(self, line: &str, status: u16, body: impl Into<Value>) -> Self {
        let known = self.rows.borrow().iter().any(|(have, _)| have == line);
        if known { self } else { self.on(line, status, body) }
    }

    /// Answer all that comes like this, one after the other.
    pub(crate) fn replaying(answers: impl IntoIterator<Item = Answered>) -> Self {
        let nango = Self::new();
        nango.rows.borrow_mut().extend(answers.into_iter().map(|answer| ("*".to_owned(), answer)));
        nango
    }

    /// Answer the request at this place so, whatever it is; the first is 0.
    pub(crate) fn broken_at(mut self, place: usize, answer: Answered) -> Self {
        self.broken = Some((place, answer));
        self
    }

    /// Give no answer.
    pub(crate) fn fails(self, line: &str, error: TransportError) -> Self {
        self.rows.borrow_mut().push((line.to_owned(), Err(error)));
        self
    }

    /// Change every answer's JSON.
    pub(crate) fn changed(self, change: impl Fn(Value) -> Value) -> Self {
        for (_, answer) in self.rows.borrow_mut().iter_mut() {
            let answer = answer.as_mut().unwrap();
            // What is no JSON, such as a file, stays as it is.
            if let Ok(body) = serde_json::from_slice(&answer.body) {
                answer.body = change(body).to_string().into_bytes();
            }
        }
        self
    }

    /// Take that long for every batch.
    pub(crate) fn slow(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    /// The waits asked for, in seconds.
    pub(crate) fn slept(&self) -> Vec<u64> {
        self.slept.borrow().iter().map(Duration::as_secs).collect()
    }

    /// What came of the requests.
    pub(crate) fn answered(&self) -> Vec<Answered> {
        self.answered.borrow().clone()
    }

    fn answer(&self, line: &str) -> Answered {
        let mut rows = self.rows.borrow_mut();
        let plain = line.split('?').next().unwrap();
        let mut fits: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].0 == line || rows[*at].0 == plain).collect();
        if fits.is_empty() {
            fits = (0..rows.len()).filter(|at| rows[*at].0 == "*").collect();
        }
        match fits.as_slice() {
            [] => panic!("the table has no row for `{line}`"),
            [only] => rows[*only].1.clone(),
            [first, ..] => rows.remove(*first).1,
        }
    }
}

impl Transport for Table {
    fn send(&self, requests: &[HttpRequest], within: Duration) -> Vec<Answered> {
        self.now.set(self.now.get() + self.latency);
        self.batches.set(self.batches.get() + 1);
        requests
            .iter()
            .map(|request| {
                let line = format!("{} {}", request.method, request.path_with_query);
                let place = self.sent.borrow().len();
                self.sent.borrow_mut().push(Sent {
                    line: line.clone(),
                    origin: format!("{}://{}", if request.https { "https" } else { "http" }, request.authority),
                    headers: request.headers.clone(),
                    bearer: request.bearer.as_ref().map(|bearer| bearer.expose().to_owned()),
                    body: request.body.as_ref().map(|body| serde_json::from_slice(body).unwrap()),
                    raw: request.body.as_ref().map(|body| String::from_utf8(body.clone()).unwrap()),
                    within,
                    batch: self.batches.get(),
                });
                let due = self.answer(&line);
                let answer = self.broken.clone().filter(|(at, _)| *at == place).map_or(due, |(_, answer)| answer);
                self.answered.borrow_mut().push(answer.clone());
                answer
            })
            .collect()
    }

    fn now(&self) -> Duration {
        self.now.get()
    }

    fn sleep(&self, duration: Duration) {
        self.slept.borrow_mut().push(duration);
        self.now.set(self.now.get() + duration);
    }
}

/// An answer.
pub(crate) fn http(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> HttpAnswer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    HttpAnswer { status, headers, body: body.as_ref().to_vec() }
}

/// A configuration of these variables; with the key of the one environment `dev` unless they name keys themselves.
pub(crate) fn config(vars: &[(&str, &str)]) -> Config {
    let own = [("NANGO_ENVIRONMENT", "dev"), ("NANGO_SECRET_KEY", KEY)];
    let multiple = vars.iter().any(|(name, _)| *name == "NANGO_MCP_ENVIRONMENTS");
    let own = own.iter().filter(|(name, _)| !multiple && !vars.iter().any(|(given, _)| given == name));
    Config::from_vars(own.chain(vars).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).unwrap()
}

/// The tool of that name.
#[track_caller]
pub(crate) fn tool(name: &str) -> &'static Entry {
    TOOLS.iter().find(|entry| entry.name == name).unwrap_or_else(|| panic!("no tool {name}"))
}

/// How a call ended, with what it sent.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: CallResult,
    pub(crate) sent: Vec<Sent>,
    /// `error` of the second block; null of a success.
    pub(crate) error: Value,
}

impl Outcome {
    /// The structured result.
    #[track_caller]
    pub(crate) fn value(&self) -> &Value {
        self.result.structured.as_ref().unwrap_or_else(|| panic!("the call failed: {}", self.result.text.join("\n")))
    }

    /// The error's code; empty of a success.
    pub(crate) fn code(&self) -> &str {
        self.error["code"].as_str().unwrap_or_default()
    }

    /// The first block.
    pub(crate) fn sentence(&self) -> &str {
        &self.result.text[0]
    }

    /// All blocks.
    pub(crate) fn text(&self) -> String {
        self.result.text.join("\n")
    }

    /// Method, path and query of what was sent.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.sent.iter().map(|sent| sent.line.as_str()).collect()
    }
}

/// Call a tool on the one environment `dev`.
#[track_caller]
pub(crate) fn call(nango: &Table, name: &str, arguments: &Value) -> Outcome {
    call_with(&config(&[]), nango, name, arguments)
}

/// Call a tool, and hold the call against what is promised of all of them.
#[track_caller]
pub(crate) fn call_with(config: &Config, nango: &Table, name: &str, arguments: &Value) -> Outcome {
    let before = nango.sent.borrow().len();
    let result = call_tool(config, nango, name, &arguments.to_string()).unwrap();
    let sent = nango.sent.borrow()[before..].to_vec();
    let error = if result.is_error { failure(&result) } else { success(tool(name), &result) };
    let outcome = Outcome { result, sent, error };
    for secret in config.secrets() {
        assert!(!outcome.text().contains(secret.expose()), "{name}: a configured key is in the result");
    }
    outcome.sent.iter().for_each(|sent| request(config, sent));
    agrees(config, name, arguments, &outcome);
    outcome
}

/// A success: structured as the tool's schema says, and the same as one block of text.
#[track_caller]
fn success(entry: &Entry, result: &CallResult) -> Value {
    let structured = result.structured.as_ref().expect("a success has a structured result");
    assert_eq!(result.text, [structured.to_string()], "{}", entry.name);
    assert_eq!(result.files.is_empty(), entry.name != "download_provider_file", "{}", entry.name);
    assert_eq!(result.meta, None);
    if let Some(complaint) = complaint_of(&format!("{} result", entry.name), || entry.output_schema().into(), structured) {
        panic!("{}: the result does not fit the output schema: {complaint}", entry.name);
    }
    Value::Null
}

/// A failure: a sentence, one line of JSON, the same in `_meta`, nothing structured.
#[track_caller]
fn failure(result: &CallResult) -> Value {
    assert_eq!(result.structured, None, "an error has no structured result");
    let [sentence, line] = result.text.as_slice() else { panic!("an error has two blocks: {:?}", result.text) };
    assert!(!sentence.is_empty() && !sentence.ends_with('.') && !line.contains('\n'), "{sentence}\n{line}");
    let json: Value = serde_json::from_slice(line.as_bytes()).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 1, "{line}");
    let error = json["error"].clone();
    assert_eq!(result.meta, Some(json!({"nango-mcp/error": error})));
    for key in ["kind", "code", "message"] {
        assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {line}");
    }
    assert!(sentence.starts_with(error["message"].as_str().unwrap()), "{sentence}\n{line}");
    error
}

/// A request: the key as bearer (but on /health), the headers, and a body for writes only, deletes excepted.
#[track_caller]
fn request(config: &Config, sent: &Sent) {
    let header = |name: &str| sent.headers.iter().find(|(have, _)| *have == name).map(|(_, value)| value.as_str());
    assert_eq!(sent.origin, format!("{}://{}", if config.base.https { "https" } else { "http" }, config.base.authority));
    assert_eq!(header("accept"), Some("application/json"));
    assert!(header("user-agent").unwrap().starts_with("nango-mcp/"));
    assert_eq!(sent.bearer.is_none(), sent.line.ends_with("/health"), "{}", sent.line);
    let bodiless = sent.line.starts_with("GET ") || sent.line.starts_with("HEAD ");
    assert!(!bodiless || sent.body.is_none(), "{}", sent.line);
    assert!(sent.body.is_some() || bodiless || sent.line.starts_with("DELETE ") || sent.line.contains(" /proxy/"), "{}", sent.line);
    assert_eq!(header("content-type").is_some(), sent.body.is_some());
    assert_eq!(header("content-length").map(str::to_owned), sent.raw.as_ref().map(|body| body.len().to_string()));
    assert!(!sent.line.chars().any(|c| c.is_control()) && sent.line.split(' ').count() == 2, "{}", sent.line);
}

/// The published schema and the check agree, but for the rules that `RULES` lists and for `environment`.
#[track_caller]
fn agrees(config: &Config, name: &str, arguments: &Value, outcome: &Outcome) {
    // What of the configuration a schema depends on.
    let environments: Vec<&str> = config.environments.iter().map(|environment| environment.name.as_str()).collect();
    let key = format!("{name} {} {environments:?}", config.read_only);
    let complaint = complaint_of(&key, || tool(name).input_schema(config).into(), arguments);
    let of_environment = complaint.as_ref().is_some_and(|text| text.contains("environment"));
    let refused = outcome.error["kind"] == "argument";
    // In read-only mode the schema lists what only reads, and the policy refuses the rest.
    let refused = refused || (outcome.code() == "read_only" && complaint.is_some());
    match complaint {
        Some(complaint) if !refused && !of_environment => panic!("{name}: the schema refuses what was taken: {complaint}"),
        None if refused && !is_rule(outcome.code()) => {
            panic!("{name}: refused what the schema takes, by a code that RULES lacks: {}", outcome.text())
        }
        _ => {}
    }
}

/// Whether a code is that of a rule which no schema says.
pub(crate) fn is_rule(code: &str) -> bool {
    rules::RULES.iter().any(|rule| rule.code == code) || rules::FOUND_IN_ANSWERS.contains(&code)
}

thread_local! {
    /// Making a validator takes longer than a call.
    static VALIDATORS: RefCell<HashMap<String, Rc<jsonschema::Validator>>> = RefCell::default();
}

/// The first complaint of a JSON Schema validator.
pub(crate) fn complaint(schema: &Value, value: &Value) -> Option<String> {
    complaint_of(&schema.to_string(), || schema.clone(), value)
}

/// The same, of the validator of that name.
fn complaint_of(name: &str, schema: impl FnOnce() -> Value, value: &Value) -> Option<String> {
    let known = VALIDATORS.with_borrow(|known| known.get(name).cloned());
    let validator = known.unwrap_or_else(|| {
        let made = Rc::new(jsonschema::validator_for(&schema()).unwrap());
        VALIDATORS.with_borrow_mut(|known| known.insert(name.to_owned(), Rc::clone(&made)));
        made
    });
    let mut errors = validator.iter_errors(value);
    errors.next().map(|error| format!("{}: {error}", error.instance_path))
}

/// A call that is refused for one of its arguments: nothing is sent, and no value of an argument comes back.
#[track_caller]
pub(crate) fn refused(name: &str, arguments: &Value, code: &str, field: &str) -> Outcome {
    let nango = Table::new();
    let outcome = call(&nango, name, arguments);
    assert_eq!((outcome.error["kind"].as_str(), outcome.code()), (Some("argument"), code), "{arguments}\n{}", outcome.text());
    assert_eq!(outcome.error["field"].as_str().unwrap_or_default(), field, "{}", outcome.text());
    assert!(nango.sent().is_empty(), "something was sent");
    let mut values = Vec::new();
    texts(arguments, &mut values);
    for value in values.iter().filter(|value| value.chars().count() >= 6) {
        assert!(!outcome.text().contains(value.as_str()), "the value {value} is in the error: {}", outcome.text());
    }
    outcome
}

/// Every text in a value, keys excepted.
pub(crate) fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(object) => object.values().for_each(|item| texts(item, out)),
        _ => {}
    }
}

/// `base` with the members of `change` laid over it; null takes a member out.
pub(crate) fn with(base: &Value, change: Value) -> Value {
    let mut object: Map<String, Value> = base.as_object().unwrap().clone();
    let Value::Object(change) = change else { panic!("an object") };
    for (key, value) in change {
        match value {
            Value::Null => object.shift_remove(&key),
            value => object.insert(key, value),
        };
    }
    object.into()
}
