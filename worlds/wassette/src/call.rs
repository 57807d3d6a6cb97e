//! One call of a function.

use std::sync::Mutex;

use base64ct::{Base64, Encoding as _};
use nango_mcp::tool::Entry;
use nango_mcp::tools::TOOLS;
use nango_mcp::typed::given;
use nango_mcp::wasi_http::WasiHttp;
use nango_mcp::{CallError, CallResult, Config, Gateway, call_tool};
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
    let mut config = Config::from_vars(nango_mcp_base::variables()).map_err(|error| {
        format!(
            "ERROR {error}; in Wassette, of {ID}: `wassette secret set`, or `--env` with `wassette permission grant environment-variable`"
        )
    })?;
    config.gateway = Gateway {
        allow: |origin| format!("allow it with `wassette permission grant network {ID} {}`", host(origin)),
        key: |variable| format!("store it with `wassette secret set {ID} {variable}=<key>`"),
    };
    match call_tool(&config, &WasiHttp, entry.name, arguments) {
        Ok(result) if result.is_error => Err(format!("ERROR {}", result.text.join("\n"))),
        Ok(result) => Ok(fields(result)),
        Err(CallError::UnknownTool(text) | CallError::Configuration(text)) => Err(format!("ERROR {text}")),
        Err(CallError::MalformedArguments) => {
            Err("ERROR a text that must be JSON is not, or all together are larger than 1.25 MiB: nothing was sent".to_owned())
        }
    }
}

/// The host of an origin: Wassette grants hosts whole and looks at no port.
fn host(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
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

/// What Wassette calls this component, unless its file is given another name.
const ID: &str = "nango-mcp-wassette";
