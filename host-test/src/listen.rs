//! Connections of clients: so many and no more, none that only takes up room, and an orderly end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use nango_mcp::endpoint::PATIENCE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::monitor::Monitor;
use crate::signals::Stop;

/// How long calls may go on after the end was asked for: as long as a call may take, and a little.
const DRAIN: Duration = Duration::from_secs(60);

/// What a connection too many is told. It is not read before.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\
    content-length: 108\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":\"too many connections: try again in a second\"}}\n";

/// Serve until `stop`, then let what runs come to its end, or until `stop` again.
pub(crate) async fn serve(listener: TcpListener, routes: Router, monitor: Arc<Monitor>, most: usize, mut stop: Stop) {
    let places = Arc::new(Semaphore::new(most));
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, mostly: what closes gives some back.
                    tracing::warn!("cannot take a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.asked() => break,
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            monitor.metrics.refused(503);
            tokio::spawn(turn_away(stream));
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(routes.clone());
        // Also between two requests: who says nothing for so long is gone.
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(PATIENCE).serve_connection(TokioIo::new(stream), service);
        let (connection, monitor) = (graceful.watch(connection), monitor.clone());
        tokio::spawn(async move {
            monitor.metrics.connections(1);
            if let Err(error) = connection.await {
                tracing::debug!("a connection broke: {error}");
            }
            monitor.metrics.connections(-1);
            drop(place);
        });
    }
    drop(listener);
    tracing::info!("no new calls are taken; those that run may finish");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("some calls did not end within {} s", DRAIN.as_secs()),
        () = stop.asked() => tracing::warn!("ended before all calls were"),
    }
}

/// Say that there is no room. What the client sends is thrown away for a moment: closing before it is read would reset
/// the connection, and with it the answer.
async fn turn_away(mut stream: TcpStream) {
    let say = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await?;
        let mut thrown = [0; 1024];
        for _ in 0..64 {
            if stream.read(&mut thrown).await? == 0 {
                break;
            }
        }
        Ok::<(), std::io::Error>(())
    };
    let _ = tokio::time::timeout(Duration::from_millis(200), say).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_answer_has_the_length_it_says() {
        let text = std::str::from_utf8(super::FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
}
