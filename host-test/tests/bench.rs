//! What the tests share: the built files, a server over the built component, and a stub that answers with bytes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nango_mcp_host::demo::{Embedded, RATE_LIMIT};
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::sandbox::Sandbox;
use nango_mcp_host::settings;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The key that test servers accept.
pub(crate) const KEY: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";

/// A built file, by its path from the root of the repository.
pub(crate) fn built(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    assert!(path.is_file(), "{} is not built; run `make test`, which builds it first", path.display());
    path
}

/// The component under test.
pub(crate) fn component() -> PathBuf {
    built("dist/nango-mcp.wasm")
}

/// The guest that misbehaves.
pub(crate) fn misbehaving() -> PathBuf {
    built("target/wasm32-wasip2/component/misbehaving_guest.wasm")
}

/// An embedded Nango on a free port.
pub(crate) async fn embedded() -> Embedded {
    Embedded::start(([127, 0, 0, 1], 0).into(), KEY.into(), RATE_LIMIT).await.unwrap()
}

/// The built component with these variables and limits.
pub(crate) fn sandbox(vars: &settings::Vars, limits: Limits) -> Sandbox {
    Sandbox::load(&component(), settings::grant(vars).unwrap(), limits).unwrap()
}

/// A server over the built component with these variables.
pub(crate) async fn server(vars: &[(&str, &str)]) -> Server {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Server::start(sandbox(&vars, Limits::default()), false).await.unwrap()
}

/// A server over the built component, pointed at an address.
pub(crate) async fn server_at(address: SocketAddr, more: &[(&str, &str)]) -> Server {
    let base = format!("http://{address}");
    let mut vars = vec![("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY)];
    vars.extend(more);
    server(&vars).await
}

/// The structured result of a call that must succeed.
#[track_caller]
pub(crate) fn good(result: &rmcp::model::CallToolResult) -> &Value {
    assert_ne!(result.is_error, Some(true), "{:?}", result.content);
    result.structured_content.as_ref().expect("a structured result")
}

/// The error of a call that must fail, after checking its form: a sentence, one line of JSON, the same in `_meta`.
#[track_caller]
pub(crate) fn bad(result: &rmcp::model::CallToolResult) -> Value {
    assert_eq!(result.is_error, Some(true), "{:?}", result.structured_content);
    assert_eq!(result.structured_content, None, "clients hold it against the output schema");
    let texts: Vec<&str> = result.content.iter().map(|block| block.as_text().expect("text").text.as_str()).collect();
    let [sentence, line] = texts.as_slice() else { panic!("two blocks, not {texts:?}") };
    assert!(!sentence.is_empty() && !line.contains('\n'), "{texts:?}");
    let error = serde_json::from_str::<Value>(line).unwrap()["error"].clone();
    assert_eq!(result.meta.as_ref().and_then(|meta| meta.get("nango-mcp/error")), Some(&error));
    error
}

/// What the stub does with a connection after it has read the request's head.
#[derive(Clone)]
pub(crate) enum Play {
    /// Write these bytes and close.
    Answer(Vec<u8>),
    /// Write these bytes, then say nothing more.
    Stall(Vec<u8>),
    /// Write these bytes, then one more every 50 ms.
    Drip(Vec<u8>),
    /// Close at once, so that the client sees a reset or an early end.
    Close,
}

/// An answer with a JSON body.
pub(crate) fn json(status: &str, body: &str) -> Play {
    typed(status, "application/json", body)
}

/// An answer with a body of some type.
pub(crate) fn typed(status: &str, content_type: &str, body: &str) -> Play {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    Play::Answer(format!("{head}{body}").into_bytes())
}

/// A server that plays the same to everybody and counts the requests. Ends with the test.
pub(crate) async fn stub(play: Play) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(perform(stream, play.clone()));
        }
    });
    (address, count)
}

async fn perform(mut stream: TcpStream, play: Play) -> std::io::Result<()> {
    let mut head = vec![0; 4096];
    let _ = stream.read(&mut head).await?;
    match play {
        Play::Close => Ok(()),
        Play::Answer(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            // A socket closed with unread bytes resets the connection, and what it sent may be lost with it.
            let mut nowhere = tokio::io::sink();
            let drained = tokio::io::copy(&mut stream, &mut nowhere);
            let _ = tokio::time::timeout(Duration::from_secs(5), drained).await;
            Ok(())
        }
        Play::Stall(bytes) => {
            stream.write_all(&bytes).await?;
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok(())
        }
        Play::Drip(bytes) => {
            stream.write_all(&bytes).await?;
            for _ in 0..600 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.write_all(b" ").await?;
            }
            Ok(())
        }
    }
}
