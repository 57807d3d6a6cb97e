//! MCP on stdin and stdout: a message a line, nothing else on stdout.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rmcp::ServiceExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use crate::lines::Lines;
use crate::mcp::Server;
use crate::signals;
use crate::start::Loader;
use crate::streams::Streams;

/// Serve until stdin ends, or SIGINT or SIGTERM comes, and let calls finish; a second one ends at once. On SIGHUP, read the configuration again.
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
    let stop = Arc::new(Notify::new());
    let mut signals = signals::Stop::new()?;
    let ending = async {
        signals.asked().await;
        tracing::info!("no new calls are taken; those that run may finish");
        stop.notify_one();
        signals.asked().await;
        tracing::warn!("ended before all calls were");
    };
    let served = tokio::select! {
        served = serve_on(server, input, output, stop.clone()) => served,
        () = ending => Ok(()),
    };
    reloading.abort();
    served
}

/// Serve on these streams, until the first ends or `stop` is given notice; calls that run may finish.
///
/// # Errors
/// The streams break.
async fn serve_on<R, W>(server: Server, input: R, output: W, stop: Arc<Notify>) -> Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let monitor = server.sandbox().watcher().monitor.clone();
    // A client that leaves before `initialize` is no failure of ours.
    if let Ok(running) = server.serve(Lines::new(input, output, monitor, stop)).await {
        running.waiting().await.context("the connection to the client failed")?;
    }
    Ok(())
}
