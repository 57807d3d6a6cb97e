//! The embedded Nango as a running server, and the demo that tells its story.

mod invitation;

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::mcp::Server;
use crate::nango::{Key, Nango, Options, serve};
use crate::settings::Vars;

pub use invitation::{PATIENCE, invite};

/// Requests a minute that Nango allows by default (DEFAULT_RATE_LIMIT_PER_MIN).
pub const RATE_LIMIT: u32 = 200;

/// An embedded Nango that runs until it is dropped.
pub struct Embedded {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its state, for looking into it.
    pub nango: Nango,
    key: String,
    task: JoinHandle<()>,
}

impl Embedded {
    /// Listen on an address (port 0 for any), with one key for the environment `default` and sample integrations.
    ///
    /// # Errors
    /// The address is not free.
    pub async fn start(listen: SocketAddr, key: String, rate_limit: u32) -> Result<Self> {
        Self::with(listen, key, Options { rate_limit, ..Options::default() }).await
    }

    /// The same with other options; their keys and their URL become this one's.
    ///
    /// # Errors
    /// The address is not free.
    pub async fn with(listen: SocketAddr, key: String, options: Options) -> Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let public_url = Some(format!("http://{address}"));
        let nango = Nango::new(Options { keys: vec![Key::full(key.as_str(), "default")], public_url, ..options });
        nango.seed("default");
        let served = nango.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = serve(listener, served).await {
                tracing::error!("the embedded Nango stopped: {error}");
            }
        });
        Ok(Self { address, nango, key, task })
    }

    /// The variables that point a component at it.
    pub fn vars(&self) -> Vars {
        [("NANGO_BASE_URL", format!("http://{}", self.address)), ("NANGO_SECRET_KEY", self.key.clone())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connect an account, see it, break it, repair it: every call through the sandbox, every answer the embedded Nango's.
///
/// # Errors
/// A call that fails, or a result that is not what the story promises.
pub async fn tell(server: &Server, embedded: &Embedded, out: &mut impl Write) -> Result<()> {
    writeln!(out, "The tools of the component:")?;
    for tool in server.tools() {
        writeln!(out, "  {:<32} {}", tool.name, tool.title.as_deref().unwrap_or_default())?;
    }

    writeln!(out, "\n1. An agent wants Ada's GitHub. It asks for a Connect link:")?;
    let tags = json!({"end_user_id": "ada", "end_user_email": "ada@example.com", "organization_id": "engines"});
    let session = call(server, out, "create_connect_session", json!({"allowed_integrations": ["github"], "tags": tags})).await?;
    show(out, &session, &["connect_link", "expires_at", "say"])?;

    writeln!(out, "\n2. Ada opens the link and authorizes (the embedded Nango plays the provider). The agent waits, as `next` says:")?;
    // Nango tells times apart by the millisecond; no person is as fast as that.
    tokio::time::sleep(Duration::from_millis(20)).await;
    click(embedded, &session, "github")?;
    let next = text(&session, "/next/tool")?;
    let waited = call(server, out, &next, session.pointer("/next/arguments").cloned().unwrap_or_default()).await?;
    show(out, &waited, &["status", "connection_id"])?;
    let found = call(server, out, "list_connections", json!({"end_user_id": "ada"})).await?;
    let connection = found.pointer("/connections/0").cloned().context("no connection after the link was completed")?;
    show(out, &connection, &["connection_id", "provider_config_key", "tags", "errors"])?;

    writeln!(out, "\n3. Weeks later the provider revokes the token. The agent sees the broken connection:")?;
    let id = text(&connection, "/connection_id")?;
    embedded.nango.break_connection(&id, "github");
    let broken = call(server, out, "list_connections", json!({"end_user_id": "ada", "with_errors": true})).await?;
    show(out, &broken, &["connections"])?;

    writeln!(out, "\n4. It asks for a reconnect link, which keeps id and tags:")?;
    let repair = json!({"connection_id": id, "provider_config_key": "github"});
    let session = call(server, out, "create_reconnect_session", repair.clone()).await?;
    show(out, &session, &["connect_link", "preserved_tags", "warnings"])?;

    writeln!(out, "\n5. Ada authorizes again. The same connection works, and its tags are there:")?;
    click(embedded, &session, "github")?;
    let repaired = call(server, out, "get_connection", repair).await?;
    show(out, &repaired, &["connection_id", "tags", "errors"])?;
    if repaired.get("tags") != connection.get("tags") || repaired.get("errors") != Some(&json!([])) {
        bail!("the repaired connection has lost tags or still has errors");
    }
    writeln!(out, "\nDone. Nothing left this machine: Nango was the embedded one at http://{}.", embedded.address)?;
    Ok(())
}

async fn call(server: &Server, out: &mut impl Write, tool: &str, mut arguments: Value) -> Result<Value> {
    if let Some(arguments) = arguments.as_object_mut() {
        arguments.entry("environment").or_insert_with(|| "default".into());
    }
    writeln!(out, "   -> {tool} {arguments}")?;
    let result = server.call(tool, &arguments.to_string()).await.map_err(|error| anyhow::anyhow!("{tool}: {}", error.message))?;
    match result.structured_content {
        Some(structured) if result.is_error != Some(true) => Ok(structured),
        _ => bail!(
            "{tool} failed: {}",
            result.content.first().and_then(|block| block.as_text()).map_or("no text", |text| text.text.as_str())
        ),
    }
}

fn show(out: &mut impl Write, value: &Value, fields: &[&str]) -> Result<()> {
    for field in fields {
        let shown = value.get(*field).cloned().unwrap_or_default();
        let shown = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
        writeln!(out, "      {field}: {shown}")?;
    }
    Ok(())
}

/// What the person does: open the link and authorize.
fn click(embedded: &Embedded, session: &Value, integration: &str) -> Result<()> {
    let link = text(session, "/connect_link")?;
    let query = link.split_once('?').map_or("", |(_, query)| query);
    let token = query.split('&').find_map(|pair| pair.strip_prefix("session_token=")).context("the link has no session token")?;
    embedded.nango.complete(token, integration)?;
    Ok(())
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    Ok(value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer} in the result"))?.to_owned())
}
