//! A call, as the operator sees it: written down once, where it ends.

use serde_json::Value;
use tokio::time::Instant;

use crate::audit::{Event, milliseconds};
use crate::egress::Watcher;
use crate::fault::{Fault, META};
use crate::outcome::Outcome;
use crate::sandbox::wit;

/// A call under way. It is written down when this is dropped: a call that its client gives up ends so, too.
pub(crate) struct Record<'a> {
    watcher: &'a Watcher,
    tool: &'a str,
    environment: Option<&'a str>,
    begun: Instant,
    outcome: &'static str,
    code: Option<String>,
}

impl<'a> Record<'a> {
    pub(crate) fn begin(watcher: &'a Watcher, tool: &'a str, environment: Option<&'a str>) -> Self {
        Self { watcher, tool, environment, begun: Instant::now(), outcome: "cancelled", code: None }
    }

    /// It has come to its end.
    pub(crate) fn end(mut self, ended: &Result<Outcome, Fault>) {
        let (outcome, code) = match ended {
            Ok(Ok(wit::Outcome::Done(result))) if result.is_error => ("error", code(result.meta.as_deref())),
            Ok(Ok(wit::Outcome::Done(_))) => ("ok", None),
            Ok(Ok(wit::Outcome::NeedsInput(_))) => ("asked", None),
            Ok(Err(wit::CallError::UnknownTool(_))) => ("refused", Some("unknown_tool".to_owned())),
            Ok(Err(wit::CallError::MalformedArguments)) => ("refused", Some("malformed_arguments".to_owned())),
            Ok(Err(wit::CallError::Configuration(_))) => ("refused", Some("configuration".to_owned())),
            Err(fault) => ("refused", Some(fault.code().to_owned())),
        };
        (self.outcome, self.code) = (outcome, code);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let (Watcher { monitor, principal }, took) = (self.watcher, self.begun.elapsed());
        monitor.metrics.called(principal, self.tool, self.outcome, took);
        monitor.audit.write(&Event::Call {
            principal,
            tool: self.tool,
            environment: self.environment,
            outcome: self.outcome,
            code: self.code.as_deref(),
            ms: milliseconds(took),
        });
    }
}

/// The code of an error, in the `_meta` of its result.
fn code(meta: Option<&str>) -> Option<String> {
    let meta: Value = serde_json::from_str(meta?).ok()?;
    let code = meta.get(META)?.get("code")?.as_str()?;
    // Some codes are Nango's own words.
    let plain = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    Some(if plain { code.to_owned() } else { "other".to_owned() })
}
