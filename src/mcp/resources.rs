//! Resources: what some tools answer without being asked for anything, for people who attach it to a conversation.

use serde_json::{Map, Value};

use super::{Failure, Offers};
use crate::call::CallResult;
use crate::json;
use crate::nango::encode;

/// The tool whose schema names the environments.
pub const INTEGRATIONS: &str = "list_integrations";

pub(super) const CONVENTION: &str = "describe_connection_convention";

/// What is said of a resource that there is not.
pub const UNKNOWN_RESOURCE: &str = "there is no such resource: see resources/list";

/// What all resources are.
pub const MEDIA_TYPE: &str = "application/json";

/// A resource, which is a call of a tool that needs nothing of the reader's: the integrations of the environment of that name,
/// or the convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'a>(Option<&'a str>);

/// Go through the resources that go with the tools offered. The one that needs no Nango comes first.
pub fn resources<'a>(offers: Offers<'_>, environments: impl Iterator<Item = &'a str>, each: &mut dyn FnMut(Resource<'a>)) {
    if offers(CONVENTION) {
        each(Resource(None));
    }
    if offers(INTEGRATIONS) {
        environments.for_each(|name| each(Resource(Some(name))));
    }
}

impl Resource<'_> {
    /// Where it is; nothing else is read.
    pub fn uri(self) -> String {
        match self.0 {
            None => "nango://conventions".to_owned(),
            Some(name) => format!("nango://environments/{}/integrations", encode(name)),
        }
    }

    /// What to call it.
    pub fn name(self) -> String {
        self.0.map_or_else(|| "Tagging convention".to_owned(), |name| format!("Integrations of {name}"))
    }

    /// The tool that answers it.
    pub fn tool(self) -> &'static str {
        if self.0.is_none() { CONVENTION } else { INTEGRATIONS }
    }

    /// The arguments of that call, as JSON text.
    pub fn arguments(self) -> String {
        let of = |name: &str| json::write(&json::object([("environment", json::text(name)), ("limit", 200.into())]).into());
        self.0.map_or_else(|| "{}".to_owned(), of)
    }

    /// As resources/list shows it.
    pub(super) fn listed(self) -> Value {
        shown(self.uri().into(), "name", self.name().into())
    }
}

/// The result of resources/read, made of that of the call behind it.
pub(super) fn contents(uri: &str, called: &CallResult) -> Result<Map<String, Value>, Failure> {
    let text = called.text.first().map_or("", String::as_str);
    if called.is_error {
        return Err(Failure::with(200, -32603, text, called.meta.clone().unwrap_or_default()));
    }
    Ok(json::object([("contents", Value::Array(vec![shown(json::text(uri), "text", json::text(text))]))]))
}

#[inline(never)]
fn shown(uri: Value, member: &str, value: Value) -> Value {
    json::object([("uri", uri), (member, value), ("mimeType", json::text(MEDIA_TYPE))]).into()
}
