//! The built host as a process, and what can be seen of it from outside.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::BodyExt as _;
use hyper::Request;

use crate::load::{Http, now};

pub(crate) struct Host {
    child: Child,
    pub(crate) address: SocketAddr,
}

pub(crate) fn built(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

impl Host {
    /// Start it, and wait until it listens. `listen` is a port of before, or any.
    pub(crate) fn start(listen: &str, component: &str, vars: &[(&str, &str)], flags: &[&str]) -> Result<Self> {
        let mut command = Command::new(built("target/debug/nango-mcp-host"));
        command.args(["http", "--listen", listen]).args(flags).arg("--component").arg(built(component));
        command.env_remove("NANGO_SECRET_KEY").env("RUST_LOG", "nango_mcp_host=info").envs(vars.iter().copied());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("build it first: make build")?;
        let mut lines = BufReader::new(child.stderr.take().context("stderr")?).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("MCP at http://")).context("the host does not listen")?;
        // Whatever else it says: a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).context("no address")?.parse()?;
        Ok(Self { child, address })
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        resident(self.child.id())
    }

    /// A counter of /metrics.
    pub(crate) async fn counter(&self, http: &Http, name: &str) -> Result<f64> {
        let request = Request::get(format!("http://{}/metrics", self.address)).body(Default::default())?;
        let body = http.request(request).await?.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
        Ok(line.parse()?)
    }

    /// A process id, for looking at it while it is in use.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Wait until no more connections are open than so many, and give how many there are.
    pub(crate) async fn connections(&self, http: &Http, most: f64) -> Result<f64> {
        let end = now() + Duration::from_secs(10);
        loop {
            let open = self.counter(http, "nango_mcp_connections").await?;
            if open <= most || now() > end {
                return Ok(open);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Wait until no call runs and none waits.
    pub(crate) async fn settles(&self, http: &Http) -> Result<bool> {
        let end = now() + Duration::from_secs(10);
        loop {
            let running = self.counter(http, "nango_mcp_calls_running").await?;
            let waiting = self.counter(http, "nango_mcp_calls_waiting").await?;
            if running + waiting == 0.0 {
                return Ok(true);
            }
            if now() > end {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Resident memory of a process, in MiB.
pub(crate) fn resident(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
