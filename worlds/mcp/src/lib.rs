//! The component `nango-mcp.wasm`: the tools behind the WIT interface `nango:mcp/tools`, and as an MCP server over HTTP.
//!
//! Nothing but translation: configuration comes from the environment of this instance, HTTP goes over WASI.

mod serve;

use nango_mcp::config::ConfigError;
use nango_mcp::tool::Effect;
use nango_mcp::wasi_http::WasiHttp;
use nango_mcp::{Ask, Call, CallError, CallResult, Client, Config, Needs, Outcome, Person, json};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated; wit/nango-mcp.wit documents it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "nango-mcp" });
}

use bindings::exports::nango::mcp::tools;

#[global_allocator]
static ALLOCATOR: nango_mcp_base::Heap = nango_mcp_base::Heap::new();

struct Component;

bindings::export!(Component with_types_in bindings);
waki::bindings::export!(Component with_types_in waki::bindings);

impl tools::Guest for Component {
    fn info() -> tools::ServerInfo {
        tools::ServerInfo {
            name: nango_mcp::NAME.to_owned(),
            title: nango_mcp::TITLE.to_owned(),
            version: nango_mcp::VERSION.to_owned(),
            instructions: nango_mcp::INSTRUCTIONS.to_owned(),
        }
    }

    fn list_tools() -> Result<Vec<tools::Tool>, tools::CallError> {
        let config = configured()?;
        Ok(nango_mcp::list_tools(&config).iter().map(tool).collect())
    }

    fn call_tool(call: tools::Call) -> Result<tools::Outcome, tools::CallError> {
        let config = configured()?;
        let client = Client {
            elicit_form: call.client.contains(tools::ClientFeatures::ELICIT_FORM),
            elicit_url: call.client.contains(tools::ClientFeatures::ELICIT_URL),
        };
        let person = Person { client, answers: &call.answers, state: call.state.as_deref() };
        let call = Call { name: &call.name, arguments: &call.arguments, person };
        Ok(match nango_mcp::call(&config, &WasiHttp, &call).map_err(call_error)? {
            Outcome::Done(result) => tools::Outcome::Done(called(result)),
            Outcome::Asks(needs) => tools::Outcome::NeedsInput(asks(*needs)),
        })
    }
}

fn called(result: CallResult) -> tools::CallResult {
    tools::CallResult {
        content: result.text.into_iter().map(tools::Content::Text).chain(result.files.into_iter().map(file)).collect(),
        structured: result.structured.map(|value| json::write(&value)),
        meta: result.meta.map(|value| json::write(&value)),
        is_error: result.is_error,
    }
}

fn asks(needs: Needs) -> tools::NeedsInput {
    let ask = match needs.question.ask {
        Ask::OpenUrl(url) => tools::Ask::OpenUrl(url),
        Ask::Form(schema) => tools::Ask::Form(json::write(&schema)),
    };
    let question = tools::Question { key: needs.question.key.to_owned(), message: needs.question.message, ask };
    tools::NeedsInput { questions: vec![question], state: Some(needs.state), otherwise: called(needs.otherwise) }
}

fn configuration(vars: Vec<(String, String)>) -> Result<Config, ConfigError> {
    Config::from_vars(vars)
}

fn configured() -> Result<Config, tools::CallError> {
    configuration(nango_mcp_base::variables()).map_err(|error| tools::CallError::Configuration(error.to_string()))
}

fn file(file: nango_mcp::File) -> tools::Content {
    tools::Content::File(tools::File { uri: file.uri, media_type: file.media_type, bytes: file.bytes })
}

fn call_error(error: CallError) -> tools::CallError {
    match error {
        CallError::UnknownTool(text) => tools::CallError::UnknownTool(text),
        CallError::MalformedArguments => tools::CallError::MalformedArguments,
        CallError::Configuration(text) => tools::CallError::Configuration(text),
    }
}

fn tool(listed: &nango_mcp::Listed) -> tools::Tool {
    let entry = listed.entry;
    tools::Tool {
        name: entry.name.to_owned(),
        title: entry.title.to_owned(),
        description: entry.description.to_owned(),
        toolset: entry.toolset.name().to_owned(),
        input_schema: json::write(&listed.input_schema),
        output_schema: json::write(&listed.output_schema),
        annotations: tools::Annotations {
            read_only: listed.effect == Effect::Read,
            destructive: listed.effect == Effect::Destructive,
            idempotent: entry.idempotent,
            open_world: entry.open_world,
        },
    }
}
