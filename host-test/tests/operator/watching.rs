//! What the operator sees: the audit log and the counters, with nothing in them that a client wrote.

use std::sync::Arc;

use nango_mcp::access::digest;
use nango_mcp_host::audit::Audit;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::monitor::Monitor;
use nango_mcp_host::sandbox::Sandbox;
use nango_mcp_host::settings;
use serde_json::{Value, json};

use super::super::bench::{KEY, component, misbehaving};
use super::super::cli::folder;
use super::Host;
use super::policy::{World, policy};

const PROD: &str = "nmcp_prod-token-of-the-test";
const DEV: &str = "nmcp_dev-token-of-the-test";

fn lines(path: &std::path::Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_written_down_without_what_was_said_in_them() {
    let world = World::new().await;
    let folder = folder("audit");
    std::fs::write(folder.join("policy.toml"), policy()).unwrap();
    let vars = world.vars(&[]);
    tokio::task::block_in_place(|| {
        let host = Host::http(&folder, &component(), &vars, &["--policy", "policy.toml", "--audit-log", "audit.jsonl"]);
        host.call(Some(PROD), "list_connections", &json!({"search": "PLANTED-1"})).good();
        host.call(Some(PROD), "list_connections", &json!({"environment": "PLANTED-2"}));
        host.call(Some(PROD), "PLANTED-3", &json!({"a": "PLANTED-4"}));
        host.call(Some(PROD), "get_connection", &json!({"provider_config_key": "github", "connection_id": "PLANTED-5"}));
        host.call(Some(PROD), "delete_connection", &json!({"provider_config_key": "github", "connection_id": "PLANTED-7"}));
        host.call(Some(DEV), "get_connect_session", &json!({"session_token": format!("nango_connect_session_{}", "a".repeat(64))}));
        host.call(Some("PLANTED-6"), "list_connections", &json!({}));
        let path = folder.join("audit.jsonl");
        let seen: Vec<Value> = lines(&path);
        let short: Vec<String> = seen
            .iter()
            .map(|line| {
                let of = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
                assert!(line["event"] != "call" || line["ms"].as_f64().unwrap() > 0.0, "{line}");
                assert!(of("time").ends_with('Z'), "{line}");
                ["event", "principal", "tool", "environment", "outcome", "code"].map(of).join(" ")
            })
            .collect();
        assert_eq!(
            short,
            [
                "endpoint - - - - -",
                "call support list_connections prod ok -",
                "call support list_connections - error unknown_environment",
                "call support unknown prod refused unknown_tool",
                "call support get_connection prod error unknown_connection",
                "call support delete_connection prod error read_only",
                "call developers get_connect_session dev ok -",
            ]
        );
        let text = std::fs::read_to_string(&path).unwrap();
        for secret in ["PLANTED", "github", KEY, PROD, DEV, "aaaa", &digest(PROD)] {
            assert!(!text.contains(secret), "{secret} stands in {text}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // Moved away, as logrotate does it, and opened anew.
        std::fs::rename(&path, folder.join("audit.1")).unwrap();
        host.signal("HUP");
        host.says("the configuration was read again");
        host.call(Some(PROD), "list_connections", &json!({})).good();
        let events: Vec<Value> = lines(&path).iter().map(|line| line["event"].clone()).collect();
        assert_eq!(events, ["reload", "call"]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_for_who_may_read_them() {
    let world = World::new().await;
    let folder = folder("metrics");
    std::fs::write(folder.join("policy.toml"), policy()).unwrap();
    let vars = world.vars(&[]);
    tokio::task::block_in_place(|| {
        let host = Host::http(&folder, &component(), &vars, &["--policy", "policy.toml"]);
        host.call(Some(PROD), "list_connections", &json!({})).good();
        host.call(Some(PROD), "list_connections", &json!({})).good();
        host.call(Some(PROD), "PLANTED\n\"", &json!({}));
        host.call(Some("nmcp_x"), "list_connections", &json!({}));
        for (token, status) in [(None, 401), (Some("nmcp_x"), 401), (Some(PROD), 403), (Some(DEV), 200)] {
            let answer = host.send("GET", "/metrics", token, "");
            assert_eq!(answer.status, status, "{answer:?}");
            assert_eq!(answer.body.contains("nango_mcp_calls"), status == 200);
        }
        assert_eq!(host.send("POST", "/metrics", Some(DEV), "").status, 405);
        let answer = host.send("GET", "/metrics", Some(DEV), "");
        assert_eq!(answer.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        for line in [
            "nango_mcp_calls_total{principal=\"support\",tool=\"list_connections\",outcome=\"ok\"} 2",
            "nango_mcp_calls_total{principal=\"support\",tool=\"unknown\",outcome=\"refused\"} 1",
            "nango_mcp_outbound_requests_total{outcome=\"sent\"} 2",
            "nango_mcp_http_refused_total{status=\"401\"} 3",
            "nango_mcp_http_refused_total{status=\"403\"} 1",
            "nango_mcp_calls_running 0",
            "nango_mcp_calls_waiting 0",
            "nango_mcp_call_seconds_count{outcome=\"ok\"} 2",
            "# EOF",
        ] {
            assert!(answer.body.lines().any(|is| is == line), "no line {line} in\n{}", answer.body);
        }
        assert!(answer.body.contains("\nnango_mcp_connections ") && !answer.body.contains("PLANTED"));
        assert!(answer.body.contains(concat!("nango_mcp_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_component_tries_is_told_to_the_operator() {
    let path = folder("audit-denied").join("audit.jsonl");
    let vars = [("NANGO_BASE_URL", "http://127.0.0.1:9"), ("NANGO_SECRET_KEY", KEY)];
    let grant = settings::grant(&vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into()).unwrap();
    let monitor = Monitor { audit: Audit::to(path.to_str().unwrap()).unwrap(), ..Monitor::default() };
    let sandbox = Sandbox::load(&misbehaving(), grant, Limits::default()).unwrap().watched(Arc::new(monitor));
    sandbox.call_tool("fetch", "http://169.254.169.254/latest/PLANTED?PLANTED").await.unwrap().unwrap();
    sandbox.call_tool("post", &format!("http://{}.example/PLANTED", "long".repeat(60))).await.unwrap().unwrap();
    let mut seen = lines(&path);
    seen.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("time")));
    let denied = |method: &str, address: String| json!({"event": "denied", "principal": "local", "method": method, "address": address, "why": "that is not the granted origin"});
    let long = format!("http://{}", "long".repeat(60));
    assert_eq!(seen, [denied("GET", "http://169.254.169.254".to_owned()), denied("POST", long[..200].to_owned())]);
}
