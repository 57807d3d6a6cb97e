//! A call without an outcome of the component's: why, and how the model reads it.

use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

use crate::sandbox::wit;

/// Where the `_meta` of a result has its error.
pub(crate) const META: &str = "nango-mcp/error";

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The call's time was over.
    Time(Duration),
    /// The guest wanted more memory than it may have, in bytes.
    Memory(usize),
    /// The guest wanted more entries in a table than it may have.
    Tables(u32),
    /// The guest consists of more instances than it may.
    Instances(u32),
    /// The result was larger than it may be, in bytes.
    Output(u64),
    /// The call has sent as many requests as it may.
    Requests(u32),
    /// The call has received as much as it may, in bytes.
    Received(u64),
    /// An answer held an API key of this host's, and was cut off.
    Echoed,
    /// Too many calls run and wait.
    Busy,
    /// The principal's calls come too fast; the next may come after this time.
    Rate(Duration),
    /// The guest trapped for another reason.
    Trap,
}

impl Fault {
    /// A stable name for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Time(_) => "time_limit",
            Self::Memory(_) => "memory_limit",
            Self::Tables(_) => "table_limit",
            Self::Instances(_) => "instance_limit",
            Self::Output(_) => "output_limit",
            Self::Requests(_) => "request_limit",
            Self::Received(_) => "receive_limit",
            Self::Echoed => "key_in_answer",
            Self::Busy => "busy",
            Self::Rate(_) => "rate_limit",
            Self::Trap => "component_trapped",
        }
    }

    /// After how many seconds the same call may be worth another try; nothing where nothing was begun that could end.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy => Some(2),
            Self::Rate(wait) => Some(wait.as_secs() + 1),
            _ => None,
        }
    }

    /// Whether what the call had begun may have had its effect: it ended somewhere in its middle.
    fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Time(_) | Self::Memory(_) | Self::Tables(_) | Self::Trap)
    }

    /// Say in the error of a result that this is behind it. What the component knows of it stays: it says what was done.
    pub(crate) fn explain(&self, result: &mut wit::CallResult) {
        let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
        let known = result.meta.as_deref().and_then(read).and_then(|mut meta| meta.remove(META));
        let said = result.content.iter().find_map(|content| match content {
            wit::Content::Text(text) => Some(text.as_str()),
            wit::Content::File(_) | wit::Content::Link(_) => None,
        });
        let message = match self {
            // What it says is to try again.
            Self::Echoed => self.to_string(),
            _ => format!("{self}. To the component it looked like this: {}", said.unwrap_or_default()),
        };
        let error = self.error(&message, known);
        result.meta = Some(json!({META: error}).to_string());
        result.content = vec![wit::Content::Text(message), wit::Content::Text(json!({"error": error}).to_string())];
    }

    /// Why a component does not start, for the operator.
    pub(crate) fn at_start(&self) -> String {
        match self {
            Self::Time(limit) => format!("it did not answer within {} s (--limit-time)", limit.as_secs_f32()),
            Self::Memory(limit) => format!("it needs more than {} MiB of memory (--limit-memory)", limit >> 20),
            Self::Tables(limit) => format!("it needs more than {limit} entries in a table (--limit-tables)"),
            Self::Instances(limit) => format!("it consists of more than {limit} core instances (--limit-instances)"),
            Self::Output(_) | Self::Requests(_) | Self::Received(_) | Self::Echoed | Self::Busy | Self::Rate(_) | Self::Trap => {
                self.to_string()
            }
        }
    }

    /// As a result that the model can read.
    pub(crate) fn result(&self) -> CallToolResult {
        let message = self.to_string();
        let error = self.error(&message, None);
        let mut made = CallToolResult::error(vec![ContentBlock::text(message), ContentBlock::text(json!({"error": error}).to_string())]);
        made.meta.get_or_insert_default().insert(META.into(), error);
        made
    }

    /// The error, in the form of the component's, over what is known of it.
    fn error(&self, message: &str, known: Option<Value>) -> Value {
        let mut error = match known {
            Some(Value::Object(known)) => known,
            _ => Map::new(),
        };
        for (name, value) in [("kind", "host"), ("code", self.code()), ("message", message)] {
            error.insert(name.to_owned(), value.into());
        }
        if let Some(seconds) = self.retry_after() {
            error.insert("retry_after_seconds".to_owned(), seconds.into());
        }
        if self.outcome_unknown() {
            error.insert("outcome_unknown".to_owned(), true.into());
        }
        error.into()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time(limit) => write!(
                f,
                "the call was ended after {} s, the host's limit; what it had begun may have taken effect: look before you repeat it",
                limit.as_secs_f32()
            ),
            Self::Memory(limit) => write!(
                f,
                "the call was ended because it needed more than {} MiB of memory, the host's limit: ask for less, and look before you repeat a call that writes (operator: --limit-memory)",
                limit >> 20
            ),
            Self::Tables(limit) => write!(
                f,
                "the call was ended because the component needed more than {limit} entries in a table, the host's limit; look before you repeat a call that writes (operator: --limit-tables)"
            ),
            Self::Instances(limit) => {
                write!(f, "the component consists of more than {limit} core instances, the host's limit (operator: --limit-instances)")
            }
            Self::Output(limit) => write!(
                f,
                "the result was left out because it has more than {limit} bytes, the host's limit; the call itself was carried out: \
                 ask for less, and look before you repeat a call that writes (operator: --limit-output)"
            ),
            Self::Requests(limit) => {
                write!(
                    f,
                    "the call has sent as many requests to Nango as it may, {limit}, the host's limit: ask for less at once (operator: --limit-requests)"
                )
            }
            Self::Echoed => f.write_str(
                "what Nango answered holds an API key of this server's, in a tag, in metadata or in what a provider said, and was cut off: \
                 another try ends the same way. Tell the operator to take it out there, in Nango's dashboard, and to change the key",
            ),
            Self::Received(limit) => {
                write!(
                    f,
                    "what Nango answered was cut off after {limit} bytes in all, the host's limit: ask for less (operator: --limit-received)"
                )
            }
            Self::Busy => f.write_str("the server is busy, and nothing was begun: repeat the call in a few seconds"),
            Self::Rate(wait) => {
                write!(
                    f,
                    "calls come faster than the operator allows here, and nothing was begun: repeat this one in {} s",
                    wait.as_secs() + 1
                )
            }
            Self::Trap => f.write_str(
                "the component failed inside this call; the next call gets a fresh one. Look before you repeat it, and please report it \
                 with the host's log",
            ),
        }
    }
}

impl std::error::Error for Fault {}
