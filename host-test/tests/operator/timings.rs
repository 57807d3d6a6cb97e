//! `--timings`: where the time of calls goes, told in the end.

use std::process::{Command, Stdio};

use serde_json::json;

use super::super::bench::{KEY, component};
use super::super::cli::folder;
use super::Host;
use super::policy::World;

/// The rows of a table: phase, and the microseconds of its median.
fn rows(table: &str) -> Vec<(String, f64)> {
    let lines = table.lines().skip(2);
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>()).map(|row| (row[0].to_owned(), row[1].parse().unwrap())).collect()
}

fn hold(table: &str) {
    let rows = rows(table);
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["accept", "decode", "instantiate", "guest", "outbound", "encode", "all"], "{table}");
    assert!(rows.iter().all(|(_, time)| *time > 0.0), "every phase takes time: {table}");
    let parts: f64 = rows.iter().take(6).map(|(_, time)| time).sum();
    assert!(parts < rows[6].1 * 2.0, "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_phase_of_calls_over_http_and_stdio() {
    let world = World::new().await;
    let folder = folder("timings");
    let vars = world.vars(&[]);
    tokio::task::block_in_place(|| {
        let link = json!({"environment": "dev", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}});
        let mut host = Host::http(&folder, &component(), &vars, &["--timings"]);
        for _ in 0..3 {
            host.call(None, "create_connect_session", &link).good();
        }
        // What is no call is not counted.
        host.post(None, &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
        host.signal("TERM");
        host.says("timings of 3 calls");
        let lines: Vec<String> = (0..8).map(|_| host.says("")).collect();
        let table = format!("\n{}", lines.join("\n"));
        hold(&table);
        host.child.wait().unwrap();

        let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
        command.current_dir(&folder).env_remove("NANGO_SECRET_KEY").envs(vars.iter().copied());
        command.args(["stdio", "--timings", "--component"]).arg(component());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let mut input = format!("{}\n", json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
        input += &format!("{}\n", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        for id in ["a", "b"] {
            let call = json!({"name": "create_connect_session", "arguments": link});
            input += &format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call}));
        }
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).matches("\"structuredContent\"").count(), 2, "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        hold(&said[said.find("timings of 2 calls").unwrap_or_else(|| panic!("{said}"))..]);
        assert!(!said.contains(KEY));
    });
}
