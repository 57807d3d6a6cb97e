//! MCP over stdin and stdout of the built host, line by line, in both eras of the protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nango_mcp::tools::TOOLS;
use serde_json::{Value, json};

use super::bench::component;

/// A client of the built host.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Client {
    fn start(arguments: &[&str]) -> Self {
        Self::with(arguments, &[])
    }

    pub(crate) fn with(arguments: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
        command.env_remove("NANGO_SECRET_KEY").current_dir(env!("CARGO_TARGET_TMPDIR"));
        command.envs(vars.iter().copied());
        command.arg("stdio").args(arguments).arg("--component").arg(component());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    pub(crate) fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// The next message of the server.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not one line of JSON: {line:?}"))
    }

    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        let answer = self.next();
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &message["id"]), "{answer}");
        answer
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

/// The tools of an answer to tools/list.
fn names(answer: &Value) -> Vec<&str> {
    answer["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

/// The tools there are.
fn all() -> Vec<&'static str> {
    TOOLS.iter().map(|entry| entry.name).collect()
}

#[test]
fn the_handshake_era() {
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let mut client = Client::start(&["--demo"]);
        let hello = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}));
        assert_eq!(answer["result"]["protocolVersion"], version);
        assert_eq!(answer["result"]["serverInfo"]["name"], "nango (demo)");
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
        assert_eq!(names(&answer), all());
        let call =
            json!({"name": "create_connect_session", "arguments": {"allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}});
        let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call}));
        assert!(answer["result"]["structuredContent"]["connect_link"].is_string(), "{answer}");
        assert_eq!(answer["result"]["_meta"]["demo"], true, "what the embedded Nango answered says so");
        let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": "nope"}}));
        assert_eq!(answer["error"]["code"], -32602, "an unknown tool is a protocol error");
    }
}

#[test]
fn the_stateless_era() {
    let mut client = Client::start(&[]);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}}));
    let versions = answer["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")) && versions.contains(&json!("2025-11-25")), "{answer}");
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": meta}}));
    let list = &answer["result"];
    assert_eq!((&list["ttlMs"], &list["cacheScope"]), (&json!(300_000), &json!("public")), "{list}");
    let call = json!({"name": "list_connections", "arguments": {}, "_meta": meta});
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call}));
    let result = &answer["result"];
    assert_eq!((&result["isError"], &result["resultType"], &result["structuredContent"]), (&json!(true), &json!("complete"), &json!(null)));
    assert!(result["content"][0]["text"].as_str().unwrap().contains("NANGO_SECRET_KEY"), "{result}");
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "nango");
}

#[test]
fn the_end_of_stdin_is_the_end() {
    let mut client = Client::start(&[]);
    client.stdin = None;
    assert!(client.child.wait().unwrap().code().is_some());
}

#[test]
fn what_is_no_message_is_answered_and_the_next_one_works() {
    let mut client = Client::start(&["--demo"]);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    client.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}));
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    for (line, code, id) in [
        ("{bad".to_owned(), -32700, Value::Null),
        ("[]".to_owned(), -32600, Value::Null),
        (format!(r#"{{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{}{}}}"#, "[".repeat(500), "]".repeat(500)), -32600, json!(5)),
        (
            r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"list_environments","arguments":[]}}"#.to_owned(),
            -32602,
            json!(6),
        ),
        (r#"{"jsonrpc":"2.0","id":7,"method":"no/such"}"#.to_owned(), -32601, json!(7)),
    ] {
        writeln!(client.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        client.stdout.read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "{answer}");
    }
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 8, "method": "tools/list"}));
    assert_eq!(names(&answer), all());
}

/// Params of a stateless request.
fn stateless(mut params: Value) -> Value {
    params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    params
}

#[test]
fn prompts_and_resources() {
    let mut client = Client::start(&["--demo"]);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}));
    assert_eq!(answer["result"]["capabilities"], json!({"tools": {}, "prompts": {}, "resources": {}}));
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "prompts/list"}));
    assert_eq!(answer["result"]["prompts"][0]["name"], "connect_account", "{answer}");
    let connect = json!({"name": "connect_account", "arguments": {"integration": "github", "person": "u1"}});
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 3, "method": "prompts/get", "params": connect}));
    let text = answer["result"]["messages"][0]["content"]["text"].as_str().unwrap();
    // What the prompt tells to do can be done.
    let arguments: Value = text.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap();
    let call = json!({"name": "ensure_connection", "arguments": arguments});
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": call}));
    assert_eq!(answer["result"]["structuredContent"]["status"], "connect_required", "{answer}");
    let listed = client.ask(&json!({"jsonrpc": "2.0", "id": 5, "method": "resources/list"}));
    let resources = listed["result"]["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 2, "{listed}");
    for resource in resources {
        let read = json!({"uri": resource["uri"]});
        let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 6, "method": "resources/read", "params": read}));
        assert!(answer["result"]["contents"][0]["text"].as_str().unwrap().starts_with('{'), "{answer}");
        assert_eq!(answer["result"]["_meta"]["demo"], true, "what the embedded Nango answered says so");
    }
    for (method, params, code) in [
        ("prompts/get", json!({"name": "connect"}), -32602),
        ("prompts/get", json!({"name": "connect_account", "arguments": ["u1"]}), -32602),
        ("resources/read", json!({"uri": "file:///etc/passwd"}), -32002),
        ("resources/read", json!({"uri": 7}), -32602),
        ("resources/subscribe", json!({"uri": "nango://conventions"}), -32601),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "connect_account"}, "argument": {"name": "person", "value": ""}}),
            -32601,
        ),
    ] {
        let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}));
        assert_eq!(answer["error"]["code"], code, "{method} {params}: {answer}");
    }
}

#[test]
fn prompts_and_resources_of_the_stateless_era() {
    // Without a key the convention can be read and the integrations cannot.
    let mut client = Client::start(&[]);
    let answer = client.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": stateless(json!({}))}));
    assert_eq!(answer["result"]["capabilities"], json!({"tools": {}, "prompts": {}, "resources": {}}));
    for method in ["prompts/list", "resources/list", "resources/templates/list"] {
        let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": method, "params": stateless(json!({}))}))["result"].clone();
        assert_eq!((&list["ttlMs"], &list["cacheScope"], &list["resultType"]), (&json!(300_000), &json!("public"), &json!("complete")));
    }
    let mut read =
        |uri: &str| client.ask(&json!({"jsonrpc": "2.0", "id": 3, "method": "resources/read", "params": stateless(json!({"uri": uri}))}));
    let result = read("nango://conventions")["result"].clone();
    assert_eq!((&result["ttlMs"], &result["cacheScope"], &result["resultType"]), (&json!(0), &json!("private"), &json!("complete")));
    let error = read("nango://environments/default/integrations")["error"].clone();
    assert_eq!((&error["code"], &error["data"]["nango-mcp/error"]["code"]), (&json!(-32603), &json!("missing_key")), "{error}");
    assert!(error["message"].as_str().unwrap().contains("NANGO_SECRET_KEY"), "{error}");
    assert_eq!(read("nango://nowhere")["error"]["code"], -32602);
}

/// One ping, answered on these streams of the built host, which then ends.
fn pings(stdin: Stdio, stdout: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.env_remove("NANGO_SECRET_KEY").current_dir(env!("CARGO_TARGET_TMPDIR")).args(["stdio", "--component"]).arg(component());
    command.stdin(stdin).stdout(stdout).stderr(Stdio::null()).spawn().unwrap()
}

fn hello() -> String {
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    format!("{}\n", json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}))
}

#[test]
fn sockets_and_files_are_streams_as_well() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    // What Node's child_process makes.
    let (mut mine, theirs) = UnixStream::pair().unwrap();
    mine.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let kept = theirs.try_clone().unwrap();
    let (stdin, stdout) = (OwnedFd::from(theirs.try_clone().unwrap()), OwnedFd::from(theirs));
    let mut child = pings(stdin.into(), stdout.into());
    mine.write_all(hello().as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(&mine).read_line(&mut line).unwrap();
    assert!(line.contains("\"serverInfo\""), "{line}");
    mine.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!rustix::fs::fcntl_getfl(&kept).unwrap().contains(rustix::fs::OFlags::NONBLOCK), "it is left as it was");

    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (input, output) = (path.join("stdio-in"), path.join("stdio-out"));
    std::fs::write(&input, hello()).unwrap();
    let mut child = pings(std::fs::File::open(&input).unwrap().into(), std::fs::File::create(&output).unwrap().into());
    assert!(child.wait().unwrap().success());
    assert!(std::fs::read_to_string(&output).unwrap().contains("\"serverInfo\""));
}

#[test]
fn a_pipe_is_left_as_it_was() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut child = pings(reader.try_clone().unwrap().into(), Stdio::null());
    writer.write_all(hello().as_bytes()).unwrap();
    drop(writer);
    child.wait().unwrap();
    let flags = rustix::fs::fcntl_getfl(&reader).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK), "{flags:?}");
}

#[test]
fn a_signal_lets_a_call_finish() {
    let mut client = Client::start(&["--demo"]);
    client.send(&serde_json::from_str(&hello()).unwrap());
    client.next();
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let waits = json!({"provider_config_keys": ["github"], "end_user_id": "nobody", "timeout_seconds": 2});
    client.send(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "wait_for_connection", "arguments": waits}}));
    std::thread::sleep(std::time::Duration::from_millis(500));
    client.signal("TERM");
    let answer = client.next();
    assert_eq!((&answer["id"], &answer["result"]["structuredContent"]["status"]), (&json!(2), &json!("pending")), "{answer}");
    assert!(client.child.wait().unwrap().success(), "it ends by itself, though stdin is open");
}

#[test]
fn nothing_is_done_for_a_client_that_cannot_hear_of_it() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.env_remove("NANGO_SECRET_KEY").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.args(["stdio", "--demo", "--component"]).arg(component()).stderr(Stdio::null());
    let (reader, writer) = std::io::pipe().unwrap();
    let mut child = command.stdin(Stdio::piped()).stdout(writer).spawn().unwrap();
    drop(command);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(hello().as_bytes()).unwrap();
    BufReader::new(&reader).read_line(&mut String::new()).unwrap();
    drop(reader);
    writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).unwrap();
    for id in 2..5 {
        let ping = json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
        // It may have ended by now.
        let _ = writeln!(stdin, "{ping}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        assert!(std::time::Instant::now() < end, "it goes on, and nobody hears it");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(stdin);
}

#[test]
fn ids_do_not_write_into_the_log() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.env_remove("NANGO_SECRET_KEY").env_remove("RUST_LOG").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.args(["stdio", "--demo", "--component"]).arg(component());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(hello().as_bytes()).unwrap();
    let call = json!({"jsonrpc": "2.0", "id": "x\n INFO forged", "method": "tools/call", "params": {"name": "nope"}});
    writeln!(stdin, "{}\n{call}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("unknown tool nope"), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("forged"), "{output:?}");
}

#[test]
fn a_log_that_nobody_reads_ends_no_call() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.env_remove("NANGO_SECRET_KEY").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.args(["stdio", "--demo", "--audit-log", "-", "--component"]).arg(component()).env("RUST_LOG", "debug");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    let call = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "list_environments"}});
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(hello().as_bytes()).unwrap();
    writeln!(stdin, "{}\n{}\n{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), call(2), call(3)).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches("structuredContent").count(), 2, "{output:?}");
    assert!(output.status.success());
}

#[test]
fn a_log_on_the_same_pipe_is_written_whole() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.env_remove("NANGO_SECRET_KEY").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.args(["stdio", "--demo", "--audit-log", "-", "--component"]).arg(component());
    command.stdin(Stdio::piped()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(hello().as_bytes()).unwrap();
    writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).unwrap();
    const CALLS: usize = 500;
    for id in 0..CALLS {
        writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "list_environments"}}))
            .unwrap();
    }
    drop(stdin);
    // The pipe is full before anybody reads.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let text = std::io::read_to_string(reader).unwrap();
    assert!(child.wait().unwrap().success());
    let answers =
        text.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["result"]["structuredContent"].is_object()));
    let events = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["event"] == "call"));
    assert_eq!((answers.count(), events.count()), (CALLS, CALLS));
}
