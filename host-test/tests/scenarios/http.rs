//! MCP over HTTP: the main component's own endpoint, and the host's.

use base64::Engine as _;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::sandbox::Sandbox;
use serde_json::{Value, json};

use super::super::bench::component;
use super::super::endpoint::cases::Case;
use super::super::endpoint::{self, Endpoint, OPEN};
use super::entry::{Calling, Entry, Said};

/// `wasi:http/incoming-handler`.
pub(crate) struct Component;

impl Entry for Component {
    fn name(&self) -> &'static str {
        "http"
    }

    fn call<'a>(&'a self, vars: &'a [(String, String)], tool: &'a str, arguments: &'a Value) -> Calling<'a> {
        Box::pin(async move {
            let open = (OPEN.0.to_owned(), OPEN.1.to_owned());
            let vars: Vec<(String, String)> = vars.iter().cloned().chain([open]).collect();
            ask(&endpoint::component(&vars).await, tool, arguments).await
        })
    }
}

/// The host's, on rmcp.
pub(crate) struct Host;

impl Entry for Host {
    fn name(&self) -> &'static str {
        "host"
    }

    fn call<'a>(&'a self, vars: &'a [(String, String)], tool: &'a str, arguments: &'a Value) -> Calling<'a> {
        Box::pin(async move {
            let started = async {
                let grant = nango_mcp_host::settings::grant(&vars.to_vec())?;
                Server::start(Sandbox::load(&component(), grant, Limits::default())?, false).await
            };
            match started.await {
                Ok(server) => ask(&endpoint::host(&server).await, tool, arguments).await,
                Err(error) => Said::Refused(format!("{error:#}")),
            }
        })
    }
}

/// One call of MCP 2026-07-28.
async fn ask(endpoint: &Endpoint, tool: &str, arguments: &Value) -> Said {
    let mut case = Case::stateless("tools/call", json!({"name": tool, "arguments": arguments}));
    case.name = "scenario";
    let answer = endpoint::send(endpoint.address, case.method, case.path, &case.headers(), case.body.as_bytes()).await;
    let body = answer.json();
    let result = &body["result"];
    if result.is_null() {
        return Said::Refused(body["error"].to_string());
    }
    let content: Vec<&Value> = result["content"].as_array().unwrap().iter().collect();
    if result["isError"] == true {
        let texts: Vec<&str> = content.iter().map(|block| block["text"].as_str().unwrap()).collect();
        return Said::error(&texts);
    }
    let decode = |blob: &str| base64::engine::general_purpose::STANDARD.decode(blob).unwrap();
    let files = content.iter().filter_map(|block| block["resource"]["blob"].as_str()).map(decode).collect();
    Said::Result { structured: result["structuredContent"].clone(), files }
}
