//! One tools/call through the house, and the list of tools: what every world exports in its own shape.

use serde_json::Value;

use crate::ask::{self, Handover, Needs, Person};
use crate::config::{Config, Delivery};
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
    /// What it may do under this configuration, at worst.
    pub effect: Effect,
}

/// A file that a result carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// An identifier; nothing that could be fetched.
    pub uri: String,
    /// The media type, where the provider said one.
    pub media_type: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The result of a call, as blocks of text and files.
#[derive(Debug, Clone, PartialEq)]
pub struct CallResult {
    /// The blocks, in order.
    pub text: Vec<String>,
    /// Files, behind the text.
    pub files: Vec<File>,
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
        .filter(|entry| entry.is_offered(config))
        .map(|entry| Listed {
            entry,
            input_schema: entry.input_schema(config).into(),
            output_schema: entry.output_schema().into(),
            effect: entry.effect_under(config),
        })
        .collect()
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The tool.
    pub name: &'a str,
    /// The text of one JSON object.
    pub arguments: &'a str,
    /// The client in front, and what it brought back of questions.
    pub person: Person<'a>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// With a result.
    Done(CallResult),
    /// With a question; never for a client that cannot ask.
    Asks(Box<Needs>),
}

/// Call a tool for a client that cannot ask anybody.
///
/// # Errors
/// As [`call`].
pub fn call_tool(config: &Config, transport: &dyn Transport, name: &str, arguments: &str) -> Result<CallResult, CallError> {
    match call(config, transport, &Call { name, arguments, person: Person::default() })? {
        Outcome::Done(result) => Ok(result),
        Outcome::Asks(needs) => Ok(needs.otherwise),
    }
}

/// Call a tool. Every failure that the model can act on is a result.
///
/// # Errors
/// [`CallError`]: what a client should see as a protocol error.
pub fn call(config: &Config, transport: &dyn Transport, call: &Call<'_>) -> Result<Outcome, CallError> {
    let Call { name, arguments, person } = *call;
    let entry = find(name)?;
    if !config.offers(entry) {
        let say = format!("the operator does not offer {name} (NANGO_MCP_TOOLSETS, NANGO_MCP_TOOLS)");
        return Err(CallError::UnknownTool(say));
    }
    if arguments.len() > MAX_ARGUMENTS {
        return Err(CallError::MalformedArguments);
    }
    let Some(arguments) = entry.read(arguments.trim()) else { return Err(CallError::MalformedArguments) };
    let handover = Handover::of(config, entry, person.client, &arguments);
    // The answer to a question that this call would put.
    if handover == Handover::Client
        && entry.is_offered(config)
        && let Some(opened) = ask::opened(entry, person, config)
    {
        return Ok(Outcome::Done(opened.map_or_else(|error| failed(&error, config), |result| ask::done(result, Vec::new()))));
    }
    let mut cx = Context::new(config, transport);
    cx.handover = handover;
    let (question, state, otherwise) = match entry.call(&mut cx, arguments, person) {
        Ok(mut result) => {
            result.retain(|field, value| !NEXT.contains(&field.as_str()) || is_callable(value, config));
            scan(&mut result, config, entry.link);
            if cx.handover == Handover::Text || result.get("connect_link").is_none_or(Value::is_null) {
                return Ok(Outcome::Done(ask::done(result, cx.files())));
            }
            let otherwise = ask::done(result.clone(), Vec::new());
            let (question, state) = ask::open_link(result, config);
            (question, state, otherwise)
        }
        Err(error) => {
            let otherwise = failed(&error, config);
            match cx.question.take() {
                None => return Ok(Outcome::Done(otherwise)),
                Some((question, state)) => (question, state, otherwise),
            }
        }
    };
    // Under `elicit` not even the fallback carries the link.
    let otherwise = if config.delivery == Delivery::Elicit && question.key == ask::OPEN {
        Handover::None.check().map_or_else(|error| failed(&error, config), |()| otherwise)
    } else {
        otherwise
    };
    Ok(Outcome::Asks(Box::new(Needs { question, state, otherwise })))
}

/// The fields of results that name a further call.
const NEXT: [&str; 2] = ["next", "after_connect"];

/// Whether a further call is of a tool that the operator offers.
fn is_callable(next: &Value, config: &Config) -> bool {
    let tool = next.get("tool").and_then(Value::as_str);
    config.offered().any(|name| Some(name) == tool)
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
    CallResult { text, files: Vec::new(), structured: None, meta: Some(meta.into()), is_error: true }
}
