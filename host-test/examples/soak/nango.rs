//! The embedded Nango, and in front of it what goes wrong with networks: one fault at a time, each counted where it happens.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nango_mcp_host::demo::Embedded;
use nango_mcp_host::nango::{Clock, Options};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to every request that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The answer comes later than anybody waits.
    Slow,
    /// The answer comes a byte at a time, and so does not end in time.
    Drip,
    /// The connection breaks before Nango sees the request.
    ResetBefore,
    /// The connection breaks after Nango has carried it out.
    ResetAfter,
    /// Half of the answer comes.
    Truncate,
    /// The announced length is larger than the answer.
    TooLong,
    /// The announced length is smaller than the answer.
    TooShort,
    /// The Nango behind it has a rate limit that is soon used up.
    Storm,
}

/// Requests a minute of the Nango that is behind [`Fault::Storm`].
const FEW: u32 = 8;

/// The way to the embedded Nango.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    nango: Embedded,
    /// One with a low rate limit, and a clock that stands: how long it says to wait does not depend on the machine.
    limited: Embedded,
    clock: Clock,
    state: Arc<State>,
    task: Mutex<JoinHandle<()>>,
}

struct State {
    behind: SocketAddr,
    limited: SocketAddr,
    /// Whether every other request passes.
    spares: AtomicBool,
    fault: Mutex<Fault>,
    injected: Mutex<HashMap<Fault, u64>>,
    requests: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Way {
    pub(crate) async fn open(key: &str) -> Result<Self> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let nango = Embedded::start(any, key.into(), 100_000_000).await?;
        let clock = Clock::fixed(1_700_000_000);
        let limits = Options { rate_limit: FEW, clock: clock.clone(), ..Options::default() };
        let limited = Embedded::with(any, key.into(), limits).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            behind: nango.address,
            limited: limited.address,
            spares: AtomicBool::default(),
            fault: Mutex::new(Fault::None),
            injected: Mutex::default(),
            requests: AtomicU64::new(0),
        });
        let task = Mutex::new(tokio::spawn(accept(listener, state.clone())));
        Ok(Self { address, nango, limited, clock, state, task })
    }

    /// From the next request on, for all of them or for every other one.
    pub(crate) fn play(&self, fault: Fault, spares: bool) {
        self.state.spares.store(spares, Ordering::Relaxed);
        *lock(&self.state.fault) = fault;
    }

    /// Wait until so many more requests have come: then there is load, on a fast machine as on a slow one.
    pub(crate) async fn busy(&self, more: u64) {
        let reached = self.state.requests.load(Ordering::Relaxed) + more;
        while self.state.requests.load(Ordering::Relaxed) < reached {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Let time pass for the Nango with the rate limit.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// How many requests had it: of the storm, those that Nango itself has turned away.
    pub(crate) fn injected(&self, fault: Fault) -> u64 {
        if fault == Fault::Storm {
            return self.limited.nango.requests().iter().filter(|seen| seen.status == 429).count() as u64;
        }
        lock(&self.state.injected).get(&fault).copied().unwrap_or_default()
    }

    /// Close the door, and open it again after a while, as a Nango that restarts.
    pub(crate) async fn restart(&self, closed: Duration) -> Result<()> {
        lock(&self.task).abort();
        tokio::time::sleep(closed).await;
        let listener = TcpListener::bind(self.address).await.context("cannot listen again")?;
        *lock(&self.task) = tokio::spawn(accept(listener, self.state.clone()));
        Ok(())
    }

    /// The tokens of the open sessions of each end user.
    pub(crate) fn sessions(&self) -> HashMap<String, Vec<String>> {
        let mut sessions: HashMap<String, Vec<String>> = HashMap::new();
        for nango in [&self.nango.nango, &self.limited.nango] {
            let snapshot = nango.snapshot("default");
            for link in snapshot.get("links").and_then(Value::as_array).into_iter().flatten() {
                let text = |pointer: &str| link.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
                sessions.entry(text("/tags/end_user_id")).or_default().push(text("/token"));
            }
        }
        sessions
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // What is under way ends with the door, as in a process that dies.
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        under_way.spawn(carry(stream, state.clone()));
        while under_way.try_join_next().is_some() {}
    }
}

/// Requests and their answers, one after the other on connections that are kept, until a fault has ended one.
async fn carry(mut client: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    let mut kept: Option<(SocketAddr, TcpStream)> = None;
    loop {
        let request = message(&mut client).await?;
        if request.is_empty() {
            return Ok(());
        }
        let number = state.requests.fetch_add(1, Ordering::Relaxed);
        let spared = state.spares.load(Ordering::Relaxed) && number.is_multiple_of(2);
        let fault = if spared { Fault::None } else { *lock(&state.fault) };
        *lock(&state.injected).entry(fault).or_insert(0) += 1;
        if fault == Fault::ResetBefore {
            return reset(&client);
        }
        let address = if fault == Fault::Storm { state.limited } else { state.behind };
        let mut behind = match kept.take() {
            Some((held, stream)) if held == address => stream,
            _ => TcpStream::connect(address).await?,
        };
        behind.write_all(&request).await?;
        let mut answer = message(&mut behind).await?;
        kept = Some((address, behind));
        match fault {
            Fault::Slow => tokio::time::sleep(Duration::from_secs(3)).await,
            Fault::Drip => {
                for byte in answer {
                    client.write_all(&[byte]).await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                return Ok(());
            }
            Fault::ResetAfter => return reset(&client),
            Fault::Truncate => answer.truncate(answer.len().saturating_sub(40)),
            Fault::TooLong => answer = announced(&answer, |length| length + 40),
            // What is left over lies before the next answer on this connection.
            Fault::TooShort => answer = announced(&answer, |length| length - 40),
            Fault::None | Fault::ResetBefore | Fault::Storm => {}
        }
        client.write_all(&answer).await?;
        if matches!(fault, Fault::Truncate | Fault::TooLong) {
            return client.shutdown().await;
        }
    }
}

fn reset(client: &TcpStream) -> std::io::Result<()> {
    client.set_zero_linger()
}

/// A request or an answer to its end; nothing at the end of the connection.
async fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(Vec::new());
        }
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.trim().parse().ok()).unwrap_or(0);
        if bytes.len() >= head + 4 + length {
            return Ok(bytes);
        }
    }
}

/// An answer with another length in its head than its body has.
fn announced(answer: &[u8], other: impl Fn(usize) -> usize) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer);
    let Some((before, rest)) = text.split_once("content-length: ") else { return answer.to_vec() };
    let Some((length, after)) = rest.split_once("\r\n") else { return answer.to_vec() };
    let length = other(length.parse().unwrap_or(100));
    format!("{before}content-length: {length}\r\n{after}").into_bytes()
}
