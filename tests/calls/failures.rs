//! Every kind of failure at every request of every tool: an error with a code and a remedy that says how far the call
//! came, or a result that says what is missing. Never a success that hides it.

use std::collections::BTreeSet;

use nango_mcp::transport::TransportError;
use serde_json::{Value, json};

use crate::samples::branches::{self, Branch};
use crate::table::{Answered, Outcome, call, http};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Nango says no.
    Refused,
    /// A success that is none.
    Garbled,
    /// No answer; whether the request may have arrived.
    Lost(bool),
}

/// A failure: what it is called, its class, the answer.
struct Failure {
    name: String,
    class: Class,
    answer: Answered,
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

const TRANSPORT: &[(TransportError, bool)] = &[
    (TransportError::Denied, false),
    (TransportError::Refused, false),
    (TransportError::Unresolved, false),
    (TransportError::Tls, false),
    (TransportError::Timeout, true),
    (TransportError::Broken, true),
    (TransportError::TooLarge, true),
    (TransportError::Protocol, true),
];

/// The four shapes of Nango's errors, by the code they carry (observed).
fn shapes(code: &str) -> Vec<Value> {
    let said = "Nango's own words";
    vec![
        json!({"error": {"code": code, "errors": [{"code": "custom", "message": said, "path": ["a", "1"]}]}}),
        json!({"error": {"code": code, "message": said}}),
        json!({"error": {"code": code}}),
        json!({"error": {"message": said, "code": code, "payload": {"connection": {"errors": []}}}}),
        json!({"message": said, "code": code, "method": "get"}),
    ]
}

fn failures() -> Vec<Failure> {
    let mut all = Vec::new();
    let mut add = |name: String, class, answer| all.push(Failure { name, class, answer });
    for (status, codes) in [
        (400, &["invalid_body", "unknown_provider_config", "unknown_connection", "invalid_credentials", "server_error"][..]),
        (401, &["unknown_account"]),
        (402, &["plan_limit"]),
        (403, &["forbidden"]),
        (404, &["not_found", "unknown_provider_config"]),
        (409, &["conflict"]),
        (422, &["unprocessable"]),
        (424, &["connection_refresh_backoff", "invalid_credentials"]),
        (429, &["too_many_request", "rate_limit_exceeded"]),
        (500, &["generic_error_support", "ECONNREFUSED"]),
        (502, &["bad_gateway"]),
        (503, &["server_error"]),
    ] {
        for code in codes {
            for (at, body) in shapes(code).into_iter().enumerate() {
                // Longer than a call waits for.
                add(format!("{status} {code} {at}"), Class::Refused, Ok(http(status, &[JSON, ("retry-after", "100")], body.to_string())));
            }
        }
    }
    let scope = json!({"error": {"code": "forbidden", "message": "Insufficient scope. Required: environment:some:scope"}});
    add("403 scope".into(), Class::Refused, Ok(http(403, &[JSON], scope.to_string())));
    for status in [200, 201, 400, 401, 404, 500, 502] {
        add(format!("{status} page"), Class::Refused, Ok(http(status, &[HTML], "<!doctype html><title>Sign in</title>")));
    }
    for status in [301, 302, 303, 307, 308] {
        add(format!("{status} redirect"), Class::Refused, Ok(http(status, &[("location", "https://elsewhere.example/")], "")));
    }
    for status in [400, 404, 429, 500, 502] {
        for body in
            ["", "null", "[]", "7", "\"no\"", "{", "{}", "{\"error\":[]}", "{\"error\":{}}", "{\"error\":{\"code\":7,\"message\":{}}}"]
        {
            add(format!("{status} {body}"), Class::Refused, Ok(http(status, &[JSON, ("retry-after", "100")], body)));
        }
    }
    for body in [
        "",
        "null",
        "[]",
        "7",
        "true",
        "\"text\"",
        "ok",
        "\0",
        "{\"data\":",
        "{\"connections\":[{\"id\":1",
        "{\"data\":[",
        "{\"data\":{}}{",
        "{\"data\":null,\"connections\":null,\"success\":null}",
        "{\"data\":7,\"connections\":7,\"success\":7}",
        "{\"data\":{},\"connections\":{},\"success\":\"true\",\"metadata\":[]}",
        "{\"data\":[7],\"connections\":[7],\"success\":false,\"metadata\":null}",
        "{\"error\":{\"code\":\"server_error\"}}",
    ] {
        add(format!("200 {body}"), Class::Garbled, Ok(http(200, &[JSON], body)));
    }
    add("204".into(), Class::Garbled, Ok(http(204, &[], "")));
    for (error, arrived) in TRANSPORT {
        add(format!("{error:?}"), Class::Lost(*arrived), Err(*error));
    }
    all
}

fn is_write(line: &str) -> bool {
    !line.starts_with("GET ") && !line.starts_with("HEAD ")
}

fn is_unrefreshed(failure: &Failure) -> bool {
    failure.name.contains("invalid_credentials") || failure.name.contains("connection_refresh_backoff")
}

/// One failure of the request at `step` of a call that makes `lines` when all goes well.
struct Case<'a> {
    branch: &'a Branch,
    lines: &'a [String],
    step: usize,
    failure: &'a Failure,
}

impl Case<'_> {
    fn line(&self) -> &str {
        &self.lines[self.step]
    }

    #[track_caller]
    fn check(&self, documented: &BTreeSet<String>) {
        let (arguments, nango) = self.branch.make();
        let outcome = call(&nango.broken_at(self.step, self.failure.answer.clone()), self.branch.tool, &arguments);
        if outcome.result.is_error {
            self.check_error(&outcome, documented);
        } else {
            assert!(self.is_told(&outcome), "{}: hides it: {}", self.name(), outcome.text());
        }
    }

    fn name(&self) -> String {
        format!("{} ({}), {} answered with {}", self.branch.tool, self.branch.what, self.line(), self.failure.name)
    }

    /// An error names its kind, has a code that is documented or Nango's, a remedy, and says how far the call came.
    #[track_caller]
    fn check_error(&self, outcome: &Outcome, documented: &BTreeSet<String>) {
        let (error, name) = (&outcome.error, self.name());
        let code = outcome.code();
        assert!(["nango", "transport"].contains(&error["kind"].as_str().unwrap()), "{name}: {}", outcome.text());
        let nangos = self.failure.name.contains(code) && self.failure.class == Class::Refused;
        assert!(documented.contains(code) || nangos, "{name}: the code {code} is documented nowhere");
        match error["kind"].as_str() {
            Some("nango") => assert!(error["hint"].as_str().is_some_and(|hint| hint.len() > 10), "{name}: no remedy: {}", outcome.text()),
            _ => assert!(outcome.sentence().contains([':', ';']), "{name}: no remedy: {}", outcome.text()),
        }
        let sent = outcome.lines();
        let done = |list: &str| error[list].as_array().is_some_and(|list| !list.is_empty());
        if self.lines[..self.step].iter().any(|line| is_write(line)) {
            assert!(done("done"), "{name}: does not say what was done: {}", outcome.text());
        }
        if is_write(self.line()) {
            let unknown = error["outcome_unknown"] == true;
            match self.failure.class {
                Class::Lost(arrived) => assert_eq!(unknown, arrived, "{name}: {}", outcome.text()),
                Class::Garbled => assert!(unknown || done("done"), "{name}: the write may have been done: {}", outcome.text()),
                // What fails inside Nango, or in a gateway before it, may have been done.
                Class::Refused if error["status"].as_u64().is_some_and(|status| status >= 500) => {
                    assert!(unknown, "{name}: {}", outcome.text())
                }
                Class::Refused => assert!(!unknown, "{name}: {}", outcome.text()),
            }
        }
        // What fails only to refresh a token leaves enough to go on with.
        let went_on = is_unrefreshed(self.failure) && self.line().starts_with("GET /connections/");
        assert!(went_on || !sent[self.step + 1..].iter().any(|line| is_write(line)), "{name}: went on to write: {sent:?}");
    }

    /// Whether a success says that something failed: only where a tool is documented to go on.
    fn is_told(&self, outcome: &Outcome) -> bool {
        let value = outcome.value();
        let holds = |list: &str| value[list].as_array().is_some_and(|list| !list.is_empty());
        let refused = is_unrefreshed(self.failure);
        let scope = self.failure.name.contains("scope");
        let (line, first) = (self.line(), self.step == 0);
        let connection = line.starts_with("GET /connections/");
        match self.branch.tool {
            // It reports instead of failing.
            "check_environment" => {
                let reported = holds("problems") || value["scopes"].to_string().contains("missing");
                // Without /health the other answers show the same; and not to know a provider is an answer.
                let of_its_form = self.failure.name.starts_with("200 {\"data\":[7]") || self.failure.name.starts_with("200 {\"data\":{},");
                reported
                    || of_its_form
                    || line.ends_with("/health")
                    || (line.starts_with("GET /providers/") && self.failure.name.starts_with("404"))
            }
            // What the provider says is data.
            "proxy_request" => {
                let status = self.failure.answer.as_ref().map(|answer| answer.status).unwrap_or_default();
                value["status"] == status && value["ok"] == (200..300).contains(&status)
            }
            "download_provider_file" => {
                self.failure.answer.as_ref().is_ok_and(|answer| answer.status / 100 == 2 && !answer.body.is_empty())
            }
            // What passes by itself is waited out; that an integration exists is a courtesy.
            "wait_for_connection" => {
                let passing = |status: u16| status == 429 || status >= 500;
                let passes = match &self.failure.answer {
                    Ok(answer) => passing(answer.status),
                    Err(error) => matches!(error, TransportError::Timeout | TransportError::Broken | TransportError::Refused),
                };
                passes && outcome.sent.len() > 2
                    || passes && !line.contains("connections?") && outcome.sent.len() > 1
                    || line == "GET /integrations"
                    || connection && refused
            }
            "ensure_connection" => connection && (refused || scope && holds("warnings")),
            "get_connect_session" => self.failure.name.contains("401 unknown_connect_session_token") && value["status"] == "expired",
            "cancel_connect_session" => {
                let gone = self.failure.name.contains("401 unknown_connect_session_token") && value["was_open"] == false;
                // Which is what Nango answers with.
                gone || self.failure.name == "204"
            }
            "search_provider_templates" => scope && line == "GET /integrations" && holds("warnings"),
            // What is too much for one answer is counted in pages.
            "delete_integration" if self.failure.name == "TooLarge" => value["connections_removed"].is_number(),
            "delete_integration" | "import_connection" => scope && line.starts_with("GET /connections?") && holds("warnings"),
            "replace_connection_tags" => connection && (refused || scope && holds("warnings")),
            "update_connection_metadata" => connection && (refused || value["read_back"] == false && holds("warnings")),
            "get_connection_context" if connection => refused && value["health"] == "reconnect_required",
            "get_connection_context" => holds("warnings") && !first,
            "create_reconnect_session" if connection => refused || scope && holds("warnings"),
            // The auth mode only makes a warning more exact.
            "create_reconnect_session" => line.starts_with("GET /providers/") && holds("warnings"),
            "update_integration" => {
                let links = value["reconnect_links"].as_array().unwrap();
                let warned = links.iter().any(|link| link["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty()));
                holds("not_done") || (connection && (refused || scope && warned)) || (line.starts_with("GET /providers/") && warned)
            }
            "apply_connection_convention" => connection && refused && holds("warnings"),
            // A failed refresh leaves what the list says.
            "update_connection_end_user" => connection && refused,
            // What was expired is tried again.
            "refresh_connection_credentials" => first && refused && value["refreshed"] == true,
            _ => false,
        }
    }
}

/// Codes in docs/errors.md.
fn documented() -> BTreeSet<String> {
    let text = std::fs::read_to_string("docs/errors.md").unwrap();
    text.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect()
}

#[test]
fn no_failure_of_any_request_passes_for_a_success() {
    let (failures, documented) = (failures(), documented());
    let (mut steps, mut cases) = (0, 0);
    let mut tools = BTreeSet::new();
    for branch in branches::all() {
        let (arguments, nango) = branch.make();
        let outcome = call(&nango, branch.tool, &arguments);
        assert!(!outcome.result.is_error, "{} ({}): {}", branch.tool, branch.what, outcome.text());
        let lines: Vec<String> = outcome.lines().into_iter().map(str::to_owned).collect();
        for step in 0..lines.len() {
            for failure in &failures {
                Case { branch: &branch, lines: &lines, step, failure }.check(&documented);
                cases += 1;
            }
            steps += 1;
            tools.insert(branch.tool);
        }
    }
    println!("failures: {} tools, {steps} requests x {} failures = {cases} cases, 0 hidden", tools.len(), failures.len());
    assert!(tools.len() >= 24 && steps >= 70 && failures.len() >= 150, "{} tools, {steps} requests", tools.len());
}
