//! One call in several ways, in turns: natively, through the sandbox, through MCP.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::sandbox::Sandbox;
use nango_mcp_host::settings;
use serde_json::{Value, json};

use crate::host::{HOST, Host, KEY, file, is_good, link};
use crate::stub::ASKED;
use crate::{now, percentiles};

/// The ways.
pub(crate) const WAYS: [&str; 6] = [
    "native client, pooled connection",
    "a fresh instance that does nothing",
    "a call in a fresh instance that sends nothing",
    "the same request through the sandbox",
    "the same through MCP on stdio and the sandbox",
    "the same through the other host",
];
pub(crate) const NATIVE: usize = 0;
pub(crate) const NOTHING: usize = 1;
pub(crate) const SANDBOX: usize = 3;
pub(crate) const STDIO: usize = 4;
const OTHER: usize = 5;

/// A tool, the requests it makes (of [`ASKED`]), and one round in how many: large answers take milliseconds.
fn cases() -> [(&'static str, Value, &'static [usize], usize); 4] {
    let (tool, arguments) = link();
    [
        ("list_integrations", json!({"environment": "default"}), &[0], 1),
        (tool, arguments, &[1], 1),
        ("list_connections", json!({"environment": "default", "limit": 200}), &[2], 5),
        ("search_provider_templates", json!({"environment": "default", "query": "acme"}), &[3, 0], 5),
    ]
}

type Http = Client<HttpConnector, Full<Bytes>>;

/// Measure against this Nango; an array of cases, each with its ways as percentiles in microseconds.
pub(crate) async fn measure(base: &str, rounds: usize, other: Option<&String>) -> Result<Value> {
    let vars = vec![("NANGO_BASE_URL".to_owned(), base.to_owned()), ("NANGO_SECRET_KEY".to_owned(), KEY.to_owned())];
    let sandbox = Sandbox::load(&file("dist/nango-mcp.wasm"), settings::grant(&vars)?, Limits::default())?;
    let server = Server::start(sandbox.clone(), false).await?;
    let vars = [("NANGO_BASE_URL", base), ("NANGO_SECRET_KEY", KEY)];
    let mut stdio = Host::start(&[], &file(HOST), &[], &vars)?;
    stdio.hello()?;
    let mut other = other.map(|path| Host::start(&[], Path::new(path), &[], &vars)).transpose()?;
    other.as_mut().map(Host::hello).transpose()?;
    let client: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut all = Vec::new();
    for (tool, arguments, requests, share) in cases() {
        let rounds = rounds / share;
        let (mut times, mut errors) = ([const { Vec::new() }; WAYS.len()], 0_usize);
        for round in 0..rounds / 10 + rounds {
            let text = arguments.to_string();
            let mut took = [Duration::ZERO; WAYS.len()];
            let begun = now();
            for request in requests.iter().filter_map(|at| ASKED.get(*at)) {
                errors += usize::from(!native(&client, base, *request).await?);
            }
            took[NATIVE] = begun.elapsed();
            let begun = now();
            errors += usize::from(sandbox.info().await.is_err());
            took[NOTHING] = begun.elapsed();
            let begun = now();
            errors += usize::from(!good(&server, "list_environments", "{}").await);
            took[NOTHING + 1] = begun.elapsed();
            let begun = now();
            errors += usize::from(!good(&server, tool, &text).await);
            took[SANDBOX] = begun.elapsed();
            // Who comes second finds another cache: the two hosts take turns at it.
            let mut hosts = [(STDIO, Some(&mut stdio)), (OTHER, other.as_mut())];
            if round % 2 == 1 {
                hosts.reverse();
            }
            for (at, host) in hosts {
                let (Some(host), Some(took)) = (host, took.get_mut(at)) else { continue };
                let begun = now();
                let answer = host.call(tool, &arguments)?;
                *took = begun.elapsed();
                // What a client makes of the line is the client's time.
                errors += usize::from(!is_good(&answer));
            }
            if round >= rounds / 10 {
                times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
            }
        }
        ensure!(errors == 0, "{tool}: {errors} errors; a comparison with errors is worthless");
        let asked: Vec<String> =
            requests.iter().filter_map(|at| ASKED.get(*at)).map(|(method, path, _)| format!("{method} {path}")).collect();
        let ways = if other.is_some() { WAYS.len() } else { OTHER };
        let ways: Vec<Vec<f64>> = times.into_iter().take(ways).map(percentiles).collect();
        all.push(json!({"tool": tool, "asked": asked.join(", "), "rounds": rounds, "ways": ways}));
    }
    Ok(Value::Array(all))
}

async fn good(server: &Server, tool: &str, arguments: &str) -> bool {
    server.call(tool, arguments).await.is_ok_and(|result| result.is_error == Some(false))
}

async fn native(client: &Http, base: &str, (method, path, body): (&str, &str, &str)) -> Result<bool> {
    let mut request = Request::builder().method(method).uri(format!("{base}{path}")).header("authorization", format!("Bearer {KEY}"));
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let answer = client.request(request.body(Full::from(body.to_owned()))?).await?;
    let ok = answer.status().is_success();
    let body = answer.into_body().collect().await?.to_bytes();
    // The same work as the tool: the answer is parsed.
    let parsed: Value = serde_json::from_slice(&body)?;
    Ok(ok && parsed.is_object())
}
