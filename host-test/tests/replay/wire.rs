//! A plain HTTP client, and the server under test.

use std::collections::HashMap;
use std::net::SocketAddr;

use nango_mcp_host::nango::{self, Nango};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Sent;

/// An embedded Nango that ends with the test.
pub(super) struct Server {
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

/// What was answered. The body is JSON, or else a string; null when there is none.
pub(super) struct Reply {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

/// An answer before its body is read as anything.
pub(super) struct Raw {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Server {
    pub(super) async fn start(nango: Nango) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        Server { address, task: tokio::spawn(nango::serve(listener, nango)) }
    }

    pub(super) async fn send(&self, request: &Sent) -> Reply {
        let body = request.body.as_ref().map(Value::to_string);
        self.send_text(request, body.as_deref()).await
    }

    /// Sends with a body that need not be JSON.
    pub(super) async fn send_text(&self, request: &Sent, body: Option<&str>) -> Reply {
        let raw = self.send_raw(request, body).await;
        let body = match String::from_utf8(raw.body).expect("UTF-8") {
            text if text.is_empty() => Value::Null,
            text if raw.headers.get("content-type").is_some_and(|kind| kind.starts_with("application/json")) => {
                serde_json::from_str(&text).expect("JSON, as its content type says")
            }
            text => Value::String(text),
        };
        Reply { status: raw.status, headers: raw.headers, body }
    }

    /// Sends, and gives the answer's bytes as they are.
    pub(super) async fn send_raw(&self, request: &Sent, body: Option<&str>) -> Raw {
        // What no client sends bare in a request line.
        let path = request.path.replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        let mut text = format!("{} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", request.method, self.address);
        for (name, value) in &request.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body.unwrap_or_default());
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("a request sent");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.expect("a reply");
        parse(&reply)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn parse(reply: &[u8]) -> Raw {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&reply[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Raw { status: status.expect("a status"), headers, body: reply[end + 4..].to_vec() }
}
