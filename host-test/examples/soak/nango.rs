//! The embedded Nango, and in front of it what goes wrong with networks: one fault at a time, each counted where it happens.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nango_mcp_host::demo::Embedded;
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
    /// Nango's own rate limit, for every request.
    Storm,
}

/// What Nango says to a request too many (packages/server/lib/middleware/ratelimit.middleware.ts).
const STORM: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-type: application/json\r\ncontent-length: 44\r\n\
    connection: close\r\n\r\n{\"error\":{\"code\":\"too_many_request\"}}       ";

/// The way to the embedded Nango.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    pub(crate) nango: Embedded,
    state: Arc<State>,
    task: Mutex<JoinHandle<()>>,
}

struct State {
    behind: SocketAddr,
    fault: Mutex<Fault>,
    injected: Mutex<HashMap<Fault, u64>>,
    requests: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Way {
    pub(crate) async fn open(key: &str) -> Result<Self> {
        let nango = Embedded::start(([127, 0, 0, 1], 0).into(), key.into(), 100_000_000).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            behind: nango.address,
            fault: Mutex::new(Fault::None),
            injected: Mutex::default(),
            requests: AtomicU64::new(0),
        });
        let task = Mutex::new(tokio::spawn(accept(listener, state.clone())));
        Ok(Self { address, nango, state, task })
    }

    /// From the next request on.
    pub(crate) fn play(&self, fault: Fault) {
        *lock(&self.state.fault) = fault;
    }

    /// How many requests had it.
    pub(crate) fn injected(&self, fault: Fault) -> u64 {
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

    /// How many open sessions each end user has.
    pub(crate) fn sessions(&self) -> HashMap<String, usize> {
        let snapshot = self.nango.nango.snapshot("default");
        let mut counts = HashMap::new();
        for link in snapshot.get("links").and_then(Value::as_array).into_iter().flatten() {
            let person = link.pointer("/tags/end_user_id").and_then(Value::as_str).unwrap_or_default();
            *counts.entry(person.to_owned()).or_insert(0) += 1;
        }
        counts
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

/// One request and its answer; then the connection ends, so that the next one meets the fault of its time.
async fn carry(mut client: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    let request = request(&mut client).await?;
    if request.is_empty() {
        return Ok(());
    }
    let fault = *lock(&state.fault);
    state.requests.fetch_add(1, Ordering::Relaxed);
    *lock(&state.injected).entry(fault).or_insert(0) += 1;
    match fault {
        Fault::ResetBefore => return reset(&client),
        Fault::Storm => {
            client.write_all(STORM).await?;
            return client.shutdown().await;
        }
        _ => {}
    }
    let mut behind = TcpStream::connect(state.behind).await?;
    behind.write_all(&request).await?;
    let mut answer = Vec::new();
    behind.read_to_end(&mut answer).await?;
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
        Fault::TooShort => answer = announced(&answer, |length| length - 40),
        _ => {}
    }
    client.write_all(&answer).await?;
    client.shutdown().await
}

fn reset(client: &TcpStream) -> std::io::Result<()> {
    client.set_zero_linger()
}

/// A request to its end, with the wish that the connection be closed after it.
async fn request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        let read = client.read(&mut piece).await?;
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            if read == 0 {
                return Ok(Vec::new());
            }
            continue;
        };
        let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.trim().parse().ok()).unwrap_or(0);
        if bytes.len() >= head + 4 + length || read == 0 {
            bytes.splice(head..head, *b"\r\nconnection: close");
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
