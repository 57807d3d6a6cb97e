//! The processes that are measured, and what they are asked: they end with the values that hold them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";
/// The host that is measured.
pub(crate) const HOST: &str = "target/debug/nango-mcp-host";

/// A file of the project.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A program behind another one, such as taskset.
pub(crate) fn prefixed(prefix: &[&str], program: &Path) -> Command {
    match prefix.split_first() {
        None => Command::new(program),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}

/// A host, spoken to over stdio.
pub(crate) struct Host {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
    calls: usize,
}

impl Host {
    /// Start it, before another program if one is named.
    pub(crate) fn start(prefix: &[&str], program: &Path, flags: &[&str], vars: &[(&str, &str)]) -> Result<Self> {
        let mut command = prefixed(prefix, program);
        command.arg("stdio").arg("--component").arg(file("dist/nango-mcp.wasm")).args(flags).envs(vars.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("build the host first: make build")?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().context("stdout")?);
        let stderr = child.stderr.take().context("stderr")?;
        Ok(Self { child, stdin, stdout, stderr, calls: 0 })
    }

    pub(crate) fn say(&mut self, message: &Value) -> Result<()> {
        Ok(writeln!(self.stdin.as_mut().context("stdin")?, "{message}")?)
    }

    /// The next line of it.
    pub(crate) fn next(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line)
    }

    pub(crate) fn hello(&mut self) -> Result<()> {
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
        self.say(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}))?;
        ensure!(self.next()?.contains("\"serverInfo\""), "no answer to initialize");
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    }

    /// Call a tool; what the answer is like, the caller looks at.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Result<String> {
        self.calls += 1;
        self.say(&request(self.calls, tool, arguments))?;
        self.next()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Let it end, and give what it said on stderr.
    pub(crate) fn end(mut self) -> Result<String> {
        self.stdin = None;
        self.child.wait()?;
        let mut said = String::new();
        self.stderr.read_to_string(&mut said)?;
        Ok(said)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tools/call.
pub(crate) fn request(id: usize, tool: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// Whether a line is a result, and no error.
pub(crate) fn is_good(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|answer| answer.pointer("/result/structuredContent").is_some())
}

/// A call that makes one POST to Nango: its tool and its arguments.
pub(crate) fn link() -> (&'static str, Value) {
    ("create_connect_session", json!({"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}))
}

/// A process that says on stdout where it listens.
pub(crate) struct Listening {
    child: Child,
    pub(crate) base: String,
    /// Kept open as long as the child: a closed pipe would be an error to it.
    _stdout: BufReader<ChildStdout>,
}

impl Listening {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("stdout")?);
        let line = stdout.by_ref().lines().map_while(Result::ok).find(|line| line.contains("http://127.0.0.1:"));
        let base = line.as_deref().and_then(|line| {
            let begin = line.find("http://127.0.0.1:")?;
            line.get(begin..)?.split([' ', '/', '"']).nth(2).map(|authority| format!("http://{authority}"))
        });
        let base = base.context("it does not say where it listens")?;
        Ok(Self { child, base, _stdout: stdout })
    }

    /// The embedded Nango, with a catalogue as large as Nango's and more connections than a page has.
    pub(crate) fn nango() -> Result<Self> {
        let mut command = Command::new(file(HOST));
        command.args(["nango", "--listen", "127.0.0.1:0", "--key", KEY, "--rate-limit", "100000000"]);
        command.args(["--catalogue", "1000", "--connections", "201"]);
        Self::start(command)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
