//! MCP: one JSON-RPC message in, one answer out, with the HTTP status that goes with it.
//!
//! Pure, and without memory between messages. Two eras meet at one endpoint (MCP 2026-07-28, basic/versioning): the
//! stateless revision, whose requests carry their version in `_meta` and in headers, and the three before it, which begin
//! with `initialize`. A message is taken apart as text, and its arguments become values only when the tool reads them.

mod envelope;
mod era;
mod results;

use serde_json::{Map, Value};

use self::envelope::{Envelope, Params};
use self::era::Era;
pub use self::era::{LEGACY, MODERN};
use crate::ask::{Client, Person};
use crate::call::{Call, CallError, Outcome, call, list_tools};
use crate::config::{Config, ConfigError};
use crate::json;
use crate::transport::Transport;

/// What clients are told about arguments that are none: see [`CallError::MalformedArguments`].
pub const MALFORMED: &str = "arguments must be one JSON object of at most 1.25 MiB, and of less where it holds very many small values";

/// How long clients may keep the list of tools, in milliseconds: it changes with the configuration, so with a restart.
pub const LIST_TTL_MS: u64 = 300_000;

/// One message as it came over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Message<'a> {
    /// The header MCP-Protocol-Version.
    pub version: Option<&'a str>,
    /// The header Mcp-Method.
    pub method: Option<&'a str>,
    /// The header Mcp-Name.
    pub name: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// The answer to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// A JSON-RPC response on one line; nothing for a notification.
    pub body: Option<String>,
}

/// A protocol error (JSON-RPC 2.0, section 5.1; MCP 2026-07-28, basic/index "error codes").
#[derive(Debug)]
struct Failure {
    status: u16,
    code: i32,
    message: String,
    data: Option<Value>,
}

impl Failure {
    fn new(status: u16, code: i32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), data: None }
    }

    /// The message is JSON, but no request.
    fn invalid(message: &str) -> Self {
        Self::new(400, -32600, message)
    }

    /// The params do not fit the method. The call was understood, so the status is that of an answer.
    fn params(message: impl Into<String>) -> Self {
        Self::new(200, -32602, message)
    }

    fn reply(self, id: Option<&str>) -> Reply {
        let mut error = json::object([("code", self.code.into()), ("message", json::text(&self.message))]);
        if let Some(data) = self.data {
            json::put(&mut error, "data", data);
        }
        Reply { status: self.status, body: Some(response(id, "error", error)) }
    }
}

/// A JSON-RPC response; its id is null where the request had none that could be read (JSON-RPC 2.0, section 5).
#[inline(never)]
fn response(id: Option<&str>, member: &str, value: Map<String, Value>) -> String {
    let mut out = String::from("{\"jsonrpc\":\"2.0\",\"id\":");
    for part in [id.unwrap_or("null"), ",\"", member, "\":"] {
        out.push_str(part);
    }
    out.push_str(&json::write(&value.into()));
    out.push('}');
    out
}

/// An error outside any request: what an endpoint answers to what is no message.
pub fn refusal(message: &str) -> String {
    Failure::invalid(message).reply(None).body.unwrap_or_default()
}

/// Answer one message. `config` is that of this message: where it cannot hold, the server still says who it is, and what
/// needs it names the variable.
pub fn answer(config: &Result<Config, ConfigError>, transport: &dyn Transport, message: &Message<'_>) -> Reply {
    let envelope = match Envelope::read(message.body) {
        Ok(envelope) => envelope,
        Err(failure) => return failure.reply(None),
    };
    let id = envelope.id;
    let request = match Request::of(message, &envelope) {
        Ok(Some(request)) => request,
        Ok(None) => return Reply { status: 202, body: None },
        Err(failure) => return failure.reply(id),
    };
    match request.act(config, transport) {
        Ok(result) => Reply { status: 200, body: Some(response(id, "result", result)) },
        Err(failure) => failure.reply(id),
    }
}

/// What is wrong with a message before anybody does what it says: the answer that [`answer`] would give, for a server
/// that answers the rest by other means.
pub fn objection(message: &Message<'_>) -> Option<Reply> {
    match Envelope::read(message.body) {
        Ok(envelope) => Request::of(message, &envelope).err().map(|failure| failure.reply(envelope.id)),
        Err(failure) => Some(failure.reply(None)),
    }
}

/// The methods of this server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Discover,
    Initialize,
    Ping,
    List,
    Call,
}

impl Method {
    fn of(name: &str, era: Era) -> Option<Self> {
        let modern = era == Era::Modern;
        match name {
            "server/discover" if modern => Some(Self::Discover),
            "initialize" if !modern => Some(Self::Initialize),
            "ping" if !modern => Some(Self::Ping),
            "tools/list" => Some(Self::List),
            "tools/call" => Some(Self::Call),
            _ => None,
        }
    }
}

/// A request that is understood.
struct Request<'a> {
    era: Era,
    method: Method,
    params: Params<'a>,
}

impl<'a> Request<'a> {
    /// Nothing for a notification, for whose answer nobody waits.
    fn of(message: &Message<'_>, envelope: &Envelope<'a>) -> Result<Option<Self>, Failure> {
        let name = envelope.method()?;
        // A request without an id is a notification, whatever its method: what nobody can be told of is not done.
        if envelope.id.is_none() {
            return Ok(None);
        }
        let params = Params::read(envelope.params)?;
        let era = Era::of(message, name, &params)?;
        match Method::of(name, era) {
            Some(method) => Ok(Some(Self { era, method, params })),
            None => Err(Failure::new(if era == Era::Modern { 404 } else { 200 }, -32601, "this server has no such method")),
        }
    }

    fn act(self, config: &Result<Config, ConfigError>, transport: &dyn Transport) -> Result<Map<String, Value>, Failure> {
        let params = self.params;
        let mut result = match self.method {
            Method::Discover => results::discover(),
            Method::Initialize => results::initialize(&params)?,
            Method::Ping => json::empty(),
            Method::List if params.cursor.is_some() => return Err(Failure::params("unknown cursor: the list has one page")),
            Method::List => results::listed(&list_tools(valid(config)?), self.era),
            Method::Call => {
                let name = params.name().ok_or_else(|| Failure::params("the params of tools/call name a tool in `name`"))?;
                let arguments = params.arguments.unwrap_or("{}");
                // Only a stateless request says what its client can do, and may be answered with a question.
                let (client, answers) = if self.era == Era::Modern {
                    (params.client, params.answers.as_slice())
                } else {
                    (Client::default(), Default::default())
                };
                let person = Person { client, answers, state: params.state.as_deref() };
                match call(valid(config)?, transport, &Call { name: &name, arguments, person }).map_err(refused)? {
                    Outcome::Done(result) => results::called(result),
                    Outcome::Asks(needs) => return Ok(results::asks(*needs)),
                }
            }
        };
        if self.era == Era::Modern {
            json::put(&mut result, "resultType", json::text("complete"));
        }
        if !matches!(self.method, Method::Initialize | Method::Ping) {
            results::sign(&mut result);
        }
        Ok(result)
    }
}

fn valid(config: &Result<Config, ConfigError>) -> Result<&Config, Failure> {
    config.as_ref().map_err(|error| Failure::new(200, -32603, error.to_string()))
}

fn refused(error: CallError) -> Failure {
    match error {
        CallError::UnknownTool(text) => Failure::params(text),
        CallError::MalformedArguments => Failure::params(MALFORMED),
        CallError::Configuration(text) => Failure::new(200, -32603, text),
    }
}
