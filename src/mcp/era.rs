//! Which revision a request speaks, and whether its headers say the same as its body.

use base64ct::{Base64, Encoding};

use super::envelope::{Params, text};
use super::{Failure, Message, Method};
use crate::json;

/// The stateless revision.
pub const MODERN: &str = "2026-07-28";

/// Revisions that begin with a handshake, the newest first.
pub const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];

/// How a request is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// Stateless.
    Modern,
    /// With a handshake, which a stateless server answers and forgets.
    Legacy,
}

impl Era {
    /// The era of a request, its headers held against its body.
    ///
    /// It is modern if its `_meta` names a version, or its header a version that came after the handshake, or if its
    /// method is one that only those have. A request without the header is of 2025-03-26 (MCP 2025-06-18,
    /// basic/transports, "Protocol Version Header").
    pub(super) fn of(message: &Message<'_>, name: &str, method: Option<Method>, params: &Params<'_>) -> Result<Self, Failure> {
        let header = message.version.map(str::trim);
        if params.meta_version.is_some() || header.is_some_and(is_newer) || method == Some(Method::Discover) {
            return modern(message, header, name, method, params);
        }
        match header {
            None => Ok(Self::Legacy),
            Some(version) if LEGACY.contains(&version) => Ok(Self::Legacy),
            Some(version) => Err(unsupported(version)),
        }
    }
}

/// Whether a version is a date after the last revision with a handshake.
fn is_newer(version: &str) -> bool {
    let is_date = version.len() == 10 && version.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    is_date && version > LEGACY[0]
}

/// MCP 2026-07-28, basic/transports/streamable-http, "Server Validation"; the order is that of the conformance suite.
fn modern(message: &Message<'_>, header: Option<&str>, name: &str, method: Option<Method>, params: &Params<'_>) -> Result<Era, Failure> {
    let version = params.meta_version.and_then(text);
    let Some(version) = version.filter(|_| params.has_capabilities) else {
        let say = "the params of a request carry `_meta` with io.modelcontextprotocol/protocolVersion, a text, and \
            io.modelcontextprotocol/clientCapabilities, an object";
        return Err(Failure::new(400, -32602, say));
    };
    same("MCP-Protocol-Version", header, &version)?;
    if version != MODERN {
        return Err(unsupported(&version));
    }
    same("Mcp-Method", message.method, name)?;
    let Some(method @ (Method::Call | Method::Prompt | Method::Read)) = method else { return Ok(Era::Modern) };
    let name = params.about(method == Method::Read).unwrap_or_default();
    // What no header can hold comes as `=?base64?…?=`.
    let is_encoded = message.name.is_some_and(|header| header.trim().starts_with("=?base64?"));
    let written = if is_encoded { format!("=?base64?{}?=", Base64::encode_string(name.as_bytes())) } else { name };
    same("Mcp-Name", message.name, &written)?;
    Ok(Era::Modern)
}

/// A header says the same as the body. Its value is not repeated: what it should be stands in the request.
fn same(name: &str, header: Option<&str>, body: &str) -> Result<(), Failure> {
    match header.map(str::trim) {
        Some(header) if header == body => Ok(()),
        Some(_) => Err(Failure::new(400, -32020, &format!("the header {name} says another thing than the body"))),
        None => Err(Failure::new(400, -32020, &format!("the header {name} is missing"))),
    }
}

fn unsupported(version: &str) -> Failure {
    let requested: String = version.chars().filter(|c| !c.is_control()).take(64).collect();
    let supported = [MODERN].into_iter().chain(LEGACY).map(json::text).collect();
    let data = json::object([("supported", supported), ("requested", json::text(&requested))]);
    Failure::with(400, -32022, "Unsupported protocol version", data.into())
}
