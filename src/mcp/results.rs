//! Results in MCP's own form.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value};

use super::Failure;
use super::envelope::{Params, text};
use super::era::{LEGACY, MODERN};
use crate::ask::{Ask, Needs};
use crate::call::{CallResult, File, Listed};
use crate::json;
use crate::tool::Effect;

/// Who answers.
fn server() -> Value {
    json::object([("name", json::text(crate::NAME)), ("title", json::text(crate::TITLE)), ("version", json::text(crate::VERSION))]).into()
}

/// The answer to server/discover.
pub(super) fn discover(capabilities: Value) -> Map<String, Value> {
    let versions = [MODERN].into_iter().chain(LEGACY).map(json::text).collect();
    json::object([("supportedVersions", versions), ("capabilities", capabilities), ("instructions", json::text(crate::INSTRUCTIONS))])
}

/// The answer to initialize: the version asked for, or the newest of its era.
pub(super) fn initialize(params: &Params<'_>, capabilities: Value) -> Result<Map<String, Value>, Failure> {
    let Some(asked) = params.version.and_then(text) else {
        return Err(Failure::params("the params of initialize name a `protocolVersion`"));
    };
    let version = LEGACY.into_iter().find(|version| *version == asked).unwrap_or(LEGACY[0]);
    Ok(json::object([
        ("protocolVersion", json::text(version)),
        ("capabilities", capabilities),
        ("serverInfo", server()),
        ("instructions", json::text(crate::INSTRUCTIONS)),
    ]))
}

/// A tool as tools/list shows it.
pub(super) fn tool(listed: Listed) -> Value {
    let entry = listed.entry;
    let annotations = json::object([
        ("readOnlyHint", (listed.effect == Effect::Read).into()),
        ("destructiveHint", (listed.effect == Effect::Destructive).into()),
        ("idempotentHint", entry.idempotent.into()),
        ("openWorldHint", entry.open_world.into()),
    ]);
    json::object([
        ("name", json::text(entry.name)),
        ("title", json::text(entry.title)),
        ("description", json::text(entry.description)),
        ("inputSchema", listed.input_schema),
        ("outputSchema", listed.output_schema),
        ("annotations", annotations.into()),
    ])
    .into()
}

/// Say how long, in milliseconds, and for whom a result may be kept.
pub(super) fn cacheable(result: &mut Map<String, Value>, ttl: u64, scope: &str) {
    json::put(result, "ttlMs", ttl.into());
    json::put(result, "cacheScope", json::text(scope));
}

/// The answer to tools/call.
pub(super) fn called(result: CallResult) -> Map<String, Value> {
    let texts = result.text.into_iter().map(|text| json::object([("type", json::text("text")), ("text", text.into())]).into());
    let content: Vec<Value> = texts.chain(result.files.into_iter().map(file)).collect();
    let mut out = json::object([("content", content.into()), ("isError", result.is_error.into())]);
    json::put_if(&mut out, "structuredContent", result.structured.unwrap_or_default());
    json::put_if(&mut out, "_meta", result.meta.unwrap_or_default());
    out
}

/// The answer to a call that needs the person (MCP 2026-07-28, basic/patterns/mrtr).
pub(super) fn asks(needs: Needs) -> Map<String, Value> {
    let mut params = match needs.question.ask {
        Ask::OpenUrl(url) => json::object([("mode", json::text("url")), ("url", url.into())]),
        Ask::Form(schema) => json::object([("mode", json::text("form")), ("requestedSchema", schema)]),
    };
    json::put(&mut params, "message", needs.question.message.into());
    let request = json::object([("method", json::text("elicitation/create")), ("params", params.into())]);
    json::object([
        ("resultType", json::text("input_required")),
        ("inputRequests", json::object([(needs.question.key, request.into())]).into()),
        ("requestState", needs.state.into()),
    ])
}

fn file(file: File) -> Value {
    let mut resource = json::object([("uri", file.uri.into())]);
    json::put_if(&mut resource, "mimeType", file.media_type.into());
    json::put(&mut resource, "blob", Base64::encode_string(&file.bytes).into());
    json::object([("type", json::text("resource")), ("resource", resource.into())]).into()
}

/// Say who answered, in `_meta` (2026-07-28, "server info").
pub(super) fn sign(result: &mut Map<String, Value>) {
    let mut meta = match json::take(result, "_meta") {
        Value::Object(meta) => meta,
        _ => json::empty(),
    };
    json::put(&mut meta, "io.modelcontextprotocol/serverInfo", server());
    json::put(result, "_meta", meta.into());
}
