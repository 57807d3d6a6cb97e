//! A JSON-RPC message taken apart: each part stays the text it came as.

use serde_json::Value;

use super::Failure;
use crate::ask::Client;
use crate::json::{self, Part, Parts, parts};

/// A message.
pub(super) struct Envelope<'a> {
    /// The id, a text or an integer, as it was written; nothing for a notification.
    pub(super) id: Option<&'a str>,
    /// The params.
    pub(super) params: Option<&'a str>,
    method: Option<&'a str>,
    /// Whether `id` holds what no id may be.
    bad_id: bool,
    is_2_0: bool,
}

/// What of the params a server looks at.
#[derive(Default)]
pub(super) struct Params<'a> {
    name: Option<&'a str>,
    uri: Option<&'a str>,
    /// The arguments of a tool or a prompt.
    pub(super) arguments: Option<&'a str>,
    /// The cursor of a list.
    pub(super) cursor: Option<&'a str>,
    /// `protocolVersion`, of initialize.
    pub(super) version: Option<&'a str>,
    /// `_meta["io.modelcontextprotocol/protocolVersion"]`.
    pub(super) meta_version: Option<&'a str>,
    /// Whether `_meta["io.modelcontextprotocol/clientCapabilities"]` is an object.
    pub(super) has_capabilities: bool,
    /// What the client can ask the person, by that object.
    pub(super) client: Client,
    /// `inputResponses`: keys of questions, and the answers as JSON.
    pub(super) answers: Vec<(String, String)>,
    /// `requestState`, of an answer to a question.
    pub(super) state: Option<String>,
}

/// A JSON text as a string; `None` if it is another value.
pub(super) fn text(json: &str) -> Option<String> {
    let value = if json.trim_start().starts_with('"') { json::read(json.as_bytes()) } else { None };
    value.as_ref().and_then(|value| value.as_str()).map(str::to_owned)
}

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| *text != "null")
}

impl<'a> Envelope<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Failure> {
        let mut envelope = Self { id: None, params: None, method: None, bad_id: false, is_2_0: false };
        let message = std::str::from_utf8(body).ok();
        let found = message.and_then(|message| {
            parts(message, &mut |part, text| match part {
                Part::Key("jsonrpc") => envelope.is_2_0 = text == "\"2.0\"",
                Part::Key("id") => {
                    // MCP, basic, "Requests": a text or an integer, and never null. Larger ones do not survive every parser.
                    envelope.bad_id = !text.starts_with('"') && text.parse::<i64>().is_err();
                    envelope.id = Some(text).filter(|_| !envelope.bad_id);
                }
                Part::Key("method") => envelope.method = Some(text),
                Part::Key("params") => envelope.params = present(text),
                Part::Key(_) | Part::Index(_) => {}
            })
        });
        match found {
            Some(Parts::Object) => Ok(envelope),
            Some(Parts::List) => Err(Failure::invalid("a batch is not supported: send one message")),
            Some(Parts::Leaf) => Err(Failure::invalid("a message is a JSON object")),
            None => Err(Failure::new(400, -32700, "the message is not JSON")),
        }
    }

    /// The method, of a message that is a request or a notification.
    pub(super) fn method(&self) -> Result<&'a str, Failure> {
        // No method has a character that JSON would escape.
        let method = self.method.and_then(|method| method.strip_prefix('"')?.strip_suffix('"'));
        match method {
            _ if self.bad_id => Err(Failure::invalid("`id` is a text or an integer")),
            _ if !self.is_2_0 => Err(Failure::invalid("`jsonrpc` is \"2.0\"")),
            Some(method) => Ok(method),
            None => Err(Failure::invalid("`method` names what to do; this server sends no requests, and so takes no responses")),
        }
    }
}

/// What a client can ask, by its capabilities: an empty `elicitation` stands for forms alone (MCP 2026-07-28, client/elicitation).
fn client(capabilities: &str) -> Client {
    let capabilities = json::read(capabilities.as_bytes()).unwrap_or_default();
    let Some(elicitation) = capabilities.get("elicitation").and_then(Value::as_object) else { return Client::default() };
    let has = |mode: &str| elicitation.get(mode).is_some_and(Value::is_object);
    Client { elicit_form: elicitation.is_empty() || has("form"), elicit_url: has("url") }
}

impl<'a> Params<'a> {
    pub(super) fn read(text: Option<&'a str>) -> Result<Self, Failure> {
        let mut params = Self::default();
        let Some(text) = text else { return Ok(params) };
        let (mut meta, mut answers, mut capabilities) = (None, None, None);
        let found = parts(text, &mut |part, text| match part {
            Part::Key("name") => params.name = Some(text),
            Part::Key("uri") => params.uri = Some(text),
            Part::Key("arguments") => params.arguments = present(text),
            Part::Key("cursor") => params.cursor = present(text),
            Part::Key("protocolVersion") => params.version = Some(text),
            Part::Key("_meta") => meta = Some(text),
            Part::Key("requestState") => params.state = self::text(text),
            Part::Key("inputResponses") => answers = Some(text),
            Part::Key(_) | Part::Index(_) => {}
        });
        if found != Some(Parts::Object) {
            return Err(Failure::params("params are a JSON object"));
        }
        parts(meta.unwrap_or("{}"), &mut |part, text| match part {
            Part::Key("io.modelcontextprotocol/protocolVersion") => params.meta_version = Some(text),
            Part::Key("io.modelcontextprotocol/clientCapabilities") => capabilities = Some(text).filter(|text| text.starts_with('{')),
            Part::Key(_) | Part::Index(_) => {}
        });
        params.has_capabilities = capabilities.is_some();
        params.client = client(capabilities.unwrap_or("{}"));
        parts(answers.unwrap_or("{}"), &mut |part, text| {
            if let Part::Key(key) = part {
                params.answers.push((key.to_owned(), text.to_owned()));
            }
        });
        Ok(params)
    }

    /// What a request is about: a resource by its `uri`, or a tool or a prompt by its `name`.
    pub(super) fn about(&self, reads: bool) -> Option<String> {
        text(if reads { self.uri } else { self.name }?)
    }
}
