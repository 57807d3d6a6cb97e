//! MCP: one JSON-RPC message in, one answer out, with the HTTP status that goes with it.
//!
//! Pure, and without memory between messages. Two eras meet at one endpoint (MCP 2026-07-28, basic/versioning): the
//! stateless revision, whose requests carry their version in `_meta` and in headers, and the three before it, which begin
//! with `initialize`. A message is taken apart as text, and its arguments become values only when the tool reads them.

mod envelope;
mod era;
mod prompts;
mod resources;
mod results;

use serde_json::{Map, Value};

use self::envelope::{Envelope, Params};
use self::era::Era;
pub use self::era::{LEGACY, MODERN};
pub use self::prompts::{prompt, prompts};
pub use self::resources::{INTEGRATIONS, MEDIA_TYPE, Resource, UNKNOWN_RESOURCE, resources};
use crate::ask::{Client, Person};
use crate::call::{Call, CallError, Outcome, call, list_tools};
use crate::config::{Config, ConfigError};
use crate::json;
use crate::tools::TOOLS;
use crate::transport::Transport;

/// What clients are told about arguments that are none: see [`CallError::MalformedArguments`].
pub const MALFORMED: &str = "arguments must be one JSON object of at most 1.25 MiB, and of less where it holds very many small values";

/// How long clients may keep a list, in milliseconds: it changes with the configuration, so with a restart.
pub const LIST_TTL_MS: u64 = 300_000;

/// Whether a tool of that name is offered: who knows, knows which prompts and resources are.
pub type Offers<'a> = &'a dyn Fn(&str) -> bool;

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
/// One pointer, because it is in the result of every step.
#[derive(Debug)]
struct Failure(Box<Failed>);

#[derive(Debug)]
struct Failed {
    status: u16,
    code: i32,
    message: String,
    data: Value,
}

impl Failure {
    fn new(status: u16, code: i32, message: &str) -> Self {
        Self::with(status, code, message, Value::Null)
    }

    #[inline(never)]
    fn with(status: u16, code: i32, message: &str, data: Value) -> Self {
        Self(Box::new(Failed { status, code, message: message.to_owned(), data }))
    }

    /// The message is JSON, but no request.
    fn invalid(message: &str) -> Self {
        Self::new(400, -32600, message)
    }

    /// The params do not fit the method. The call was understood, so the status is that of an answer.
    fn params(message: &str) -> Self {
        Self::new(200, -32602, message)
    }

    fn reply(self, id: Option<&str>) -> Reply {
        let failed = *self.0;
        let mut error = json::object([("code", failed.code.into()), ("message", failed.message.into())]);
        json::put_if(&mut error, "data", failed.data);
        Reply { status: failed.status, body: Some(response(id, "error", error)) }
    }
}

/// A JSON-RPC response; its id is null where the request had none that could be read (JSON-RPC 2.0, section 5).
#[inline(never)]
fn response(id: Option<&str>, member: &str, value: Map<String, Value>) -> String {
    let mut out = String::from("{\"jsonrpc\":\"2.0\",\"id\":");
    for part in [id.unwrap_or("null"), ",\"", member, "\":"] {
        out.push_str(part);
    }
    json::append(&mut out, &value.into());
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
    Tools,
    Call,
    Prompts,
    Prompt,
    Resources,
    Templates,
    Read,
}

/// Their names, and where only one era has them, which.
const METHODS: [(&str, Method, Option<Era>); 10] = [
    ("server/discover", Method::Discover, Some(Era::Modern)),
    ("initialize", Method::Initialize, Some(Era::Legacy)),
    ("ping", Method::Ping, Some(Era::Legacy)),
    ("tools/list", Method::Tools, None),
    ("tools/call", Method::Call, None),
    ("prompts/list", Method::Prompts, None),
    ("prompts/get", Method::Prompt, None),
    ("resources/list", Method::Resources, None),
    ("resources/templates/list", Method::Templates, None),
    ("resources/read", Method::Read, None),
];

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
        let known = METHODS.iter().find(|(known, ..)| *known == name);
        let era = Era::of(message, name, known.map(|(_, method, _)| *method), &params)?;
        match known {
            Some((_, method, of)) if of.is_none_or(|of| of == era) => Ok(Some(Self { era, method: *method, params })),
            _ => Err(Failure::new(if era == Era::Modern { 404 } else { 200 }, -32601, "this server has no such method")),
        }
    }

    fn act(&self, config: &Result<Config, ConfigError>, transport: &dyn Transport) -> Result<Map<String, Value>, Failure> {
        let mut result = match self.method {
            Method::Discover => results::discover(capabilities(config)),
            Method::Initialize => results::initialize(&self.params, capabilities(config))?,
            Method::Ping => json::empty(),
            Method::Call | Method::Prompt | Method::Read => self.serve(valid(config)?, transport)?,
            _ if self.params.cursor.is_some() => return Err(Failure::params("unknown cursor: the list has one page")),
            list => listed(list, valid(config)?),
        };
        if self.era == Era::Modern {
            if result.get("resultType").is_none() {
                json::put(&mut result, "resultType", json::text("complete"));
            }
            match self.method {
                Method::Call | Method::Prompt => {}
                // It was read with a key, and may be another thing in a moment.
                Method::Read => results::cacheable(&mut result, 0, "private"),
                // All callers of a component share its one configuration.
                _ => results::cacheable(&mut result, LIST_TTL_MS, "public"),
            }
        }
        if !matches!(self.method, Method::Initialize | Method::Ping) {
            results::sign(&mut result);
        }
        Ok(result)
    }

    /// Do what a request is about something by name for.
    fn serve(&self, config: &Config, transport: &dyn Transport) -> Result<Map<String, Value>, Failure> {
        let Some(name) = self.params.about(self.method == Method::Read) else {
            return Err(Failure::params("the params name a tool or a prompt in `name`, or a resource in `uri`"));
        };
        let arguments = self.params.arguments.unwrap_or("{}");
        match self.method {
            Method::Prompt => match json::read(arguments.as_bytes()) {
                Some(arguments) if arguments.is_object() => {
                    prompt(&|tool| offers(config, tool), &name, &arguments).map_err(|say| Failure::params(&say))
                }
                _ => Err(Failure::params(MALFORMED)),
            },
            Method::Read => {
                let mut found = None;
                all_resources(config, &mut |resource| {
                    if resource.uri() == name {
                        found = Some(resource);
                    }
                });
                if let Some(resource) = found {
                    return self.call(config, transport, resource.tool(), &resource.arguments(), Some(&name));
                }
                // MCP 2026-07-28, server/resources, "Error Handling"; before, the code was one of MCP's own.
                let code = if self.era == Era::Modern { -32602 } else { -32002 };
                Err(Failure::with(200, code, UNKNOWN_RESOURCE, json::object([("uri", name.into())]).into()))
            }
            _ => self.call(config, transport, &name, arguments, None),
        }
    }

    /// Call a tool for who sent this request: by its name, or to read what is at `uri`.
    fn call(
        &self,
        config: &Config,
        transport: &dyn Transport,
        name: &str,
        arguments: &str,
        uri: Option<&str>,
    ) -> Result<Map<String, Value>, Failure> {
        let Params { client, answers, state, .. } = &self.params;
        // Only a stateless request says what its client can do, and may be answered with a question.
        let (client, answers) =
            if self.era == Era::Modern { (*client, answers.as_slice()) } else { (Client::default(), Default::default()) };
        let person = Person { client, answers, state: state.as_deref() };
        match call(config, transport, &Call { name, arguments, person }) {
            Ok(Outcome::Done(result)) => match uri {
                Some(uri) => resources::contents(uri, &result),
                None => Ok(results::called(result)),
            },
            Ok(Outcome::Asks(needs)) => Ok(results::asks(*needs)),
            Err(CallError::UnknownTool(text)) => Err(Failure::params(&text)),
            Err(CallError::MalformedArguments) => Err(Failure::params(MALFORMED)),
            Err(CallError::Configuration(text)) => Err(Failure::new(200, -32603, &text)),
        }
    }
}

/// Whether a configuration offers the tool of that name.
fn offers(config: &Config, name: &str) -> bool {
    TOOLS.iter().any(|entry| entry.name == name && entry.is_offered(config))
}

fn all_resources<'a>(config: &'a Config, each: &mut dyn FnMut(Resource<'a>)) {
    resources(&|name| offers(config, name), config.environments.iter().map(|environment| environment.name.as_str()), each);
}

/// What the server can do; nothing about it changes while it runs. Prompts and resources only where there are some.
fn capabilities(config: &Result<Config, ConfigError>) -> Value {
    let mut all = json::object([("tools", json::empty().into())]);
    if let Ok(config) = config {
        for (name, tool) in &[("prompts", prompts::TOOL), ("resources", resources::CONVENTION), ("resources", INTEGRATIONS)] {
            if offers(config, tool) {
                json::put(&mut all, name, json::empty().into());
            }
        }
    }
    all.into()
}

/// The answer to a method that lists, in one page.
fn listed(method: Method, config: &Config) -> Map<String, Value> {
    let mut all = Vec::new();
    let (name, items) = match method {
        Method::Prompts => ("prompts", prompts(&|name| offers(config, name))),
        Method::Resources => {
            all_resources(config, &mut |resource| all.push(resource.listed()));
            ("resources", all.into())
        }
        // None: what there is is listed.
        Method::Templates => ("resourceTemplates", all.into()),
        _ => ("tools", list_tools(config).into_iter().map(results::tool).collect()),
    };
    json::object([(name, items)])
}

fn valid(config: &Result<Config, ConfigError>) -> Result<&Config, Failure> {
    config.as_ref().map_err(|error| Failure::new(200, -32603, &error.to_string()))
}
