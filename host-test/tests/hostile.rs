//! A guest that tries to read, send and leak, against the hook; and what its memory holds.

use std::sync::{Arc, Mutex};

use nango_mcp_host::limits::Limits;
use nango_mcp_host::sandbox::{Sandbox, plain, wit};
use nango_mcp_host::settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::bench::{KEY, component, misbehaving};

const OTHER_KEY: &str = "7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e";

/// What an origin does with a request.
#[derive(Clone, Copy)]
enum Origin {
    /// Answer `{"data":[]}`.
    Plain,
    /// Send back every header it got, as an echo service does: in the body.
    EchoBody,
    /// The same in a header.
    EchoHeader,
    /// The same, a few bytes at a time.
    EchoDrip,
}

/// An origin on loopback, and the heads of the requests that reached it.
async fn origin(kind: Origin) -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 128 * 1024];
                let read = stream.read(&mut bytes).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&bytes[..read]).into_owned();
                log.lock().unwrap().push(head.clone());
                let authorization = head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization")).unwrap_or("");
                let (more, body) = match kind {
                    Origin::Plain => (String::new(), r#"{"data":[]}"#.to_owned()),
                    Origin::EchoHeader => (format!("x-echo: {authorization}\r\n"), r#"{"data":[]}"#.to_owned()),
                    Origin::EchoBody | Origin::EchoDrip => (String::new(), format!(r#"{{"data":[],"headers":{:?}}}"#, authorization)),
                };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let size = if matches!(kind, Origin::EchoDrip) { 5 } else { answer.len() };
                for piece in answer.as_bytes().chunks(size) {
                    let _ = stream.write_all(piece).await;
                    let _ = stream.flush().await;
                    if size == 5 {
                        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                    }
                }
            });
        }
    });
    (address, seen)
}

fn vars(base: &str, more: &[(&str, &str)]) -> settings::Vars {
    let own = [
        ("NANGO_BASE_URL", base),
        ("NANGO_MCP_ENVIRONMENTS", "dev,prod"),
        ("NANGO_SECRET_KEY_DEV", KEY),
        ("NANGO_SECRET_KEY_PROD", OTHER_KEY),
    ];
    own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn guest(base: &str, more: &[(&str, &str)]) -> Sandbox {
    Sandbox::load(&misbehaving(), settings::grant(&vars(base, more)).unwrap(), Limits::default()).unwrap()
}

async fn text(sandbox: &Sandbox, tool: &str, arguments: &str) -> String {
    match sandbox.call_tool(tool, arguments).await.unwrap().unwrap() {
        wit::Outcome::Done(result) => match result.content.as_slice() {
            [wit::Content::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        },
        wit::Outcome::NeedsInput(_) => panic!("it asks nobody"),
    }
}

fn holds_a_key(text: &str) -> bool {
    text.contains(KEY) || text.contains(OTHER_KEY)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_and_how_it_ends() {
    let (granted, seen) = origin(Origin::Plain).await;
    let (elsewhere, strangers) = origin(Origin::Plain).await;
    let base = format!("http://{granted}/api");
    let sandbox = guest(&base, &[]);
    let known = text(&sandbox, "variables", "").await;
    assert!(known.contains("NANGO_SECRET_KEY_DEV=host:dev") && !holds_a_key(&known), "{known}");

    let auth = "authorization: Bearer host:dev";
    let long = "x".repeat(64 * 1024);
    let session = format!("authorization: Bearer nango_connect_session_{}", "0a".repeat(32));
    let port = granted.port();
    let attempts: Vec<(&str, String, &str)> = vec![
        ("the granted origin with a handle", format!("GET {base}/x\n{auth}"), "200"),
        ("another environment's handle of this configuration", format!("GET {base}/x\nauthorization: Bearer host:prod"), "200"),
        ("a handle that was not granted", format!("GET {base}/x\nauthorization: Bearer host:staging"), "Denied"),
        ("a handle in another case", format!("GET {base}/x\nauthorization: Bearer host:DEV"), "Denied"),
        ("no handle", format!("GET {base}/x"), "Denied"),
        ("a key of its own", format!("GET {base}/x\nauthorization: Bearer 00000000-0000-4000-8000-000000000000"), "Denied"),
        ("another scheme", format!("GET {base}/x\nauthorization: Basic aG9zdDpkZXY="), "Denied"),
        ("two Authorization headers", format!("GET {base}/x\n{auth}\n{auth}"), "Denied"),
        ("the handle in another header as well", format!("GET {base}/x\n{auth}\nx-leak: host:dev"), "200"),
        ("the handle in the query", format!("GET {base}/x?key=host:dev\n{auth}"), "200"),
        ("the handle in the body", format!("POST {base}/x\n{auth}\n\nhost:dev Bearer host:dev"), "200"),
        ("health without a handle", format!("GET {base}/health"), "200"),
        ("a write to health without a handle", format!("POST {base}/health"), "Denied"),
        ("a session's token at its route", format!("GET {base}/connect/session\n{session}"), "200"),
        ("a session's token at another route", format!("GET {base}/connections\n{session}"), "Denied"),
        ("another path", format!("GET http://{granted}/x\n{auth}"), "Denied"),
        ("out of the path", format!("GET {base}/../x\n{auth}"), "Denied"),
        ("out of the path, encoded", format!("GET {base}/%2e%2e/x\n{auth}"), "Denied"),
        ("another port", format!("GET http://{elsewhere}/api/x\n{auth}"), "Denied"),
        ("another scheme of the origin", format!("GET https://{granted}/api/x\n{auth}"), "Denied"),
        ("another name of the host", format!("GET http://localhost:{port}/api/x\n{auth}"), "Denied"),
        ("a name that begins with the host's", format!("GET http://127.0.0.1.nip.example:{port}/api/x\n{auth}"), "Denied"),
        ("a user in the address", format!("GET http://dev@{granted}/api/x\n{auth}"), "Denied"),
        ("the cloud's metadata", format!("GET http://169.254.169.254/latest/meta-data\n{auth}"), "Denied"),
        ("an IPv6 spelling", format!("GET http://[::ffff:127.0.0.1]:{port}/api/x\n{auth}"), "Denied"),
        ("a header of 64 kB", format!("GET {base}/x\n{auth}\nx-long: {long}"), "200"),
    ];
    println!("{:<52} {:<8} reached the origin", "attempt", "outcome");
    for (attempt, request, expected) in attempts {
        seen.lock().unwrap().clear();
        let outcome = text(&sandbox, "send", &request).await;
        let reached = seen.lock().unwrap().len();
        let word = outcome.split(' ').next().unwrap_or_default().to_owned();
        println!("{attempt:<52} {word:<8} {reached}");
        assert_eq!((word.as_str(), reached), (expected, usize::from(expected == "200")), "{attempt}: {outcome}");
        assert!(!holds_a_key(&outcome), "{attempt}: {outcome}");
        // The key stands where it belongs, and there alone.
        for head in seen.lock().unwrap().iter() {
            let others: String = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("authorization: ")).collect();
            assert!(!holds_a_key(&others), "{attempt}: {others}");
        }
    }
    assert!(strangers.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_echoes_the_key_is_cut_off() {
    for kind in [Origin::EchoBody, Origin::EchoHeader, Origin::EchoDrip] {
        let (granted, seen) = origin(kind).await;
        let base = format!("http://{granted}");
        let outcome = text(&guest(&base, &[]), "send", &format!("GET {base}/x\nauthorization: Bearer host:dev")).await;
        assert!(seen.lock().unwrap()[0].contains(KEY), "the key was sent");
        assert!(!outcome.starts_with("200") && !holds_a_key(&outcome), "{outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_is_enforced_outside_too() {
    let (granted, seen) = origin(Origin::Plain).await;
    let base = format!("http://{granted}");
    let sandbox = guest(&base, &[("NANGO_MCP_READ_ONLY", "true")]);
    for (method, expected) in [("GET", "200"), ("HEAD", "200"), ("POST", "Denied"), ("PATCH", "Denied"), ("DELETE", "Denied")] {
        let outcome = text(&sandbox, "send", &format!("{method} {base}/x\nauthorization: Bearer host:dev")).await;
        assert!(outcome.starts_with(expected), "{method}: {outcome}");
    }
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_arguments_does_not_come_back() {
    let nango = super::bench::embedded().await;
    let server = super::bench::server_at(nango.address, &[]).await;
    let tags = serde_json::json!({"end_user_id": "u1", "note": KEY, "both": format!("a {KEY} b")});
    for (tool, arguments) in [
        ("create_connect_session", serde_json::json!({"allowed_integrations": ["github"], "tags": tags})),
        ("ensure_connection", serde_json::json!({"provider_config_key": "github", "end_user_id": KEY})),
        (KEY, serde_json::json!({})),
    ] {
        let said = match server.call(tool, &arguments.to_string()).await {
            Ok(result) => serde_json::to_string(&result).unwrap(),
            Err(error) => error.message.into_owned(),
        };
        assert!(!holds_a_key(&said), "{said}");
    }
}

/// Another try would end the same way, so that is not what the model is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_data_is_told_as_what_it_is() {
    let nango = super::bench::embedded().await;
    nango.nango.seed_connections("default", "github", 1);
    let server = super::bench::server_at(nango.address, &[]).await;
    let mut tags = serde_json::json!({"connection_id": "seed-0001", "provider_config_key": "github", "tags": {"note": KEY}});
    super::bench::good(&server.call("replace_connection_tags", &tags.to_string()).await.unwrap());
    tags["tags"] = serde_json::json!({});
    for (tool, arguments) in [("list_connections", serde_json::json!({})), ("replace_connection_tags", tags)] {
        let told = server.call(tool, &arguments.to_string()).await.unwrap();
        let error = super::bench::bad(&told);
        assert_eq!(error["code"], "key_in_answer", "{tool}: {error}");
        let said = serde_json::to_string(&told).unwrap();
        assert!(!holds_a_key(&said) && !said.contains("try again"), "{said}");
    }
}

/// The memory of an instance of the component after a call of list_integrations.
async fn memory(vars: &settings::Vars, with_hook: bool) -> Vec<u8> {
    let mut grant = settings::grant(vars).unwrap();
    if !with_hook {
        // As a gateway does that cannot keep the key outside: the component has it in its environment.
        grant.vars = vars.clone();
        grant.secrets = nango_mcp_host::secrets::Secrets::passed_on();
    }
    let limits = Limits { dump: true, ..Limits::default() };
    let sandbox = Sandbox::load(&component(), grant, limits).unwrap();
    sandbox.memory_after(plain("list_integrations", "{}")).await.unwrap()
}

fn has(memory: &[u8], text: &str) -> bool {
    memchr::memmem::find(memory, text.as_bytes()).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_the_component_holds_the_handle_and_no_key() {
    for kind in [Origin::Plain, Origin::EchoBody, Origin::EchoHeader] {
        let (granted, seen) = origin(kind).await;
        let base = format!("http://{granted}");
        // A long name: the allocator writes its lists over the first bytes of what is freed.
        let vars = [("NANGO_BASE_URL", base.as_str()), ("NANGO_ENVIRONMENT", "the-environment-of-this-test"), ("NANGO_SECRET_KEY", KEY)];
        let vars: settings::Vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let guarded = memory(&vars, true).await;
        assert!(seen.lock().unwrap()[0].contains(KEY), "the key was sent");
        assert!(has(&guarded, "ost:the-environment-of"), "{} bytes", guarded.len());
        // Not even a part of it.
        assert!((0..=KEY.len() - 12).all(|at| !has(&guarded, &KEY[at..at + 12])));
        let control = memory(&vars, false).await;
        assert!(has(&control, &KEY[12..]), "without the hook it is there, so the dump would show it");
        println!("memory of {} bytes: handle yes, key no; without the hook: key yes", guarded.len());
    }
}
