//! Many calls: sixteen outstanding on stdio and over HTTP, one worker against two, and a thousand instances alive.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::sandbox::Sandbox;
use nango_mcp_host::settings;
use serde_json::json;

use crate::host::{HOST, Host, KEY, Listening, file, is_good, link, request};
use crate::now;

const OUTSTANDING: usize = 16;

/// Calls a second on stdio.
pub(crate) fn stdio(base: &str, calls: usize) -> Result<f64> {
    let (tool, arguments) = link();
    let mut host = Host::start(&[], &file(HOST), &[], &[("NANGO_BASE_URL", base), ("NANGO_SECRET_KEY", KEY)])?;
    host.hello()?;
    for _ in 0..calls / 10 {
        ensure!(is_good(&host.call(tool, &arguments)?), "a call failed");
    }
    let begun = now();
    for id in 1..=calls + OUTSTANDING {
        if id <= calls {
            host.say(&request(id, tool, &arguments))?;
        }
        if id > OUTSTANDING {
            ensure!(is_good(&host.next()?), "a call failed");
        }
    }
    Ok(calls as f64 / begun.elapsed().as_secs_f64())
}

/// Calls a second over HTTP, on as many connections.
pub(crate) async fn http(base: &str, calls: usize) -> Result<f64> {
    let (tool, arguments) = link();
    // It says on stderr where it listens.
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
        .arg(file(HOST))
        .args(["http", "--listen", "127.0.0.1:0", "--component"])
        .arg(file("dist/nango-mcp.wasm"));
    command.envs([("NANGO_BASE_URL", base), ("NANGO_SECRET_KEY", KEY)]);
    let host = Listening::start(command)?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let body = request(1, tool, &arguments).to_string();
    let mut begun = now();
    for (round, calls) in [(0, calls / 10), (1, calls)] {
        if round == 1 {
            begun = now();
        }
        let mut clients = Vec::new();
        for _ in 0..OUTSTANDING {
            let (client, body, url) = (client.clone(), body.clone(), format!("{}/mcp", host.base));
            clients.push(tokio::spawn(async move {
                for _ in 0..calls / OUTSTANDING {
                    let request = Request::post(&url).header("content-type", "application/json").body(Full::from(body.clone()))?;
                    let answer = client.request(request).await?.into_body().collect().await?.to_bytes();
                    ensure!(is_good(std::str::from_utf8(&answer)?), "a call failed");
                }
                Ok(())
            }));
        }
        for client in clients {
            client.await??;
        }
    }
    Ok((calls / OUTSTANDING * OUTSTANDING) as f64 / begun.elapsed().as_secs_f64())
}

/// Calls of `info` a second, by sixteen at once, with one worker and with two: the median of the ratios, and both medians.
pub(crate) fn workers(rounds: usize, slice: Duration) -> Result<(f64, f64, f64)> {
    let sandbox = Sandbox::load(&file("dist/nango-mcp.wasm"), settings::grant(&Vec::new())?, Limits::default())?;
    let run = |workers: usize| -> Result<f64> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
        runtime.block_on(async {
            let done = Arc::new(AtomicUsize::new(0));
            let begun = now();
            let callers: Vec<_> = (0..OUTSTANDING)
                .map(|_| {
                    let (sandbox, done) = (sandbox.clone(), done.clone());
                    tokio::spawn(async move {
                        while begun.elapsed() < slice {
                            sandbox.info().await?;
                            done.fetch_add(1, Ordering::Relaxed);
                            // They share the workers by turns.
                            tokio::task::yield_now().await;
                        }
                        Ok::<_, nango_mcp_host::fault::Fault>(())
                    })
                })
                .collect();
            for caller in callers {
                caller.await?.ok().context("a call failed")?;
            }
            Ok(done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
        })
    };
    let (mut ones, mut twos, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    run(1)?;
    for round in 0..rounds {
        let (one, two) = match round % 2 {
            0 => (run(1)?, run(2)?),
            _ => {
                let two = run(2)?;
                (run(1)?, two)
            }
        };
        ones.push(one);
        twos.push(two);
        ratios.push(two / one);
    }
    Ok((median(ratios), median(ones), median(twos)))
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}

/// KiB that an instance takes which has made a request and waits, one of so many: those of wait_for_connection. First what is
/// its own (PSS), then with what it shares (RSS): the memory image of the component is mapped into each, and in memory once.
pub(crate) async fn live(base: &str, count: u32) -> Result<(f64, f64)> {
    let vars = vec![("NANGO_BASE_URL".to_owned(), base.to_owned()), ("NANGO_SECRET_KEY".to_owned(), KEY.to_owned())];
    let limits = Limits { calls: count, ..Limits::default() };
    let sandbox = Sandbox::load(&file("dist/nango-mcp.wasm"), settings::grant(&vars)?, limits)?;
    let (tool, arguments) = link();
    for _ in 0..20 {
        sandbox.call_tool(tool, &arguments.to_string()).await.ok().context("a call failed")?.ok().context("a call failed")?;
    }
    let before = (kib("smaps_rollup", "Pss:")?, kib("status", "VmRSS:")?);
    let waits = json!({"environment": "default", "provider_config_keys": ["github"], "end_user_id": "nobody", "timeout_seconds": 50});
    let mut alive = Vec::new();
    for _ in 0..count {
        let (sandbox, waits) = (sandbox.clone(), waits.to_string());
        alive.push(tokio::spawn(async move { sandbox.call_tool("wait_for_connection", &waits).await.is_ok() }));
        // One after the other, so that they share connections to Nango.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let ended = alive.iter().filter(|call| call.is_finished()).count();
    ensure!(ended == 0, "{ended} of {count} do not wait");
    let after = (kib("smaps_rollup", "Pss:")?, kib("status", "VmRSS:")?);
    alive.iter().for_each(|call| call.abort());
    Ok(((after.0 - before.0) / f64::from(count), (after.1 - before.1) / f64::from(count)))
}

/// A size of this process (proc(5)).
fn kib(file: &str, name: &str) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/self/{file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no such size")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
