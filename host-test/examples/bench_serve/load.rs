//! The clients: connections that are kept, on each of them one request after another, and every answer looked at.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::{KEY, now};

/// What is asked, and how a right answer is known.
#[derive(Clone)]
pub(crate) struct Work {
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    status: u16,
    /// What stands in every right answer. Only the first answer of a connection is read as JSON: the clients share the cores
    /// with what they measure.
    says: &'static [&'static str],
    /// Where the first answer has a text, or a list of this length.
    holds: (&'static str, Option<usize>),
    /// Whether it makes one POST to Nango.
    pub(crate) posts: bool,
    /// Whether it goes to Nango itself.
    pub(crate) direct: bool,
}

impl Work {
    /// A tools/call of create_connect_session.
    pub(crate) fn call() -> Self {
        let arguments = json!({"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}});
        let params = json!({"_meta": meta(), "name": "create_connect_session", "arguments": arguments});
        let mut work = Self::mcp("tools/call", &params);
        work.headers.push(("mcp-name", "create_connect_session".to_owned()));
        work.says = &["\"isError\":false", "\"connect_link\":\"http://127.0.0.1:"];
        work.holds = ("/result/structuredContent/connect_link", None);
        work.posts = true;
        work
    }

    /// A tools/list.
    pub(crate) fn list() -> Self {
        let mut work = Self::mcp("tools/list", &json!({"_meta": meta()}));
        work.says = &["\"name\":\"create_connect_session\"", "\"resultType\":\"complete\""];
        work.holds = ("/result/tools", Some(nango_mcp::tools::TOOLS.len()));
        work
    }

    fn mcp(method: &str, params: &Value) -> Self {
        let headers = vec![
            ("accept", "application/json, text/event-stream".to_owned()),
            ("mcp-protocol-version", nango_mcp::mcp::MODERN.to_owned()),
            ("mcp-method", method.to_owned()),
        ];
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string().into();
        Self { path: "/mcp", headers, body, status: 200, says: &[], holds: ("", None), posts: false, direct: false }
    }

    /// The POST that create_connect_session makes, for a server that passes it on.
    pub(crate) fn post() -> Self {
        let body = json!({"tags": {"end_user_id": "u1"}, "allowed_integrations": ["github"]}).to_string().into();
        let says = &["\"token\":\"", "\"connect_link\":\"http://127.0.0.1:"];
        let holds = ("/data/connect_link", None);
        Self { path: "/", headers: Vec::new(), body, status: 201, says, holds, posts: true, direct: false }
    }

    /// The same for Nango.
    pub(crate) fn direct() -> Self {
        let headers = vec![("authorization", format!("Bearer {KEY}"))];
        Self { path: "/connect/sessions", headers, direct: true, ..Self::post() }
    }

    fn request(&self) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::post(self.path).header("host", "127.0.0.1").header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        Ok(request.body(Full::from(self.body.clone()))?)
    }

    fn check(&self, status: u16, body: &[u8], thoroughly: bool) -> Result<()> {
        let text = std::str::from_utf8(body)?;
        let right = status == self.status && self.says.iter().all(|says| text.contains(says));
        ensure!(right, "{status} {}", text.chars().take(200).collect::<String>());
        if thoroughly {
            let answer: Value = serde_json::from_str(text)?;
            let (pointer, length) = self.holds;
            let found = answer.pointer(pointer).with_context(|| format!("no {pointer}"))?;
            ensure!(found.as_array().map(Vec::len) == length && (length.is_some() || found.is_string()), "{pointer} is {found}");
        }
        Ok(())
    }
}

/// What every request of the stateless revision carries.
fn meta() -> Value {
    json!({"io.modelcontextprotocol/protocolVersion": nango_mcp::mcp::MODERN, "io.modelcontextprotocol/clientCapabilities": {}})
}

/// What came of a slice.
pub(crate) struct Tally {
    /// Calls that were answered rightly.
    pub(crate) calls: usize,
    pub(crate) errors: usize,
    first: Option<anyhow::Error>,
    lasted: Duration,
    /// Of those that were answered within the slice.
    times: Vec<Duration>,
}

impl Tally {
    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.lasted.as_secs_f64()
    }

    pub(crate) fn faultless(&self) -> Result<()> {
        match &self.first {
            None => Ok(()),
            Some(error) => bail!("{} errors, the first: {error:#}", self.errors),
        }
    }
}

/// Half of the times, and all but a hundredth, are not longer; in microseconds.
pub(crate) fn percentiles(tallies: &[Tally]) -> (f64, f64) {
    let mut times: Vec<Duration> = tallies.iter().flat_map(|tally| tally.times.iter().copied()).collect();
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    (at(0.5), at(0.99))
}

/// So many connections, each busy for so long.
pub(crate) async fn slice(address: SocketAddr, work: &Work, connections: usize, lasting: Duration) -> Result<Tally> {
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(connect(address).await?);
    }
    let until = now() + lasting;
    let mut tasks = JoinSet::new();
    for sender in senders {
        tasks.spawn(busy(sender, work.clone(), until));
    }
    let mut tally = Tally { calls: 0, errors: 0, first: None, lasted: lasting, times: Vec::new() };
    while let Some(done) = tasks.join_next().await {
        let (calls, times, error) = done?;
        tally.calls += calls;
        tally.times.extend(times);
        tally.errors += usize::from(error.is_some());
        tally.first = tally.first.or(error);
    }
    Ok(tally)
}

/// One connection until a time or its first error: how many calls, and how long those took that ended in time.
async fn busy(mut sender: SendRequest<Full<Bytes>>, work: Work, until: Instant) -> (usize, Vec<Duration>, Option<anyhow::Error>) {
    let (mut calls, mut times) = (0, Vec::new());
    loop {
        let begun = now();
        if begun >= until {
            return (calls, times, None);
        }
        if let Err(error) = exchange(&mut sender, &work, calls == 0).await {
            return (calls, times, Some(error));
        }
        calls += 1;
        let ended = now();
        if ended <= until {
            times.push(ended - begun);
        }
    }
}

/// One call on a connection of its own.
pub(crate) async fn once(address: SocketAddr, work: &Work) -> Result<()> {
    exchange(&mut connect(address).await?, work, true).await
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(sender: &mut SendRequest<Full<Bytes>>, work: &Work, thoroughly: bool) -> Result<()> {
    let answer = async {
        let answer = sender.send_request(work.request()?).await?;
        let status = answer.status().as_u16();
        anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
    };
    let (status, body) = tokio::time::timeout(Duration::from_secs(30), answer).await.context("no answer within 30 s")??;
    work.check(status, &body, thoroughly)
}

/// What is left of Nango's rate limit, and when it begins anew: so it tells how many requests it got.
#[derive(Clone, Copy)]
pub(crate) struct Allowance {
    left: usize,
    reset: usize,
}

impl Allowance {
    /// The requests between two of these; nothing if the limit has begun anew meanwhile.
    pub(crate) fn since(self, before: Self) -> Option<usize> {
        (self.reset == before.reset).then(|| before.left.saturating_sub(self.left).saturating_sub(1))
    }
}

/// Ask Nango for it; the question counts too.
pub(crate) async fn allowance(nango: SocketAddr) -> Result<Allowance> {
    let request = Request::get("/integrations").header("host", "127.0.0.1").header("authorization", format!("Bearer {KEY}"));
    let answer = connect(nango).await?.send_request(request.body(Full::default())?).await?;
    let number = |name: &str| -> Result<usize> { Ok(answer.headers().get(name).context("no rate limit")?.to_str()?.parse()?) };
    Ok(Allowance { left: number("x-ratelimit-remaining")?, reset: number("x-ratelimit-reset")? })
}
