//! Clients that are too many, that leave, or that say nothing; and a component that fails beside calls that do not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::host::Host;
use crate::load::{Called, Known, call, client, code, now, somebody};
use crate::report::Report;
use crate::{CLIENTS, STAY};

const MISBEHAVING: &str = "target/wasm32-wasip2/component/misbehaving_guest.wasm";
/// How soon somebody who finds no room is told, at the 95th percentile. 100 ms are the goal; the rest is for a busy machine.
const SOON: Duration = Duration::from_millis(250);

/// More calls than places, then more connections: both are told at once.
pub(crate) async fn overload(report: &mut Report, rounds: usize) -> Result<()> {
    let flags = ["--limit-calls", "2", "--limit-queue", "2", "--limit-time", "5", "--limit-connections", "64"];
    let host = Host::start("127.0.0.1:0", MISBEHAVING, &[], &flags)?;
    let address = host.address;
    // Two hold the places and two the queue, for 5 s.
    let holding: Vec<_> = (0..4).map(|_| tokio::spawn(async move { call(&client(), address, "wait", &json!({})).await })).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // All of them while the places are held.
    let each = rounds.min(40) * 5;
    let flood: Vec<_> = (0..2 * CLIENTS).map(|_| tokio::spawn(told_busy(address, each))).collect();
    let (mut times, mut busy, asked) = (Vec::new(), 0, 2 * CLIENTS * each);
    for client in flood {
        for (time, told) in client.await?? {
            times.push(time);
            busy += usize::from(told);
        }
    }
    let p95 = p95(&mut times);
    report.row(
        "more calls than places",
        &format!("{asked} calls, {busy} told busy, p95 {:.1} ms", p95.as_secs_f64() * 1e3),
        "all, within 100 ms",
        busy == asked && p95 < SOON,
    )?;
    for held in holding {
        let _ = held.await?;
    }
    let idle = silent(address, 64).await?;
    let (mut times, mut told) = (Vec::new(), 0);
    for _ in 0..rounds * 5 {
        let begun = now();
        told += usize::from(turned_away(address).await?);
        times.push(begun.elapsed());
    }
    let p95 = self::p95(&mut times);
    report.row(
        "more connections than places",
        &format!("{} connections, {told} told 503 with retry-after, p95 {:.1} ms", rounds * 5, p95.as_secs_f64() * 1e3),
        "all, within 100 ms",
        told == rounds * 5 && p95 < SOON,
    )?;
    drop(idle);
    let end = now() + Duration::from_secs(10);
    while turned_away(address).await? && now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answer = call(&client(), address, "environment", &json!({})).await;
    report.row("… and after that", "a call", "answered", answer.is_ok_and(|answer| code(&answer).is_none()))
}

/// One of a flood: how long each answer took, and whether it was that the server is busy, with the seconds to wait.
async fn told_busy(host: SocketAddr, count: usize) -> Result<Vec<(Duration, bool)>> {
    let (http, mut all) = (client(), Vec::new());
    for _ in 0..count {
        let begun = now();
        let answer = call(&http, host, "environment", &json!({})).await?;
        let after = answer.pointer("/result/_meta/nango-mcp~1error/retry_after_seconds");
        all.push((begun.elapsed(), code(&answer) == Some("busy") && after.is_some_and(serde_json::Value::is_u64)));
    }
    Ok(all)
}

/// A component that fails does not disturb calls beside it.
pub(crate) async fn guests(report: &mut Report, rounds: usize) -> Result<()> {
    let host = Host::start("127.0.0.1:0", MISBEHAVING, &[], &["--limit-time", "1"])?;
    let address = host.address;
    for (tool, expected) in [("trap", "component_trapped"), ("loop", "time_limit"), ("grow", "memory_limit")] {
        let bad = tokio::spawn(async move {
            let http = client();
            let mut codes = BTreeMap::new();
            for _ in 0..if tool == "loop" { 2 } else { rounds } {
                let answer = call(&http, address, tool, &json!({})).await?;
                let code = code(&answer).unwrap_or("none").to_owned();
                *codes.entry(code).or_insert(0_usize) += 1;
            }
            Ok::<_, anyhow::Error>(codes)
        });
        let (http, mut good) = (client(), 0);
        for _ in 0..rounds {
            good += usize::from(code(&call(&http, address, "environment", &json!({})).await?).is_none());
        }
        let codes = bad.await??;
        let seen: Vec<String> = codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
        report.row(
            &format!("a component that does this: {tool}"),
            &format!("{}; {good} of {rounds} good calls beside it answered", seen.join(", ")),
            &format!("{expected}, and all of the others"),
            codes.len() == 1 && codes.contains_key(expected) && good == rounds,
        )?;
    }
    Ok(())
}

/// Clients that ask for a link and leave before they are answered, each a little later than the one before.
pub(crate) async fn leave(host: SocketAddr, count: usize) -> Result<Vec<Called>> {
    let mut all = Vec::new();
    for number in 0..count {
        let (person, arguments) = somebody();
        let params = json!({"name": "create_connect_session", "arguments": arguments});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let mut stream = TcpStream::connect(host).await?;
        let head =
            format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", message.len());
        stream.write_all(format!("{head}{message}").as_bytes()).await?;
        tokio::time::sleep(Duration::from_millis(number as u64 % 10)).await;
        all.push(Called { person, known: Known::Perhaps("left".to_owned()), token: None });
    }
    Ok(all)
}

/// How long each of so many silent connections stays until the host closes it; those that it does not close are left out.
pub(crate) async fn silence(host: SocketAddr, count: usize) -> Result<Vec<Duration>> {
    let begun = now();
    let reading: Vec<_> = silent(host, count)
        .await?
        .into_iter()
        .map(|mut stream| {
            tokio::spawn(async move {
                let mut nowhere = Vec::new();
                // An end, a refusal and then an end, or a reset.
                let closed = tokio::time::timeout(STAY * 2, stream.read_to_end(&mut nowhere)).await;
                closed.is_ok().then(|| begun.elapsed())
            })
        })
        .collect();
    let mut stays = Vec::new();
    for one in reading {
        stays.extend(one.await?);
    }
    Ok(stays)
}

/// Connections that say nothing, half of a head, or half of a body.
pub(crate) async fn silent(host: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let says = [
        "",
        "POST /mcp HTTP/1.1\r\nhost: loc",
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    ];
    let mut all = Vec::new();
    for say in says.iter().cycle().take(count) {
        let mut stream = TcpStream::connect(host).await?;
        stream.write_all(say.as_bytes()).await?;
        all.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(all)
}

/// Whether a new connection is told that there is no room.
async fn turned_away(host: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(host).await?;
    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    let mut text = String::new();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut text)).await;
    read.context("no answer at all")??;
    Ok(text.starts_with("HTTP/1.1 503") && text.contains("retry-after: 1"))
}

fn p95(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() * 95 / 100).copied().unwrap_or_default()
}
