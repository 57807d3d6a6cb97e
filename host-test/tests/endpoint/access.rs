//! Who is let in, at both endpoints: tokens, hosts, origins; and that nobody learns anything before.

use std::sync::atomic::Ordering;

use nango_mcp::access::digest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::bench::KEY;
use super::{Endpoint, JSON, OPEN, World, component, send};

const TOKEN: &str = "nmcp_a-token-of-the-test";
const SECOND: &str = "nmcp_another-token-of-the-test";
const PING: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn ping(endpoint: &Endpoint, headers: &[(&str, &str)]) -> super::Answer {
    let all: Vec<_> = JSON.into_iter().chain(headers.iter().copied()).collect();
    send(endpoint.address, "POST", "/mcp", &all, PING).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_and_a_promise_nobody_is_let_in_whatever_host_says() {
    let world = World::new().await;
    let closed = world.component(&[]).await;
    let own = closed.address.to_string();
    for host in [own.as_str(), "localhost", "127.0.0.1", "evil.example"] {
        for headers in [vec![("host", host)], vec![("host", host), ("authorization", "Bearer x")]] {
            let answer = ping(&closed, &headers).await;
            assert_eq!(answer.status, 401, "{host}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"nango-mcp\""));
            let said = answer.json()["error"]["message"].to_string();
            for remedy in ["NANGO_MCP_TOKEN_SHA256", "nango-mcp-host token", "NANGO_MCP_ANONYMOUS=loopback"] {
                assert!(said.contains(remedy), "{said}");
            }
        }
    }
    // What needs no token says nothing of the configuration.
    for (path, status, kind) in [("/", 200, "text/html; charset=utf-8"), ("/health", 200, "application/json")] {
        let answer = send(closed.address, "GET", path, &[], b"").await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(kind)));
        let base = world.nango.address.to_string();
        assert!(!answer.body.contains(KEY) && !answer.body.contains(&base) && !answer.body.contains("default-"), "{}", answer.body);
        let head = send(closed.address, "HEAD", path, &[], b"").await;
        assert_eq!((head.status, head.body.as_str()), (status, ""));
        assert_eq!(send(closed.address, "POST", path, &[], b"").await.status, 405);
    }
    assert_eq!(closed.faults.load(Ordering::SeqCst), 0);
    assert!(world.nango.nango.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_both_endpoints_and_nothing_else_does() {
    let world = World::new().await;
    let digests = format!("{}, {}", digest(TOKEN), digest(SECOND).to_uppercase());
    let vars = [("NANGO_MCP_TOKEN_SHA256", digests.as_str()), OPEN];
    for (which, endpoint) in [("component", world.component(&vars).await), ("host", world.host(&vars[..1]).await)] {
        let bearer = |token: &str| format!("Bearer {token}");
        let known = [bearer(TOKEN), bearer(SECOND), format!("bearer  {TOKEN} ")];
        for header in &known {
            assert_eq!(ping(&endpoint, &[("authorization", header)]).await.status, 200, "{which} {header}");
        }
        let almost = TOKEN.strip_suffix('t').unwrap();
        let unknown = [bearer("x"), bearer(almost), bearer(&format!("{TOKEN}t")), bearer(&TOKEN.to_uppercase()), bearer(&digest(TOKEN))];
        for header in &unknown {
            let answer = ping(&endpoint, &[("authorization", header)]).await;
            assert_eq!(answer.status, 401, "{which} {header}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"nango-mcp\", error=\"invalid_token\""));
            assert!(!answer.body.contains(header.split(' ').next_back().unwrap()), "{which} repeats it: {}", answer.body);
        }
        for header in ["", "Bearer", "Bearer ", &format!("Basic {TOKEN}"), TOKEN] {
            assert_eq!(ping(&endpoint, &[("authorization", header)]).await.status, 401, "{which} {header}");
        }
        assert_eq!(ping(&endpoint, &[]).await.status, 401, "{which}: the promise does not undo the token");
        let query = format!("/mcp?access_token={TOKEN}&token={TOKEN}");
        assert_eq!(send(endpoint.address, "POST", &query, &JSON, PING).await.status, 401, "{which}: none in the address");
        // The token comes first: who has none does not learn which hosts are known.
        assert_eq!(ping(&endpoint, &[("host", "evil.example")]).await.status, 401, "{which}");
        assert_eq!(ping(&endpoint, &[("host", "evil.example"), ("authorization", &known[0])]).await.status, 403, "{which}");
        let large = [("content-length", "4194305"), ("content-type", "application/json")];
        assert_eq!(send(endpoint.address, "POST", "/mcp", &large, b"").await.status, 401, "{which}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_and_origins_are_the_operator_s() {
    let world = World::new().await;
    let vars = [
        OPEN,
        ("NANGO_MCP_ALLOWED_HOSTS", "mcp.example.com, Other.example:8443"),
        ("NANGO_MCP_ALLOWED_ORIGINS", "https://app.example.net"),
    ];
    for (which, endpoint) in [("component", world.component(&vars).await), ("host", world.host(&vars[1..]).await)] {
        for (header, value, status) in [
            ("host", "mcp.example.com", 200),
            ("host", "MCP.example.com:443", 200),
            ("host", "other.example:8443", 200),
            ("host", "other.example:8444", 403),
            ("host", "sub.mcp.example.com", 403),
            ("host", "mcp.example.com.evil.example", 403),
            ("host", "[::1]:8080", 200),
            ("host", "LOCALHOST:1", 200),
            ("host", "localhost.", 403),
            ("host", "user@localhost", 403),
            ("host", "0.0.0.0", 403),
            ("host", "", 403),
            ("origin", "https://app.example.net", 200),
            ("origin", "https://app.example.net:444", 403),
            ("origin", "http://app.example.net", 403),
            ("origin", "https://mcp.example.com", 200),
            ("origin", "http://mcp.example.com", 403),
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("origin", "file://", 403),
            ("origin", "http://localhost:3000", 200),
            ("origin", "http://[::1]:3000", 200),
            ("origin", "http://127.0.0.1@evil.example", 403),
        ] {
            let answer = ping(&endpoint, &[(header, value)]).await;
            assert_eq!(answer.status, status, "{which} {header}: {value} {}", answer.body);
            assert!(status == 200 || !value.contains("evil") || !answer.body.contains("evil"), "repeated: {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_does_not_travel_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 8192];
        let read = stream.read(&mut head).await.unwrap();
        let body = r#"{"error":{"code":"unknown_account"}}"#;
        let answer = format!("HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head[..read].to_vec()).unwrap()
    });
    let sha = digest(TOKEN);
    let vars = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY), ("NANGO_MCP_TOKEN_SHA256", sha.as_str())];
    let endpoint = component(&vars.map(|(name, value)| (name.to_owned(), value.to_owned()))).await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_integrations", "arguments": {}}});
    let bearer = format!("Bearer {TOKEN}");
    let headers = [JSON[0], JSON[1], ("authorization", bearer.as_str()), ("cookie", "a=b"), ("x-forwarded-for", "10.0.0.1")];
    let answer = send(endpoint.address, "POST", "/mcp", &headers, call.to_string().as_bytes()).await;
    let seen = seen.await.unwrap();
    assert!(seen.contains(&format!("authorization: Bearer {KEY}\r\n")), "{seen}");
    assert!(!seen.contains(TOKEN) && !seen.contains("cookie") && !seen.contains("10.0.0.1"), "{seen}");
    assert!(!answer.body.contains(TOKEN) && !answer.body.contains(&sha) && !answer.body.contains(KEY), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_hold_is_named_to_those_let_in() {
    let bad = [
        ("NANGO_BASE_URL", "not-a-url"),
        ("NANGO_SECRET_KEY", "not-a-key"),
        ("NANGO_MCP_TOOLSETS", "conect"),
        ("NANGO_MCP_ALLOWED_HOSTS", "https://mcp.example.com/"),
        ("NANGO_MCP_ALLOWED_ORIGINS", "mcp.example.com"),
        ("NANGO_MCP_TOKEN_SHA256", "my-token-in-the-clear"),
        ("NANGO_MCP_ANONYMOUS", "true"),
    ];
    for (name, value) in bad {
        let vars = [OPEN, (name, value)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        // The last of two variables of one name is the one that a process sees.
        let vars: Vec<_> = if name == OPEN.0 { vars[1..].to_vec() } else { vars.to_vec() };
        let endpoint = component(&vars).await;
        let health = send(endpoint.address, "GET", "/health", &[], b"").await;
        assert_eq!((health.status, &health.json()["status"]), (503, &json!("misconfigured")), "{name}");
        assert!(!health.body.contains("NANGO"), "{}", health.body);
        let list = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let answer = send(endpoint.address, "POST", "/mcp", &JSON, list).await;
        assert!(answer.body.contains(name) && !answer.body.contains(value), "{name}: {}", answer.body);
        if name.starts_with("NANGO_MCP_A") || name == "NANGO_MCP_TOKEN_SHA256" {
            assert_eq!(answer.status, 401, "{name}: who may come in is not known, so nobody may");
            continue;
        }
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (200, &json!(-32603)), "{name}: {}", answer.body);
        assert_eq!(ping(&endpoint, &[]).await.status, 200, "{name}: it still says who it is");
        assert_eq!(endpoint.faults.load(Ordering::SeqCst), 0);
    }
}
