//! The end of calls and of the host: nobody is cut off who could be answered, and nothing goes on that nobody waits for.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::bench::{KEY, Play, component, embedded, stub};
use super::super::cli::folder;
use super::super::stdio::Client;
use super::{Host, PATIENCE, read};

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_run_are_answered_before_the_host_ends() {
    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    tokio::task::block_in_place(|| {
        let mut host = Host::http(&folder("ending"), &component(), &[("NANGO_BASE_URL", &base), ("NANGO_SECRET_KEY", KEY)], &[]);
        let arguments = json!({"provider_config_keys": ["github"], "end_user_id": "u1", "timeout_seconds": 3});
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait_for_connection", "arguments": arguments}});
        let mut waits = host.open("POST", "/mcp", None, &call.to_string());
        std::thread::sleep(Duration::from_millis(500));
        host.signal("TERM");
        host.says("no new calls are taken");
        assert!(std::net::TcpStream::connect(host.address).is_err(), "the door is closed");
        assert_eq!(read(&mut waits).good()["status"], "pending");
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match host.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < end, "it does not end"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(0));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let (address, _) = stub(Play::Stall(Vec::new())).await;
    let base = format!("http://{address}");
    tokio::task::block_in_place(|| {
        let mut host = Host::http(&folder("ending-twice"), &component(), &[("NANGO_BASE_URL", &base), ("NANGO_SECRET_KEY", KEY)], &[]);
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_integrations", "arguments": {}}});
        let _waits = host.open("POST", "/mcp", None, &call.to_string());
        std::thread::sleep(Duration::from_millis(300));
        host.signal("TERM");
        host.says("no new calls are taken");
        host.signal("TERM");
        let begun = Instant::now();
        host.child.wait().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_ends_its_request_to_nango() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder("hangup");
    let host = tokio::task::block_in_place(|| {
        let vars = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY)];
        Host::http(&folder, &component(), &vars, &["--audit-log", "audit.jsonl"])
    });
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_integrations", "arguments": {}}});
    let client = host.open("POST", "/mcp", None, &call.to_string());
    let (mut nango, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut request = [0; 4096];
    let read = tokio::io::AsyncReadExt::read(&mut nango, &mut request).await.unwrap();
    assert!(request[..read].starts_with(b"GET /integrations"));
    drop(client);
    // The host closes its own connection: it would wait 20 s for an answer else.
    let closed = tokio::time::timeout(Duration::from_secs(5), tokio::io::AsyncReadExt::read(&mut nango, &mut request)).await;
    assert_eq!(closed.expect("the request to Nango goes on").unwrap_or(0), 0);
    let end = Instant::now() + PATIENCE;
    loop {
        let log = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap();
        if log.contains("\"outcome\":\"cancelled\"") {
            break;
        }
        assert!(Instant::now() < end, "{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_used_after_a_hangup_signal() {
    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    let folder = folder("reload-key");
    let file = folder.join("env");
    let write = |key: &str| std::fs::write(&file, format!("NANGO_SECRET_KEY={key}\nNANGO_BASE_URL={base}\n")).unwrap();
    write("7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e");
    tokio::task::block_in_place(|| {
        let mut client = Client::with(&[], &[("NANGO_MCP_ENV_FILE", file.to_str().unwrap())]);
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        client.ask(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_integrations", "arguments": {}}});
        assert_eq!(client.ask(&call)["result"]["isError"], true, "Nango does not know that key");
        write(KEY);
        client.signal("HUP");
        let end = Instant::now() + PATIENCE;
        while client.ask(&call)["result"]["isError"] == true {
            assert!(Instant::now() < end, "the new key is not used");
            std::thread::sleep(Duration::from_millis(50));
        }
        // A file that cannot be read changes nothing.
        std::fs::write(&file, "NANGO_SECRET_KEY=nonsense\n").unwrap();
        client.signal("HUP");
        std::thread::sleep(Duration::from_millis(300));
        assert_ne!(client.ask(&call)["result"]["isError"], true);
    });
}
