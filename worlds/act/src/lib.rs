//! The component `nango-mcp-act.wasm`: the tools behind ACT's interface `act:tools/tool-provider`.
//!
//! Nothing but translation: configuration comes from the session of the call, HTTP goes over WASI.

mod cbor;
mod credential;
mod session;
mod variables;

use nango_mcp::tool::Effect;
use nango_mcp::wasi_http::WasiHttp;
use nango_mcp::{CallError, CallResult, json};
use serde_json::Value;

use self::bindings::act::core::types::{Error, LocalizedString};
use self::bindings::act::sessions::types::Session;
use self::bindings::act::tools::types::{ContentPart, ListToolsResponse, ToolDefinition, ToolEvent};
use self::bindings::exports::act::sessions::session_provider;
use self::bindings::exports::act::tools::tool_provider::{self, ToolResult};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated; wit/act.wit documents it")]
mod bindings {
    // Synchronous though the interfaces are not: an instance does one call at a time, and a runtime of its own for
    // what waits would be for nothing.
    wit_bindgen::generate!({ path: "wit", world: "nango:act/act", async: false, generate_all });
}

/// What goes along with a call, or with its answer: names and CBOR.
type Metadata = Vec<(String, Vec<u8>)>;

#[global_allocator]
static ALLOCATOR: nango_mcp_base::Heap = nango_mcp_base::Heap::new();

struct Component;

bindings::export!(Component with_types_in bindings);

impl tool_provider::Guest for Component {
    fn list_tools(metadata: Metadata) -> Result<ListToolsResponse, Error> {
        let config = session::of_list(&metadata)?;
        Ok(ListToolsResponse { metadata: Vec::new(), tools: nango_mcp::list_tools(&config).iter().map(tool).collect() })
    }

    fn call_tool(name: String, arguments: Vec<u8>, metadata: Metadata) -> ToolResult {
        ToolResult::Immediate(match called(&name, &arguments, &metadata) {
            Ok(result) if result.is_error => vec![ToolEvent::Error(failed(&result))],
            Ok(result) => parts(result),
            Err(error) => vec![ToolEvent::Error(error)],
        })
    }
}

impl session_provider::Guest for Component {
    fn get_open_session_args_schema(_: Metadata) -> Result<String, Error> {
        Ok(json::write(&variables::schema()))
    }

    fn open_session(arguments: Metadata, _: Metadata) -> Result<Session, Error> {
        session::open(&arguments).map(|id| Session { id, metadata: Vec::new() })
    }

    fn close_session(id: String) {
        session::close(&id);
    }
}

fn called(name: &str, arguments: &[u8], metadata: &Metadata) -> Result<CallResult, Error> {
    let config = session::of_call(metadata)?;
    let malformed = || error("std:invalid-args", "the arguments are not one map, or too large".to_owned());
    let arguments = cbor::read(arguments).ok_or_else(malformed)?;
    nango_mcp::call_tool(&config, &WasiHttp, name, &json::write(&arguments)).map_err(|refused| match refused {
        CallError::UnknownTool(text) => error("std:not-found", text),
        CallError::MalformedArguments => malformed(),
        CallError::Configuration(text) => error("std:invalid-args", text),
    })
}

/// An error of this component's.
fn error(kind: &str, message: String) -> Error {
    Error { kind: kind.to_owned(), message: LocalizedString::Plain(message), metadata: Vec::new() }
}

/// A result that is an error: its sentence and its JSON, line by line, because nothing may follow an error.
fn failed(result: &CallResult) -> Error {
    let report = result.meta.as_ref().and_then(|meta| meta.get("nango-mcp/error"));
    let field = |name| report.and_then(|report| report.get(name)).and_then(Value::as_str).unwrap_or_default();
    let kind = match (field("kind"), field("code")) {
        (_, "missing_key") => "std:credential-required".to_owned(),
        (_, "host_denied") => "std:capability-denied".to_owned(),
        (_, "timeout") => "std:timeout".to_owned(),
        ("argument", _) => "std:invalid-args".to_owned(),
        (_, code) => format!("nango:{code}"),
    };
    error(&kind, result.text.join("\n"))
}

/// The structured result, which is what the text says, too, and then the files.
fn parts(result: CallResult) -> Vec<ToolEvent> {
    let structured = result.structured.is_some();
    let text = result.text.into_iter().map(|text| ContentPart {
        data: text.into_bytes(),
        mime_type: Some(if structured { "application/json" } else { "text/plain" }.to_owned()),
        metadata: Vec::new(),
    });
    let files = result.files.into_iter().map(|file| ContentPart {
        data: file.bytes,
        mime_type: file.media_type,
        metadata: vec![("nango:uri".to_owned(), cbor::text(&file.uri))],
    });
    text.chain(files).map(ToolEvent::Content).collect()
}

fn tool(listed: &nango_mcp::Listed) -> ToolDefinition {
    let entry = listed.entry;
    let says = |name: &str, truth: bool| (name.to_owned(), cbor::truth(truth));
    ToolDefinition {
        name: entry.name.to_owned(),
        description: LocalizedString::Plain(entry.description.to_owned()),
        parameters_schema: json::write(&listed.input_schema),
        metadata: vec![
            says("std:read-only", listed.effect == Effect::Read),
            says("std:destructive", listed.effect == Effect::Destructive),
            says("std:idempotent", entry.idempotent),
            ("std:tags".to_owned(), cbor::list_of_one(entry.toolset.name())),
        ],
    }
}
