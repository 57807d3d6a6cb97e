//! The end of the demo: a link for the person who watches it.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{call, show, text};
use crate::mcp::Server;
use crate::nango::Clock;

/// How long the demo waits for its person.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The longest that one call waits for a person.
const ONE_WAIT: u64 = 50;

/// Give the person who watches a link and wait until they have used it; for nobody, say how to see it.
///
/// # Errors
/// A call that fails, or an output that is closed.
pub async fn invite(server: &Server, out: &mut impl Write, watched: bool, patience: Duration) -> Result<()> {
    if !watched {
        writeln!(
            out,
            "To see the page that a link opens: run this in a terminal, or `nango-mcp-host nango` and call ensure_connection against it."
        )?;
        return Ok(());
    }
    writeln!(out, "\n6. Your turn. The agent wants your Slack, and waits for you:")?;
    let person = json!({"provider_config_key": "slack", "end_user_id": "you"});
    let asked = call(server, out, "ensure_connection", person).await?;
    let until = Clock::system().now() + patience;
    writeln!(out, "\n   Open this in a browser and press Connect:\n\n   {}\n", text(&asked, "/connect_link")?)?;
    writeln!(out, "   Waiting until {:02}:{:02} UTC; Ctrl-C ends.\n", until.hour(), until.minute())?;
    let waited = tokio::select! {
        waited = tokio::time::timeout(patience, wait(server, out, &asked)) => waited.ok().transpose()?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            writeln!(out, "\nEnded. Nothing was connected.")?;
            return Ok(());
        }
    };
    match waited {
        Some(connected) => {
            show(out, &connected, &["status", "connection_id", "waited_seconds"])?;
            writeln!(out, "\nThat was your click: the waiting call returned with it.")?;
        }
        None => writeln!(out, "Nobody pressed Connect, so nothing was connected. `make demo` makes a new link.")?,
    }
    Ok(())
}

/// The call that `next` names, again and again until the person has connected. Only the first is told.
async fn wait(server: &Server, out: &mut impl Write, asked: &Value) -> Result<Value> {
    let tool = text(asked, "/next/tool")?;
    let mut arguments = asked.pointer("/next/arguments").cloned().unwrap_or_default();
    if let Some(arguments) = arguments.as_object_mut() {
        arguments.insert("timeout_seconds".to_owned(), ONE_WAIT.into());
    }
    let mut waited = call(server, out, &tool, arguments.clone()).await?;
    while waited.get("status").and_then(Value::as_str) != Some("connected") {
        waited = call(server, &mut std::io::sink(), &tool, arguments.clone()).await?;
    }
    Ok(waited)
}
