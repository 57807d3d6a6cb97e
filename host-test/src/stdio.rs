//! MCP on stdin and stdout: a message a line, nothing else on stdout.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rmcp::ServiceExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::Instant;

use crate::mcp::Server;
use crate::signals;
use crate::start::Loader;
use crate::timings::Phase;
use crate::wire::refusal;

/// Bytes under way between the lines and rmcp: nearly every answer goes through in one piece.
const PIPE: usize = 1024 * 1024;

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
    let served = serve_on(server, tokio::io::stdin(), tokio::io::stdout()).await;
    reloading.abort();
    served
}

/// Serve on these streams. Lines that are no message are answered here, all others go through to rmcp; both write
/// whole lines to `output` by way of one task.
///
/// # Errors
/// The streams break.
pub async fn serve_on<R, W>(server: Server, input: R, mut output: W) -> Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (inside, outside) = tokio::io::duplex(PIPE);
    let (answers, mut passed) = tokio::io::split(outside);
    let (refused, mut refusals) = tokio::sync::mpsc::channel::<String>(16);
    let monitor = server.sandbox().watcher().monitor.clone();
    let watching = monitor.clone();
    let reading = tokio::spawn(async move {
        let mut lines = BufReader::new(input);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).await? > 0 {
            let message = line.trim_ascii();
            let timeline = monitor.timings.as_ref().and_then(|timings| timings.arrived(message));
            let refusal = refusal(message);
            if let Some(timeline) = timeline {
                timeline.lap(Phase::Accept);
            }
            match refusal {
                _ if message.is_empty() => {}
                Some(answer) => drop(refused.send(answer.to_string()).await),
                None => {
                    passed.write_all(message).await?;
                    passed.write_all(b"\n").await?;
                }
            }
            line.clear();
        }
        passed.shutdown().await
    });
    let writing = tokio::spawn(async move {
        let mut answers = BufReader::with_capacity(PIPE, answers);
        let mut line = Vec::new();
        loop {
            tokio::select! {
                // Between the lines: what is read of one so far waits in `line`.
                Some(refusal) = refusals.recv() => output.write_all(format!("{refusal}\n").as_bytes()).await?,
                read = answers.read_until(b'\n', &mut line) => {
                    if read? == 0 {
                        return Ok::<(), std::io::Error>(());
                    }
                    output.write_all(&line).await?;
                    output.flush().await?;
                    if let Some(timings) = &watching.timings {
                        timings.written(Instant::now(), &line);
                    }
                    line.clear();
                }
            }
            output.flush().await?;
        }
    });
    // A client that leaves before `initialize` is no failure of ours.
    if let Ok(running) = server.serve(tokio::io::split(inside)).await {
        running.waiting().await.context("the connection to the client failed")?;
    }
    reading.abort();
    writing.await.context("the writer failed")?.context("cannot write to stdout")
}
