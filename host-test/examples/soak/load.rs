//! Clients that call and count: every call asks for a link for a person of its own, so that each can be accounted for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// No client waits longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client knows after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// There is a link.
    Made,
    /// There is none: the error says so.
    NotMade(String),
    /// There may be one: the error says so, or nothing came back at all.
    Perhaps(String),
}

/// A call, and what became of it.
pub(crate) struct Called {
    pub(crate) person: String,
    pub(crate) known: Known,
    /// The session that the link it was given is of.
    pub(crate) token: Option<String>,
}

static PEOPLE: AtomicU64 = AtomicU64::new(0);

pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

/// So many calls by so many clients at once.
pub(crate) async fn links(host: SocketAddr, clients: usize, calls: usize) -> Vec<Called> {
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            tokio::spawn(async move {
                let (http, mut all) = (client(), Vec::new());
                for _ in 0..calls {
                    let called = link(&http, host).await;
                    // Who gets no answer at all waits a little, as clients do: a host that comes again finds some left.
                    if matches!(&called.known, Known::Perhaps(why) if why.starts_with("no answer")) {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    all.push(called);
                }
                all
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap_or_default());
    }
    all
}

/// Somebody for whom nobody else asks, and the arguments that ask for a link for them.
pub(crate) fn somebody() -> (String, Value) {
    let person = format!("person-{}", PEOPLE.fetch_add(1, Ordering::Relaxed));
    let arguments = json!({"allowed_integrations": ["github"], "tags": {"end_user_id": person}});
    (person, arguments)
}

async fn link(http: &Http, host: SocketAddr) -> Called {
    let (person, arguments) = somebody();
    match call(http, host, "create_connect_session", &arguments).await {
        Err(error) => Called { person, known: Known::Perhaps(format!("no answer ({error})")), token: None },
        Ok(answer) => {
            let link = answer.pointer("/result/structuredContent/connect_link").and_then(Value::as_str);
            let token = link.and_then(|link| link.split("session_token=").nth(1)?.split('&').next()).map(str::to_owned);
            Called { person, known: judge(&answer), token }
        }
    }
}

fn judge(answer: &Value) -> Known {
    let at = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    if at("/result/structuredContent/connect_link").is_some() {
        return Known::Made;
    }
    let code = code(answer).or(at("/error/message")).unwrap_or("no code").to_owned();
    let said = at("/result/content/0/text").unwrap_or_default();
    if said.contains("may have taken effect") { Known::Perhaps(code) } else { Known::NotMade(code) }
}

/// Call a tool. An error is a connection or an HTTP status that is none of MCP's.
pub(crate) async fn call(http: &Http, host: SocketAddr, tool: &str, arguments: &Value) -> Result<Value> {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
    let request =
        Request::post(format!("http://{host}/mcp")).header("content-type", "application/json").body(Full::from(message.to_string()))?;
    let exchange = async {
        let answer = http.request(request).await.map_err(|_| anyhow::anyhow!("connection"))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|_| anyhow::anyhow!("broken off"))?.to_bytes();
        serde_json::from_slice::<Value>(&body).map_err(|_| anyhow::anyhow!("status {status}"))
    };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| anyhow::anyhow!("HANGS"))?
}

/// The code of an answer that is an error.
pub(crate) fn code(answer: &Value) -> Option<&str> {
    answer.pointer("/result/_meta/nango-mcp~1error/code")?.as_str()
}

/// How often each thing happened.
pub(crate) fn outcomes(calls: &[Called]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for called in calls {
        let name = match &called.known {
            Known::Made => "made".to_owned(),
            Known::NotMade(code) => format!("{code}: not made"),
            Known::Perhaps(code) => format!("{code}: perhaps"),
        };
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}

#[expect(clippy::disallowed_methods, reason = "a load test reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
