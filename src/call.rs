//! One tools/call through the house, and the list of tools: what every world exports in its own shape.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::project::{scan, scan_text};
use crate::tool::{Effect, Entry, nearest};
use crate::tools::TOOLS;
use crate::transport::Transport;

/// All arguments of a call together, in bytes of JSON text.
pub const MAX_ARGUMENTS: usize = 1280 * 1024;

/// A tool as a client sees it under one configuration.
#[derive(Debug)]
pub struct Listed {
    /// Where the rest is.
    pub entry: &'static Entry,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
    /// JSON Schema of the result.
    pub output_schema: Value,
}

/// The result of a call, as blocks of text.
#[derive(Debug, Clone, PartialEq)]
pub struct CallResult {
    /// The blocks, in order.
    pub text: Vec<String>,
    /// The structured result; never on an error, because clients hold it against the output schema.
    pub structured: Option<Value>,
    /// For `_meta`.
    pub meta: Option<Value>,
    /// Whether the call failed.
    pub is_error: bool,
}

/// Why there is no result at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// No such tool; the text may name the nearest.
    UnknownTool(String),
    /// The arguments are not the text of one JSON object, or are too large.
    MalformedArguments,
    /// The configuration cannot hold; the text names the variable.
    Configuration(String),
}

/// The tools this configuration offers, in the order of [`TOOLS`].
pub fn list_tools(config: &Config) -> Vec<Listed> {
    TOOLS
        .iter()
        .filter(|entry| !config.read_only || entry.effect == Effect::Read)
        .map(|entry| Listed { entry, input_schema: entry.input_schema(config).into(), output_schema: entry.output_schema().into() })
        .collect()
}

/// Call a tool. Every failure that the model can act on is a result.
///
/// # Errors
/// [`CallError`]: what a client should see as a protocol error.
pub fn call_tool(config: &Config, transport: &dyn Transport, name: &str, arguments: &str) -> Result<CallResult, CallError> {
    let entry = find(name)?;
    if arguments.len() > MAX_ARGUMENTS {
        return Err(CallError::MalformedArguments);
    }
    let arguments = match arguments.trim() {
        "" => Map::new(),
        text => match json::read(text.as_bytes()) {
            Some(Value::Object(arguments)) => arguments,
            _ => return Err(CallError::MalformedArguments),
        },
    };
    let mut cx = Context::new(config, transport);
    Ok(match entry.call(&mut cx, arguments) {
        Ok(mut result) => {
            scan(&mut result, config, entry.link);
            let structured = Value::Object(result);
            CallResult { text: vec![json::write(&structured)], structured: Some(structured), meta: None, is_error: false }
        }
        Err(error) => failed(&error, config),
    })
}

fn find(name: &str) -> Result<&'static Entry, CallError> {
    TOOLS.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let near = nearest(name, TOOLS.iter().map(|entry| entry.name));
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        let short: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        CallError::UnknownTool(format!("unknown tool {short}{near}"))
    })
}

fn failed(error: &Error, config: &Config) -> CallResult {
    let mut report = json::object([("error", error.to_json())]);
    scan(&mut report, config, false);
    let meta = json::object([("nango-mcp/error", report.get("error").cloned().unwrap_or_default())]);
    let sentence = scan_text(&error.sentence(), config);
    let text = vec![sentence, json::write(&report.into())];
    CallResult { text, structured: None, meta: Some(meta.into()), is_error: true }
}
