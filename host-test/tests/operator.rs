//! The host as an operator runs it: the built program over sockets, its limits, its policies, and what it writes down.

mod ending;
mod limits;
mod policy;
mod timings;
mod watching;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::endpoint::Answer;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// The built host with an HTTP endpoint.
pub(crate) struct Host {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    log: Receiver<String>,
}

impl Host {
    /// Start it in a folder, and wait until it listens.
    pub(crate) fn http(folder: &Path, component: &Path, vars: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
        command.current_dir(folder).args(["http", "--listen", "127.0.0.1:0"]).args(arguments).arg("--component").arg(component);
        command.env_remove("NANGO_SECRET_KEY").envs(vars.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut host = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), log };
        let line = host.says("MCP at http://");
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
        host.address = address.parse().unwrap();
        host
    }

    /// Wait for a line of its log with this in it.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> String {
        let (end, mut said) = (Instant::now() + PATIENCE, String::new());
        while let Ok(line) = self.log.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains(part) {
                return line;
            }
            said.push_str(&line);
        }
        panic!("it does not say {part:?}, but: {said}");
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Call a tool.
    pub(crate) fn call(&self, token: Option<&str>, tool: &str, arguments: &Value) -> Answer {
        self.post(token, &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}))
    }

    pub(crate) fn post(&self, token: Option<&str>, message: &Value) -> Answer {
        self.send("POST", "/mcp", token, &message.to_string())
    }

    pub(crate) fn send(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        read(&mut self.open(method, path, token, body))
    }

    /// Send a request, and leave its answer unread.
    pub(crate) fn open(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let token = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{token}connection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        // One that is turned away may be gone before it has said everything.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        stream
    }
}

/// The answer on a connection that ends with it.
pub(crate) fn read(stream: &mut TcpStream) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    Answer::parse(&text)
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is read of an answer to a tool call.
impl Answer {
    /// The result of a call that must have gone well.
    #[track_caller]
    pub(crate) fn good(&self) -> Value {
        let result = self.json()["result"].clone();
        assert_ne!(result["isError"], true, "{result}");
        assert!(result.is_object(), "{self:?}");
        result["structuredContent"].clone()
    }

    /// The code of a call that must have failed.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let result = self.json()["result"].clone();
        result["_meta"]["nango-mcp/error"]["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}
