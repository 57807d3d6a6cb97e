//! How long the host takes to start, and what a call through the sandbox costs beside a native client.
//!
//! Run it with `make bench`. Times of one machine say little, so everything that is compared is interleaved in one
//! loop, both sides are pinned (a loopback round trip is several times faster on one core than across two), and
//! errors are counted: a benchmark that only measures refusals is worthless.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::sandbox::Sandbox;
use nango_mcp_host::settings;
use serde_json::{Value, json};

const KEY: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";
/// The host that is measured.
const HOST: &str = "target/debug/nango-mcp-host";
const STARTS: usize = 10;
const ROUNDS: usize = 1000;
/// Of answers that take milliseconds.
const FEW: usize = 200;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let other = match arguments.as_slice() {
        [_, flag, base, other @ ..] if flag == "--measure" => {
            return tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(base, other.first()));
        }
        [_, flag, other] if flag == "--against" => Some(other),
        _ => None,
    };
    start()?;
    let pinned = Command::new("taskset").args(["-c", "1", "true"]).status().is_ok_and(|status| status.success());
    let placements: &[(&str, &[&str], &[&str])] = match pinned {
        true => &[
            ("same core", &["taskset", "-c", "0"], &["taskset", "-c", "0"]),
            ("split cores", &["taskset", "-c", "0"], &["taskset", "-c", "1"]),
        ],
        false => &[("unpinned (no taskset, or one core)", &[], &[])],
    };
    for (name, own, nango) in placements {
        say(&format!("\none call, {name}: {ROUNDS} rounds ({FEW} of large answers) and a tenth before, interleaved, us p50 / p99"))?;
        let nango = Nango::start(nango)?;
        let me = std::env::current_exe()?;
        let status = prefixed(own, &me).args(["--measure", &nango.base]).args(other).status()?;
        ensure!(status.success(), "the measuring process failed");
    }
    Ok(())
}

/// Spawn to answered `initialize`, with the compiled code in the cache.
fn start() -> Result<()> {
    let mut runs = Vec::new();
    for _ in 0..=STARTS {
        let begun = now();
        let mut host = Host::start(&file(HOST), &[])?;
        host.hello()?;
        runs.push((begun.elapsed(), host.resident()?));
    }
    // The first one may have compiled.
    let mut times: Vec<Duration> = runs.iter().skip(1).map(|(time, _)| *time).collect();
    let mut sizes: Vec<u64> = runs.iter().skip(1).map(|(_, size)| *size).collect();
    times.sort();
    sizes.sort();
    let (time, size) = (times.get(STARTS / 2).copied().unwrap_or_default(), sizes.get(STARTS / 2).copied().unwrap_or_default());
    say(&format!(
        "start to answered initialize, warm cache, median of {STARTS}: {:.1} ms, {:.1} MB RSS",
        time.as_secs_f64() * 1e3,
        size as f64 / 1e3
    ))
}

/// One request in four ways, in turns; and by another build of the host, if there is one, with the same component.
async fn measure(base: &str, other: Option<&String>) -> Result<()> {
    let vars = vec![("NANGO_BASE_URL".to_owned(), base.to_owned()), ("NANGO_SECRET_KEY".to_owned(), KEY.to_owned())];
    let sandbox = Sandbox::load(&file("dist/nango-mcp.wasm"), settings::grant(&vars)?, Limits::default())?;
    let server = Server::start(sandbox, false).await?;
    let vars = [("NANGO_BASE_URL", base), ("NANGO_SECRET_KEY", KEY)];
    let mut stdio = Host::start(&file(HOST), &vars)?;
    stdio.hello()?;
    let mut other = other.map(|path| Host::start(Path::new(path), &vars)).transpose()?;
    other.as_mut().map(Host::hello).transpose()?;
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();

    let body = json!({"tags": {"end_user_id": "u1"}, "allowed_integrations": ["github"]}).to_string();
    let link = json!({"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}});
    let get = |path: &str| Request::get(format!("{base}{path}")).body(String::new());
    let only = |request| vec![request];
    let cases = [
        ("GET /integrations", ROUNDS, only(get("/integrations")?), "list_integrations", json!({"environment": "default"})),
        (
            "POST /connect/sessions",
            ROUNDS,
            only(Request::post(format!("{base}/connect/sessions")).body(body)?),
            "create_connect_session",
            link,
        ),
        (
            "GET /connections, 200 rows",
            FEW,
            only(get("/connections?limit=201&page=0")?),
            "list_connections",
            json!({"environment": "default", "limit": 200}),
        ),
        (
            "GET /providers, 0.92 MB, and GET /integrations",
            FEW,
            vec![get("/providers")?, get("/integrations")?],
            "search_provider_templates",
            json!({"environment": "default", "query": "acme"}),
        ),
    ];
    for (name, rounds, requests, tool, arguments) in cases {
        let (mut times, mut errors) = ([const { Vec::new() }; 5], 0_usize);
        for round in 0..rounds / 10 + rounds {
            let arguments = arguments.to_string();
            let mut took = [Duration::ZERO; 5];
            let begun = now();
            for request in &requests {
                errors += usize::from(!native(&client, request).await?);
            }
            took[0] = begun.elapsed();
            let begun = now();
            errors += usize::from(server.call("list_environments", "{}").await.is_ok_and(|result| result.is_error != Some(false)));
            took[1] = begun.elapsed();
            let begun = now();
            errors += usize::from(server.call(tool, &arguments).await.is_ok_and(|result| result.is_error != Some(false)));
            took[2] = begun.elapsed();
            // Who comes second finds another cache: the two hosts take turns at it.
            let mut hosts = [(3, Some(&mut stdio)), (4, other.as_mut())];
            if round % 2 == 1 {
                hosts.reverse();
            }
            for (at, host) in hosts {
                let (Some(host), Some(took)) = (host, took.get_mut(at)) else { continue };
                let begun = now();
                let answer = host.call(tool, &arguments)?;
                *took = begun.elapsed();
                // What a client makes of the line is the client's time.
                errors += usize::from(serde_json::from_str::<Value>(&answer)?.pointer("/result/structuredContent").is_none());
            }
            if round >= rounds / 10 {
                times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
            }
        }
        say(&format!("  {name} = {tool}; errors: {errors}"))?;
        ensure!(errors == 0, "a comparison with errors is worthless");
        let [native, empty, sandboxed, whole, others] = times.map(summary);
        let added = |time: (f64, f64)| format!("added {:+.0}", time.0 - native.0);
        row("native client, pooled connection", native, "")?;
        row("a call in a fresh sandbox that sends nothing", empty, "")?;
        row("the same request through the sandbox", sandboxed, &added(sandboxed))?;
        row("the same through MCP on stdio and the sandbox", whole, &added(whole))?;
        if other.is_some() {
            row("the same through the other host", others, &format!("this one {:+.0}", whole.0 - others.0))?;
        }
    }
    Ok(())
}

fn summary(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    (at(0.5), at(0.99))
}

fn row(name: &str, (p50, p99): (f64, f64), note: &str) -> Result<()> {
    say(&format!("    {name:<46} {p50:>7.0} / {p99:>7.0}   {note}"))
}

async fn native(client: &Client<HttpConnector, Full<Bytes>>, request: &Request<String>) -> Result<bool> {
    let mut built = Request::builder().method(request.method()).uri(request.uri()).header("authorization", format!("Bearer {KEY}"));
    if !request.body().is_empty() {
        built = built.header("content-type", "application/json");
    }
    let answer = client.request(built.body(Full::from(request.body().clone()))?).await?;
    let ok = answer.status().is_success();
    let body = answer.into_body().collect().await?.to_bytes();
    // The same work as the tool: the answer is parsed.
    let parsed: Value = serde_json::from_slice(&body)?;
    Ok(ok && parsed.is_object())
}

/// The host, spoken to over stdio.
struct Host {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Host {
    fn start(program: &Path, vars: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("stdio").arg("--component").arg(file("dist/nango-mcp.wasm")).envs(vars.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("build the host first: make build")?;
        let stdin = child.stdin.take().context("stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("stdout")?);
        Ok(Self { child, stdin, stdout })
    }

    /// The line that answers a message.
    fn ask(&mut self, message: &Value) -> Result<String> {
        writeln!(self.stdin, "{message}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line)
    }

    fn hello(&mut self) -> Result<()> {
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
        let answer = self.ask(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}))?;
        ensure!(answer.contains("\"serverInfo\""), "no answer to initialize");
        writeln!(self.stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(())
    }

    fn call(&mut self, tool: &str, arguments: &str) -> Result<String> {
        let arguments: Value = serde_json::from_str(arguments)?;
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        self.ask(&call)
    }

    /// Resident memory in kB.
    fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The embedded Nango in a process of its own.
struct Nango {
    child: Child,
    base: String,
    _stdout: BufReader<ChildStdout>,
}

impl Nango {
    fn start(prefix: &[&str]) -> Result<Self> {
        let mut command = prefixed(prefix, &file(HOST));
        command.args([
            "nango",
            "--listen",
            "127.0.0.1:0",
            "--key",
            KEY,
            "--rate-limit",
            "100000000",
            "--catalogue",
            "1000",
            "--connections",
            "201",
        ]);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        // Kept open as long as the child: a closed pipe would be an error to it.
        let mut stdout = BufReader::new(child.stdout.take().context("stdout")?);
        let line = stdout.by_ref().lines().map_while(Result::ok).find(|line| line.contains("NANGO_BASE_URL="));
        let base = line.as_deref().and_then(|line| line.trim().strip_prefix("NANGO_BASE_URL=")?.split(' ').next());
        let base = base.context("the embedded Nango does not say where it is")?.to_owned();
        Ok(Self { child, base, _stdout: stdout })
    }
}

impl Drop for Nango {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn prefixed(prefix: &[&str], program: &Path) -> Command {
    match prefix.split_first() {
        None => Command::new(program),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
