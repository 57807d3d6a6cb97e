//! The limits of the sandbox, tried by a guest that misbehaves on demand.

use std::time::Duration;

use nango_mcp_host::fault::Fault;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::sandbox::{Sandbox, wit};
use nango_mcp_host::settings;

use super::bench::{Play, bad, json, misbehaving, stub};

fn sandbox(vars: &[(&str, &str)]) -> Sandbox {
    // The guest is let out with a handle only.
    let key = [("NANGO_SECRET_KEY", super::bench::KEY)];
    let named = vars.iter().any(|(name, _)| name.starts_with("NANGO_SECRET_KEY"));
    let vars = vars.iter().chain(key.iter().filter(|_| !named)).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let limits = Limits { time: Duration::from_secs(1), ..Limits::default() };
    Sandbox::load(&misbehaving(), settings::grant(&vars).unwrap(), limits).unwrap()
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

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_loops_or_waits_is_ended() {
    let sandbox = sandbox(&[]);
    let limit = Duration::from_secs(1);
    // Computing is cut by the epoch's yields, waiting by the timeout alone.
    assert_eq!(sandbox.call_tool("loop", "").await.unwrap_err(), Fault::Time(limit));
    assert_eq!(sandbox.call_tool("wait", "").await.unwrap_err(), Fault::Time(limit));
    assert_eq!(text(&sandbox, "environment", "").await, "NANGO_SECRET_KEY", "the next call works");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_hoards_memory_is_ended() {
    let sandbox = sandbox(&[]);
    assert_eq!(sandbox.call_tool("grow", "").await.unwrap_err(), Fault::Memory(64 << 20));
    assert_eq!(text(&sandbox, "environment", "").await, "NANGO_SECRET_KEY", "the next call works");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_a_result_that_the_model_can_read() {
    let server = Server::start(sandbox(&[]), false).await.unwrap();
    let result = server.call("trap", "{}").await.unwrap();
    assert_eq!(bad(&result)["code"], "component_trapped");
    assert_eq!(bad(&result)["outcome_unknown"], true, "it may have sent something before");
    let result = server.call("grow", "{}").await.unwrap();
    assert_eq!((&bad(&result)["code"], &bad(&result)["outcome_unknown"]), (&"memory_limit".into(), &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_the_configuration_and_nothing_else() {
    let vars = [
        ("NANGO_SECRET_KEY", super::bench::KEY),
        ("NANGO_SECRET_KEY_PROD", super::bench::KEY),
        ("NANGO_MCP_READ_ONLY", "true"),
        ("NANGO_MCP_ENV_FILE", "/secret/.env"),
        ("PATH", "/bin"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("NANGO_ENCRYPTION_KEY", "x"),
        ("NANGO_MCP_SURPRISE", "x"),
    ];
    assert_eq!(
        text(&sandbox(&vars), "environment", "").await,
        "NANGO_MCP_READ_ONLY NANGO_SECRET_KEY",
        "a key that no environment uses goes without a handle"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_reaches_the_granted_origin_and_nothing_else() {
    let (granted, _) = stub(json("200 OK", "{}")).await;
    let (other, count) = stub(json("200 OK", "{}")).await;
    let base = format!("http://{granted}/api");
    let sandbox = sandbox(&[("NANGO_BASE_URL", base.as_str())]);
    assert_eq!(text(&sandbox, "fetch", &format!("http://{granted}/api/x")).await, "status 200");
    for url in [
        format!("http://{granted}/x"),
        format!("http://{granted}/api/../x"),
        format!("http://{granted}/api/%2e%2e/x"),
        format!("https://{granted}/api/x"),
        format!("http://{other}/api/x"),
        format!("http://localhost:{}/api/x", granted.port()),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://user@{granted}/api/x"),
    ] {
        assert_eq!(text(&sandbox, "fetch", &url).await, "Denied", "{url}");
    }
    // The denial of a POST is a denial too, not the closed stream its body runs into.
    assert_eq!(text(&sandbox, "post", &format!("http://{other}/api/x")).await, "Denied");
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_nowhere() {
    let moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec();
    let (granted, count) = stub(Play::Answer(moved)).await;
    let base = format!("http://{granted}");
    assert_eq!(text(&sandbox(&[("NANGO_BASE_URL", &base)]), "fetch", &base).await, "status 302");
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
}
