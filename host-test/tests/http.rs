//! The Streamable HTTP endpoint over a socket: both eras, and who may come.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::bench::{embedded, server_at};

async fn endpoint() -> (SocketAddr, nango_mcp_host::demo::Embedded) {
    let nango = embedded().await;
    let server = server_at(nango.address, &[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = nango_mcp_host::http::router(server, &[], address);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, nango)
}

/// Status and body of one request, headers as given.
async fn send(address: SocketAddr, method: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!("{method} /mcp HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str(&format!("host: {address}\r\n"));
    }
    head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}

const JSON: [(&str, &str); 2] = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_both_eras() {
    let (address, _nango) = endpoint().await;
    let arguments = json!({"allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}});
    let call =
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "create_connect_session", "arguments": arguments}});
    let (status, body) = send(address, "POST", &[JSON[0], JSON[1], ("mcp-protocol-version", "2025-11-25")], &call.to_string()).await;
    let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status} {body}"));
    assert!(answer["result"]["structuredContent"]["connect_link"].is_string(), "{answer}");

    let mut modern = call;
    modern["params"]["_meta"] =
        json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let headers =
        [JSON[0], JSON[1], ("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "create_connect_session")];
    let (status, body) = send(address, "POST", &headers, &modern.to_string()).await;
    let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status} {body}"));
    assert_eq!((status, &answer["result"]["resultType"]), (200, &json!("complete")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hosts_and_origins_are_turned_away() {
    let (address, nango) = endpoint().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let local = format!("http://{address}");
    for (headers, expected) in [
        (vec![], 200),
        (vec![("origin", local.as_str())], 200),
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", "http://127.0.0.1.evil.example")], 403),
        (vec![("host", "evil.example")], 403),
        (vec![("host", "127.0.0.1.evil.example:80")], 403),
    ] {
        let all: Vec<_> = JSON.into_iter().chain(headers.iter().copied()).collect();
        assert_eq!(send(address, "POST", &all, ping).await.0, expected, "{headers:?}");
    }
    assert_eq!(send(address, "GET", &JSON, "").await.0, 405);
    assert!(nango.nango.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_a_protocol_error() {
    let (address, _nango) = endpoint().await;
    for (body, code) in [("{bad", -32700), ("[]", -32600), ("7", -32600)] {
        let (status, answer) = send(address, "POST", &JSON, body).await;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{status} {answer}"));
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(code)), "{answer}");
    }
    let call = r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"list_environments","arguments":[]}}"#;
    let (_, answer) = send(address, "POST", &JSON, call).await;
    assert!(answer.contains("-32602"), "{answer}");
    assert_eq!(send(address, "POST", &[("content-type", "text/plain"), JSON[1]], "{}").await.0, 415);
}
