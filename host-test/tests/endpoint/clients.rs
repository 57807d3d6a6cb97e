//! Clients that are slow, go away, or do not say what they send.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Endpoint, JSON, OPEN, World, read, send};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

fn head(endpoint: &Endpoint, more: &str) -> String {
    format!("POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{more}\r\n", endpoint.address)
}

/// Still there, still well.
async fn well(endpoint: &Endpoint) {
    let answer = send(endpoint.address, "POST", "/mcp", &JSON, LIST.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(endpoint.faults.load(Ordering::SeqCst), 0, "traps");
}

/// Every instance that was begun has ended: soon, not when its patience is over.
async fn ended(endpoint: &Endpoint) {
    for _ in 0..400 {
        if endpoint.ended.load(Ordering::SeqCst) == endpoint.begun.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{} of {} instances ended", endpoint.ended.load(Ordering::SeqCst), endpoint.begun.load(Ordering::SeqCst));
}

/// Its instance is there. Without this the server may see the client go before it has made one.
async fn begun(endpoint: &Endpoint, requests: usize) {
    for _ in 0..2000 {
        if endpoint.begun.load(Ordering::SeqCst) >= requests {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no instance");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_is_no_trap() {
    let world = World::new().await;
    let endpoint = world.component(&[OPEN]).await;
    // In the middle of its request.
    for (nth, part) in ["", "{\"jsonrpc\"", LIST].into_iter().enumerate() {
        let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
        stream.write_all(format!("{}{part}", head(&endpoint, "content-length: 500\r\n")).as_bytes()).await.unwrap();
        begun(&endpoint, nth + 1).await;
        drop(stream);
    }
    ended(&endpoint).await;
    well(&endpoint).await;
    // Without reading the answer, or with a little of it read.
    for (nth, most) in [0, 100].into_iter().enumerate() {
        let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
        let length = format!("content-length: {}\r\n", LIST.len());
        stream.write_all(format!("{}{LIST}", head(&endpoint, &length)).as_bytes()).await.unwrap();
        let mut some = vec![0; most];
        begun(&endpoint, nth + 5).await;
        stream.read_exact(&mut some).await.unwrap();
        drop(stream);
    }
    ended(&endpoint).await;
    well(&endpoint).await;
    // While Nango is being asked.
    let (stalling, _) = super::super::bench::stub(super::super::bench::Play::Stall(Vec::new())).await;
    let base = format!("http://{stalling}");
    let waiting = world.component(&[OPEN, ("NANGO_BASE_URL", &base), ("NANGO_MCP_REQUEST_TIMEOUT", "1")]).await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_integrations","arguments":{}}}"#;
    let mut stream = TcpStream::connect(waiting.address).await.unwrap();
    let length = format!("content-length: {}\r\n", call.len());
    stream.write_all(format!("{}{call}", head(&waiting, &length)).as_bytes()).await.unwrap();
    begun(&waiting, 1).await;
    drop(stream);
    ended(&waiting).await;
    well(&waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_4_mib_is_refused_however_it_comes() {
    let world = World::new().await;
    for (which, endpoint) in [("component", world.component(&[OPEN]).await), ("host", world.host(&[]).await)] {
        let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
        stream.write_all(head(&endpoint, "transfer-encoding: chunked\r\nconnection: close\r\n").as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let writing = tokio::spawn(async move {
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
            // 5 MiB; the server may have closed before.
            for _ in 0..80 {
                if writer.write_all(chunk.as_bytes()).await.is_err() {
                    break;
                }
            }
        });
        let mut first = [0; 12];
        reader.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 413", "{which}");
        writing.await.unwrap();
        well(&endpoint).await;

        // Exactly as much as is allowed: blanks around a message are no fault.
        let padded = format!("{LIST}{}", " ".repeat(4 * 1024 * 1024 - LIST.len()));
        assert_eq!(send(endpoint.address, "POST", "/mcp", &JSON, padded.as_bytes()).await.status, 200, "{which}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::new().await;
    let begun = std::time::Instant::now();
    let mut waiting = tokio::task::JoinSet::new();
    for endpoint in [world.component(&[OPEN]).await, world.host(&[]).await] {
        waiting.spawn(async move {
            let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
            let half = format!("{}{{", head(&endpoint, "content-length: 500\r\nconnection: close\r\n"));
            stream.write_all(half.as_bytes()).await.unwrap();
            let answer = tokio::time::timeout(Duration::from_secs(40), read(stream)).await.expect("an answer");
            assert_eq!(answer.status, 408, "{}", answer.body);
            well(&endpoint).await;
        });
    }
    while let Some(done) = waiting.join_next().await {
        done.unwrap();
    }
    assert!(begun.elapsed() >= nango_mcp::endpoint::PATIENCE);
}
