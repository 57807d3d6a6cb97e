//! Every limit is a flag; each is reached here, by the built host, and says so in its own words.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::bench::{KEY, component, embedded, misbehaving};
use super::super::cli::{folder, host, text};
use super::super::documents::check_or_update;
use super::{Host, read};

/// What a client reads at the end of a limit.
fn end_of(vars: &[(&str, &str)], component: &Path, flags: &[&str], tool: &str, arguments: &Value) -> Value {
    let folder = folder(&format!("limit{}", flags.concat().replace(['-', '.'], "")));
    let host = Host::http(&folder, component, vars, flags);
    let result = host.call(None, tool, arguments).json()["result"].clone();
    assert_eq!(result["isError"], true, "{result}");
    result["_meta"]["nango-mcp/error"].clone()
}

/// A row of docs/host.md: the flag, the code and the message of its end.
fn row(rows: &mut Vec<String>, flag: &str, error: &Value, code: &str) {
    assert_eq!(error["code"], code, "{flag}: {error}");
    rows.push(format!("| `--{flag}` | `{code}` | {} |", error["message"].as_str().unwrap().replace('|', "\\|")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_limit_is_reached_and_says_so() {
    let nango = embedded().await;
    nango.nango.seed_connections("default", "github", 300);
    let base = format!("http://{}", nango.address);
    let vars = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY)];
    let (ours, bad) = (component(), misbehaving());
    let github = json!({"provider_config_key": "github", "end_user_id": "u1"});
    let rows = tokio::task::block_in_place(|| {
        let mut rows = Vec::new();
        let end = |component: &Path, flags: &[&str], tool: &str, arguments: &Value| end_of(&vars, component, flags, tool, arguments);
        row(&mut rows, "limit-memory 32MiB", &end(&bad, &["--limit-memory", "32MiB"], "grow", &json!({})), "memory_limit");
        row(&mut rows, "limit-time 0.5", &end(&bad, &["--limit-time", "0.5"], "loop", &json!({})), "time_limit");
        assert_eq!(end(&bad, &["--limit-time", "0.6"], "wait", &json!({}))["code"], "time_limit");
        row(&mut rows, "limit-requests 1", &end(&ours, &["--limit-requests", "1"], "ensure_connection", &github), "request_limit");
        row(&mut rows, "limit-received 4KiB", &end(&ours, &["--limit-received", "4KiB"], "list_connections", &json!({})), "receive_limit");
        row(&mut rows, "limit-output 1KiB", &end(&ours, &["--limit-output", "1KiB"], "list_connections", &json!({})), "output_limit");
        row(&mut rows, "limit-calls 1 --limit-queue 0", &busy(&bad, "0"), "busy");
        let queued = busy(&bad, "1");
        assert_eq!(queued["code"], "busy", "{queued}");
        let host = Host::http(&folder("limit-rate"), &ours, &vars, &["--limit-rate", "30", "--limit-burst", "2"]);
        for _ in 0..2 {
            host.call(None, "list_integrations", &json!({})).good();
        }
        let error = host.call(None, "list_integrations", &json!({})).json()["result"]["_meta"]["nango-mcp/error"].clone();
        assert_eq!(error["retry_after_seconds"], 2, "{error}");
        row(&mut rows, "limit-rate 30 --limit-burst 2", &error, "rate_limit");
        rows
    });
    let rows = rows.join("\n").replace(&base, "http://nango.example");
    check_or_update("docs/limits.md", &format!("{HEAD}{rows}\n{}", start(&vars)));
}

const HEAD: &str = "# How limits end\n\nWritten by `host-test/tests/operator/limits.rs` from runs of the host that reach each one. What they are for, and their \
    defaults: `nango-mcp-host http --help`.\n\n| flag | code | what the model reads |\n|---|---|---|\n";

/// One call waits, and one or two more find no place.
fn busy(component: &Path, queue: &str) -> Value {
    let flags = ["--limit-calls", "1", "--limit-queue", queue, "--limit-time", "4"];
    let host = Host::http(&folder(&format!("limit-calls-{queue}")), component, &[], &flags);
    let call =
        |tool: &str| json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}).to_string();
    let mut held: Vec<_> = (0..=queue.parse::<usize>().unwrap())
        .map(|_| {
            let stream = host.open("POST", "/mcp", None, &call("wait"));
            std::thread::sleep(Duration::from_millis(200));
            stream
        })
        .collect();
    let begun = Instant::now();
    let refused = host.call(None, "environment", &json!({})).json()["result"]["_meta"]["nango-mcp/error"].clone();
    // It is told at once, not when there is a place: the one that waits has 4 s.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(refused["retry_after_seconds"], 2);
    assert_eq!(read(&mut held[0]).code(), "time_limit", "the one that had a place kept it");
    refused
}

/// What a component says that does not fit its limits at all, before anything is listened to.
fn start(vars: &[(&str, &str)]) -> String {
    let mut told = String::from("\nA component that does not fit is not started (exit status 2):\n\n");
    for (flag, value) in [("--limit-tables", "10"), ("--limit-instances", "1"), ("--limit-memory", "1MiB")] {
        let run = host(&folder("limit-start"), vars, &["http", "--listen", "127.0.0.1:0", flag, value]);
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{said}");
        assert!(said.contains(flag), "{flag}: {said}");
        told.push_str(&format!("- `{flag} {value}`: {}\n", said.trim_start_matches("nango-mcp-host: ").trim_end()));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_is_told_at_once() {
    tokio::task::block_in_place(|| {
        let host = Host::http(&folder("limit-connections"), &component(), &[], &["--limit-connections", "2"]);
        let idle: Vec<_> = (0..2).map(|_| std::net::TcpStream::connect(host.address).unwrap()).collect();
        std::thread::sleep(Duration::from_millis(100));
        let begun = Instant::now();
        let answer = host.send("GET", "/health", None, "");
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after") == Some("1"), "{answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(1));
        drop(idle);
        let end = Instant::now() + super::PATIENCE;
        while host.send("GET", "/health", None, "").status != 200 {
            assert!(Instant::now() < end, "no room although nobody is there");
        }
    });
}

#[test]
fn a_flag_that_cannot_hold_is_refused_at_start() {
    let folder = folder("limit-flags");
    for (flags, says) in [
        (["--limit-memory", "0"], "--limit-memory"),
        (["--limit-calls", "0"], "--limit-calls"),
        (["--limit-burst", "5"], "--limit-rate"),
        (["--audit-log", "no/such/folder/audit.jsonl"], "cannot write the audit log no/such/folder/audit.jsonl"),
        (["--policy", "none.toml"], "policy none.toml"),
        (["--allowed-host", "http://x/"], "--allowed-host"),
        (["--allowed-host", "*.example.com"], "--allowed-host"),
        (["--allowed-host", ""], "--allowed-host"),
    ] {
        let run = host(&folder, &[], &[&["http", "--listen", "127.0.0.1:0"], flags.as_slice()].concat());
        assert_eq!(run.status.code(), Some(2), "{flags:?}");
        assert!(text(&run.stderr).contains(says), "{flags:?}: {}", text(&run.stderr));
    }
}
