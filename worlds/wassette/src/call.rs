//! One call of a function.

use std::sync::Mutex;

use base64ct::{Base64, Encoding as _};
use nango_mcp::tool::Entry;
use nango_mcp::tools::TOOLS;
use nango_mcp::typed::given;
use nango_mcp::wasi_http::WasiHttp;
use nango_mcp::{CallError, CallResult, Config, call_tool};
use serde_json::{Map, Value};

use crate::lift::{self, Source};
use crate::lower;

/// What a function was given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Given<'a> {
    /// Core values.
    Flat(&'a [u64]),
    /// Where in memory the values are.
    Memory(&'a [u64]),
}

/// The last result: its host reads it before it calls again.
static LAST: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Call a tool by its name in the tables; the address of the result.
#[inline(never)]
pub(crate) fn called(tool: &str, arguments: Given<'_>) -> *const u64 {
    let Some(entry) = TOOLS.iter().find(|entry| entry.name == tool) else { return core::ptr::null() };
    let source = match arguments {
        Given::Flat(values) => Source::Flat(values),
        Given::Memory(address) => {
            let layout = lift::layout(entry);
            Source::Memory(lift::take(address.first().copied().unwrap_or_default() as usize, layout.size, layout.align), 0)
        }
    };
    let arguments = lift::arguments(entry, source);
    let result = lower::result(&given(entry), outcome(entry, &arguments));
    let Ok(mut last) = LAST.lock() else { return core::ptr::null() };
    *last = result;
    last.as_ptr()
}

fn outcome(entry: &Entry, arguments: &str) -> Result<Map<String, Value>, String> {
    let config = Config::from_vars(nango_mcp_base::variables()).map_err(|error| failed(&error.to_string(), "configuration", None))?;
    match call_tool(&config, &WasiHttp, entry.name, arguments) {
        Ok(result) if result.is_error => Err(error(&result, &config)),
        Ok(result) => Ok(fields(result)),
        Err(CallError::UnknownTool(text) | CallError::Configuration(text)) => Err(failed(&text, "", None)),
        Err(CallError::MalformedArguments) => Err(failed("the arguments are no JSON, or larger than 1.25 MiB", "", None)),
    }
}

/// The structured result, and the file beside it as one more field.
fn fields(result: CallResult) -> Map<String, Value> {
    let Some(Value::Object(mut fields)) = result.structured else { return Map::new() };
    if let Some(file) = result.files.first() {
        fields.insert("content_base64".to_owned(), Base64::encode_string(&file.bytes).into());
    }
    fields
}

/// A failure as a text: what everybody is told, in one.
fn error(result: &CallResult, config: &Config) -> String {
    let code = result.meta.as_ref().and_then(|meta| meta.get("nango-mcp/error")?.get("code")?.as_str()).unwrap_or_default();
    let line = result.text.get(1).map(String::as_str);
    let sentence = result.text.first().map(String::as_str).unwrap_or_default();
    match code {
        "host_denied" => {
            let grant = format!("{sentence}; in Wassette: `wassette permission grant network {ID} {}`", config.base.host);
            failed(&grant, code, line)
        }
        _ => failed(sentence, code, line),
    }
}

/// What Wassette calls this component, unless its file is given another name.
const ID: &str = "nango-mcp-wassette";

/// The text of an error, with the grant of Wassette's that mends it.
fn failed(sentence: &str, code: &str, line: Option<&str>) -> String {
    let grant = match code {
        "missing_key" => format!("; in Wassette: `wassette secret set {ID} NANGO_SECRET_KEY=<key>`"),
        "configuration" => {
            format!("; in Wassette, of {ID}: `wassette secret set`, or `--env` with `wassette permission grant environment-variable`")
        }
        _ => String::new(),
    };
    let line = line.map_or(String::new(), |line| format!("\n{line}"));
    format!("ERROR {sentence}{grant}{line}")
}
