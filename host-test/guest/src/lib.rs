//! A component with the interface of nango-mcp whose tools misbehave: each name says how.

use std::time::Duration;

use nango_mcp::transport::{HttpRequest, Transport as _};
use nango_mcp::wasi_http::WasiHttp;

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated; wit/nango-mcp.wit documents it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "nango-mcp" });
}

use bindings::exports::nango::mcp::tools;

struct Guest;

bindings::export!(Guest with_types_in bindings);

impl tools::Guest for Guest {
    fn info() -> tools::ServerInfo {
        let text = || "misbehaving".to_owned();
        tools::ServerInfo { name: text(), title: text(), version: "0".to_owned(), instructions: text() }
    }

    fn list_tools() -> Result<Vec<tools::Tool>, tools::CallError> {
        Ok(Vec::new())
    }

    fn call_tool(call: tools::Call) -> Result<tools::Outcome, tools::CallError> {
        let text = match call.name.as_str() {
            "loop" => spin(),
            "wait" => {
                WasiHttp.sleep(Duration::from_secs(3600));
                "woke up".to_owned()
            }
            "grow" => hoard().to_string(),
            "trap" => core::arch::wasm32::unreachable(),
            "environment" => environment(),
            "variables" => variables(),
            "send" => send(&call.arguments),
            "fetch" => fetch("GET", &call.arguments),
            "post" => fetch("POST", &call.arguments),
            _ => return Err(tools::CallError::UnknownTool(call.name)),
        };
        let content = vec![tools::Content::Text(text)];
        Ok(tools::Outcome::Done(tools::CallResult { content, structured: None, meta: None, is_error: false }))
    }
}

/// Compute for ever.
fn spin() -> String {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

/// Take memory until there is none.
fn hoard() -> usize {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}

/// The names of all variables this instance can see.
#[expect(clippy::disallowed_methods, reason = "what the test is about")]
fn environment() -> String {
    let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    names.sort();
    names.join(" ")
}

/// Names and values of all variables this instance can see.
#[expect(clippy::disallowed_methods, reason = "what the test is about")]
fn variables() -> String {
    let mut all: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    all.sort();
    all.join("\n")
}

/// Send what stands in place of the arguments, a line each: method and URL, headers as `name: value`, and behind an empty
/// line the body. Tell how it went, with headers and body of the answer.
fn send(text: &str) -> String {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, url) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let (https, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.trim_start_matches("http://")),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = HttpRequest {
        method: ["GET", "HEAD", "POST", "PATCH", "DELETE"].into_iter().find(|known| *known == method).unwrap_or("GET"),
        https,
        authority: authority.to_owned(),
        path_with_query: format!("/{path}"),
        headers: headers.collect(),
        bearer: None,
        body: (!body.is_empty()).then(|| body.as_bytes().to_vec()),
        answer_cap: 8 << 20,
    };
    match WasiHttp.send(&[request], Duration::from_secs(5)).pop() {
        Some(Ok(answer)) => format!("{} {:?}\n{}", answer.status, answer.headers, String::from_utf8_lossy(&answer.body)),
        Some(Err(error)) => format!("{error:?}"),
        None => "nothing".to_owned(),
    }
}

/// Send a request to the URL that stands in place of the arguments, a POST with 100 kB, and tell how it went.
fn fetch(method: &'static str, url: &str) -> String {
    let (https, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.trim_start_matches("http://")),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let request = HttpRequest {
        method,
        https,
        authority: authority.to_owned(),
        path_with_query: format!("/{path}"),
        headers: Vec::new(),
        bearer: Some(nango_mcp::Secret::new("host:default")),
        body: (method == "POST").then(|| vec![b'x'; 100_000]),
        answer_cap: 1 << 20,
    };
    match WasiHttp.send(&[request], Duration::from_secs(5)).pop() {
        Some(Ok(answer)) => format!("status {}", answer.status),
        Some(Err(error)) => format!("{error:?}"),
        None => "nothing".to_owned(),
    }
}
