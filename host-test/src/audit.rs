//! Who did what: a line of JSON for every call and every denied request, for the operator.
//!
//! A line has names of the operator's and of the table of tools, codes, and times; no arguments, no results, nothing that
//! a client or Nango wrote. The one exception is the address that a denied request was meant for.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest address that is written.
const ADDRESS: usize = 200;

/// The log. Without a place to go to, nothing is written.
#[derive(Default)]
pub struct Audit(Option<Log>);

struct Log {
    /// `None` for stderr.
    path: Option<PathBuf>,
    file: Mutex<Option<File>>,
}

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    /// A tool call has ended.
    Call {
        principal: &'a str,
        tool: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        environment: Option<&'a str>,
        /// ok, error, asked, cancelled, or refused: by the host, before or after the component.
        outcome: &'a str,
        /// What error it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        ms: f64,
    },
    /// The component wanted to send something that it may not.
    Denied { principal: &'a str, method: &'a str, address: String, why: &'a str },
    /// An answer of Nango's held a key and was cut off.
    Echoed { principal: &'a str, address: String },
    /// The configuration was read again.
    Reload { outcome: &'a str },
    /// The endpoint takes calls, or no longer.
    Endpoint { state: &'a str },
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl Audit {
    /// Append to a file, made for its owner alone; `-` is stderr.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn to(path: &str) -> Result<Self> {
        let path = (path != "-").then(|| PathBuf::from(path));
        let log = Log { file: Mutex::new(None), path };
        log.open()?;
        Ok(Self(Some(log)))
    }

    /// Open the file again, after it was moved away to be kept.
    ///
    /// # Errors
    /// The file cannot be written; the one that was open stays.
    pub fn reopen(&self) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), Log::open)
    }

    pub(crate) fn write(&self, event: &Event<'_>) {
        let Some(log) = &self.0 else { return };
        let time = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        let Ok(mut line) = serde_json::to_vec(&Line { time, event }) else { return };
        line.push(b'\n');
        // One write a line: what several processes append stays whole.
        let written = match &mut *log.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(file) => file.write_all(&line),
            None => std::io::stderr().write_all(&line),
        };
        if let Err(error) = written {
            tracing::error!("cannot write to the audit log: {error}");
        }
    }
}

impl Log {
    fn open(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).with_context(|| format!("cannot write the audit log {}", path.display()))?;
        *self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(file);
        Ok(())
    }
}

/// Milliseconds, to a hundredth.
pub(crate) fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

/// An address without path and query, which may carry what should not get out.
pub(crate) fn address(uri: &http::Uri) -> String {
    let text = format!("{}://{}", uri.scheme_str().unwrap_or("?"), uri.authority().map_or("?", |authority| authority.as_str()));
    text.chars().take(ADDRESS).collect()
}
