//! MCP on stdin and stdout: a message a line, nothing else on stdout.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rmcp::ServiceExt as _;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::lines::Lines;
use crate::mcp::Server;
use crate::signals;
use crate::start::Loader;
use crate::streams::Streams;

/// Serve until stdin ends. On SIGHUP, read the configuration again.
///
/// # Errors
/// The configuration cannot hold, or the streams break.
pub async fn serve(loader: Arc<Loader>) -> Result<()> {
    let server = loader.server().await?;
    let reloading = signals::on_hangup(loader, {
        let server = server.clone();
        move |loader| {
            let server = server.clone();
            async move { loader.server().await.map(|next| server.become_as(&next)) }
        }
    })?;
    let (input, output, _streams) = Streams::open().context("cannot use stdin and stdout")?;
    let served = serve_on(server, input, output).await;
    reloading.abort();
    served
}

/// Serve on these streams.
///
/// # Errors
/// The streams break.
pub async fn serve_on<R, W>(server: Server, input: R, output: W) -> Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let monitor = server.sandbox().watcher().monitor.clone();
    // A client that leaves before `initialize` is no failure of ours.
    if let Ok(running) = server.serve(Lines::new(input, output, monitor)).await {
        running.waiting().await.context("the connection to the client failed")?;
    }
    Ok(())
}
