//! The servers: processes of their own, which end with the values that hold them.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::{KEY, file, say};

/// How long a server may take until it says where it listens: it may have to compile a component first.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) address: SocketAddr,
    complaints: Arc<AtomicUsize>,
}

impl Child {
    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_owned();
        let process = command.stdin(Stdio::null()).spawn().with_context(|| format!("{} does not start", name.display()))?;
        // From here on it ends with its value.
        let mut child = Self { process, address: ([127, 0, 0, 1], 0).into(), complaints: Arc::default() };
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = child.process.stdout.take() {
            listen(stdout, sender.clone(), child.complaints.clone());
        }
        if let Some(stderr) = child.process.stderr.take() {
            listen(stderr, sender, child.complaints.clone());
        }
        let port = receiver.recv_timeout(PATIENCE).with_context(|| format!("{} does not say where it listens", name.display()))?;
        child.address.set_port(port);
        Ok(child)
    }

    /// An embedded Nango whose rate limit nobody meets.
    pub(crate) fn nango() -> Result<Self> {
        let mut command = Command::new(file("target/debug/nango-mcp-host"));
        command.args(["nango", "--listen", "127.0.0.1:0", "--key", KEY, "--rate-limit", "100000000"]);
        Self::start(command.stdout(Stdio::piped()))
    }

    /// `wasmtime serve` of a component that asks this Nango.
    pub(crate) fn serve(wasmtime: &Path, component: &Path, nango: &Self, options: &[&str]) -> Result<Self> {
        let base = format!("NANGO_BASE_URL=http://{}", nango.address);
        let mut command = Command::new(wasmtime);
        command.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0"]).args(options);
        command.args(["--env", &base, "--env", "NANGO_SECRET_KEY", "--env", "NANGO_MCP_ANONYMOUS=loopback"]).arg(component);
        Self::start(command.env("NANGO_SECRET_KEY", KEY).stdout(Stdio::null()).stderr(Stdio::piped()))
    }

    /// A native server that asks this Nango, on a connection of its own for each request, as `wasmtime serve` does.
    pub(crate) fn native(nango: &Self) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        Self::start(command.args(["--native", &nango.address.to_string()]).stdout(Stdio::piped()))
    }

    /// Whether it has complained of nothing: a component that traps after its answer does so unseen by the client.
    pub(crate) fn content(&self) -> Result<()> {
        let complaints = self.complaints.load(Ordering::Relaxed);
        ensure!(complaints == 0, "the server complained {complaints} times");
        Ok(())
    }

    /// Resident memory in kB.
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Processor time in seconds (proc(5), utime and stime, which Linux counts in hundredths).
    pub(crate) fn used(&self) -> Result<f64> {
        let stat = self.proc("stat")?;
        let (_, fields) = stat.rsplit_once(')').context("stat")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(|field| Ok(field.parse::<u32>()?)).sum::<Result<u32>>()?;
        Ok(f64::from(ticks) / 100.0)
    }

    fn proc(&self, file: &str) -> Result<String> {
        Ok(std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()))?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Find in what a server says where it listens, and read on to its end: a full pipe would stop it. Complaints are shown.
fn listen(output: impl Read + Send + 'static, sender: mpsc::Sender<u16>, complaints: Arc<AtomicUsize>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let after = line.split_once("http://127.0.0.1:").and_then(|(_, after)| after.split(|c: char| !c.is_ascii_digit()).next());
            match after.and_then(|port| port.parse().ok()) {
                Some(port) => drop(sender.send(port)),
                None if line.to_ascii_lowercase().contains("error") && complaints.fetch_add(1, Ordering::Relaxed) < 5 => {
                    drop(say(&format!("    a server says: {line}")));
                }
                None => {}
            }
        }
    });
}

/// Be the native server.
pub(crate) fn native(nango: SocketAddr) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        say(&format!("http://{}", listener.local_addr()?))?;
        Ok(axum::serve(listener, Router::new().fallback(relay).with_state(nango)).await?)
    })
}

async fn relay(State(nango): State<SocketAddr>, request: Request) -> Result<Response, StatusCode> {
    pass(nango, request).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn pass(nango: SocketAddr, request: Request) -> Result<Response> {
    let body = to_bytes(request.into_body(), 1 << 20).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(TcpStream::connect(nango).await?)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::post("/connect/sessions")
        .header("host", nango.to_string())
        .header("accept", "application/json")
        .header("user-agent", "bench-native")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {KEY}"))
        .body(Full::<Bytes>::from(body))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(Response::builder().status(status).header("content-type", "application/json").body(Body::from(body))?)
}
