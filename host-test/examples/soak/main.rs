//! The host under load while things go wrong: what was expected, and what happened.
//!
//! Run it with `make soak`. The built host serves over HTTP; between it and the embedded Nango sits what breaks. Every fault is
//! counted where it is made, so one that was never made fails; every link that clients asked for is accounted for at the end: a
//! client that was given one finds exactly one at Nango, one that was told that nothing was made finds none, and one that does
//! not know finds none or one. It ends by itself, and with exit status 1 if anything did not hold.

mod crowd;
mod host;
mod load;
mod nango;
mod report;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use nango_mcp_host::limits::Limits;
use nango_mcp_host::sandbox::Sandbox;
use nango_mcp_host::settings;

use crowd::{guests, leave, overload, silence};
use host::Host;
use load::{Called, Known, client, links};
use nango::{Fault, Way};
use report::Report;

const KEY: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";
const OURS: &str = "dist/nango-mcp.wasm";
/// Clients at once.
const CLIENTS: usize = 8;
/// What memory may have grown by in the end, in MiB.
const GROWTH: f64 = 40.0;
/// How long one that says nothing may stay: the host waits for 20 s.
const STAY: Duration = Duration::from_secs(25);
/// It ends by then, whatever hangs.
const END: Duration = Duration::from_secs(600);

fn main() -> Result<()> {
    let quick = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--quick" => true,
        [flag, count] if flag == "--instances" => return runtime()?.block_on(instances(count.parse()?)),
        _ => bail!("usage: soak [--quick | --instances N]"),
    };
    runtime()?.block_on(async {
        // What it has started ends with it: a host goes with the value that holds it.
        tokio::time::timeout(END, soak(if quick { 4 } else { 400 })).await.context("it did not end in time")?
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// What so many instances take that are alive at once: each has sent a request, and waits for an answer that never comes.
async fn instances(count: u32) -> Result<()> {
    // Two sockets each: as many as this process may have, if it asks.
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, rustix::process::Rlimit { current: most, maximum: most })?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let vars = vec![("NANGO_BASE_URL".to_owned(), base), ("NANGO_SECRET_KEY".to_owned(), KEY.to_owned())];
    let limits = Limits { calls: count, ..Limits::default() };
    let sandbox = Sandbox::load(&host::built(OURS), settings::grant(&vars)?, limits)?;
    let before = host::resident(std::process::id())?;
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let sandbox = sandbox.clone();
            tokio::spawn(async move { sandbox.call_tool("list_integrations", "{}").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let waiting = calls.iter().filter(|call| !call.is_finished()).count();
    let each = (host::resident(std::process::id())? - before) * 1024.0 / f64::from(count);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    silent.abort();
    ensure!(waiting == usize::try_from(count)?, "only {waiting} of {count} wait: are there enough file descriptors (ulimit -n)?");
    say(&format!("{count} instances that wait for Nango: {each:.0} KiB each, sockets of both ends included"))
}

async fn soak(rounds: usize) -> Result<()> {
    let way = Way::open(KEY).await?;
    let base = format!("http://{}", way.address);
    let vars = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY), ("NANGO_MCP_REQUEST_TIMEOUT", "1")];
    let mut host = Host::start("127.0.0.1:0", OURS, &vars, &[])?;
    let (http, mut report) = (client(), Report::default());
    say("| fault | what happened | expected | |\n|---|---|---|---|")?;

    // Warm, and without a fault.
    let calls = links(host.address, CLIENTS, rounds * 5).await;
    report.calls("none", way.injected(Fault::None), calls, &["made"])?;
    let (before, peak) = (host.resident()?, Peak::of(&host));
    let connected = host.connections(&http, 1.0).await?;
    // They stay through all that follows, as long as the host lets them.
    let silent = tokio::spawn(silence(host.address, 64));

    let perhaps_late = ["timeout: perhaps"].as_slice();
    let perhaps_lost = ["connection_lost: perhaps", "timeout: perhaps"].as_slice();
    for (name, fault, calls, expected) in [
        ("Nango answers after 3 s, 1 s is waited", Fault::Slow, 1, perhaps_late),
        ("the answer drips", Fault::Drip, 1, perhaps_late),
        ("the connection breaks before the request is read", Fault::ResetBefore, rounds, perhaps_lost),
        ("the connection breaks after it was carried out", Fault::ResetAfter, rounds, perhaps_lost),
        ("half of the answer comes", Fault::Truncate, rounds, perhaps_lost),
        ("the announced length is too large", Fault::TooLong, rounds, perhaps_lost),
        (
            "the announced length is too small",
            Fault::TooShort,
            rounds,
            &["invalid_answer: perhaps", "connection_lost: perhaps", "protocol_error: perhaps"],
        ),
        ("Nango's rate limit is used up", Fault::Storm, rounds, &["made", "rate_limited: not made"]),
    ] {
        way.play(fault, false);
        let calls = links(host.address, CLIENTS, calls).await;
        way.play(Fault::None, false);
        report.calls(name, way.injected(fault), calls, expected)?;
        let calls = links(host.address, CLIENTS, 2).await;
        report.calls(&format!("… and after that: {name}"), way.injected(Fault::None), calls, &["made"])?;
    }

    // Every other request breaks on connections that are kept: no answer may reach another's call.
    for (name, fault, expected) in [
        ("every other connection breaks before the request is read", Fault::ResetBefore, perhaps_lost),
        ("every other connection breaks after it was carried out", Fault::ResetAfter, perhaps_lost),
        ("half of every other answer comes", Fault::Truncate, perhaps_lost),
        (
            "every other announced length is too small",
            Fault::TooShort,
            &["invalid_answer: perhaps", "connection_lost: perhaps", "protocol_error: perhaps"],
        ),
    ] {
        let already = way.injected(fault);
        way.play(fault, true);
        let calls = links(host.address, CLIENTS, rounds * 5).await;
        way.play(Fault::None, false);
        let (injected, made) = (way.injected(fault) - already, calls.iter().any(|called| called.known == Known::Made));
        report.calls(name, if made { injected } else { 0 }, calls, &[&["made"], expected].concat())?;
    }

    // Nango says to wait for 2 s, which fits into a call: it is repeated then, and not before.
    way.pass(Duration::from_secs(58));
    let already = way.injected(Fault::Storm);
    way.play(Fault::Storm, false);
    let load = tokio::spawn(links(host.address, CLIENTS, 1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    way.pass(Duration::from_secs(3));
    let calls = load.await?;
    way.play(Fault::None, false);
    report.calls("Nango's rate limit is used up for 2 s more", way.injected(Fault::Storm) - already, calls, &["made"])?;

    // Nango restarts while calls come.
    let load = tokio::spawn(links(host.address, CLIENTS, rounds * 20));
    way.busy(rounds as u64 * 20).await;
    way.restart(Duration::from_millis(50)).await?;
    let calls = load.await?;
    let refused = calls.iter().filter(|called| called.known != Known::Made).count();
    report.calls(
        "Nango restarts",
        refused as u64,
        calls,
        &["made", "connection_refused: not made", "connection_lost: perhaps", "timeout: perhaps"],
    )?;

    // Clients that leave, and clients that say nothing.
    way.play(Fault::Slow, false);
    let calls = leave(host.address, rounds * 5).await?;
    way.play(Fault::None, false);
    report.calls("clients leave in the middle", calls.len() as u64, calls, &["left: perhaps"])?;
    report.row("… and after that", "no call runs", "no call runs", host.settles(&http).await?)?;
    let stays = silent.await??;
    let (count, longest) = (stays.len(), stays.iter().max().copied().unwrap_or_default());
    report.row(
        "connections say nothing, half of a head or half of a body, during all of this",
        &format!("{count} closed, the last after {:.0} s", longest.as_secs_f64()),
        "64, within 25 s",
        count == 64 && longest <= STAY,
    )?;
    let open = host.connections(&http, connected).await?;
    report.row("open connections", &format!("{connected} at the beginning, {open} now"), "no more", open <= connected)?;
    let peak = peak.end();

    // The host is killed under load, and comes again at the same place.
    let load = tokio::spawn(links(host.address, CLIENTS, rounds * 20));
    way.busy(rounds as u64 * 20).await;
    let (address, resident) = (host.address.to_string(), host.resident()?);
    host.kill()?;
    host = Host::start(&address, OURS, &vars, &[])?;
    let calls = load.await?;
    let broken = calls.iter().filter(|called| called.known != Known::Made).count();
    let expected = ["made", "no answer (connection): perhaps", "no answer (broken off): perhaps"];
    report.calls("kill -9 of the host, and a new one", broken as u64, calls, &expected)?;
    let calls = links(host.address, CLIENTS, rounds).await;
    report.calls("… and after that", 1, calls, &["made"])?;

    own_limits(&mut report, &way, &vars, rounds).await?;
    overload(&mut report, rounds).await?;
    guests(&mut report, rounds).await?;

    let (asked, doubled, lost) = account(&report.calls, &way);
    report.row(
        "the account of all links",
        &format!("{asked} asked for: {doubled} doubled, {lost} lost or wrongly denied"),
        "0 and 0",
        doubled + lost == 0 && asked > 0,
    )?;
    let grown = resident - before;
    report.row(
        "memory",
        &format!("{before:.0} MiB warm, {peak} at most, {resident:.0} in the end"),
        &format!("at most {GROWTH} more"),
        grown <= GROWTH,
    )?;
    report.row("calls running in the end", if host.settles(&http).await? { "0" } else { "some" }, "0", host.settles(&http).await?)?;

    let total: usize = report.totals.values().sum();
    say(&format!(
        "\n{total} calls: {}",
        report.totals.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    ))?;
    ensure!(report.failed.is_empty(), "did not hold: {}", report.failed.join("; "));
    say(&format!("soak: {} expectations held", report.rows.len()))
}

/// Hold what clients know against what Nango has: links asked for, doubled ones, and ones that are not as the client knows.
fn account(calls: &[Called], way: &Way) -> (usize, usize, usize) {
    let sessions = way.sessions();
    let (mut doubled, mut wrong) = (0, 0);
    for called in calls {
        let found = sessions.get(&called.person).map(Vec::as_slice).unwrap_or_default();
        doubled += usize::from(found.len() > 1);
        wrong += usize::from(match called.known {
            // The very one of this person: a link of somebody else's would be worse than none.
            Known::Made => !called.token.as_ref().is_some_and(|token| found.contains(token)),
            Known::NotMade(_) => !found.is_empty(),
            Known::Perhaps(_) => false,
        });
    }
    (calls.len(), doubled, wrong)
}

/// The most memory that a host has, looked at ten times a second.
struct Peak {
    seen: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Peak {
    fn of(host: &Host) -> Self {
        let (process, seen) = (host.id(), Arc::new(AtomicU64::new(0)));
        let most = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok(resident) = host::resident(process) {
                most.fetch_max(resident as u64, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self { seen, task }
    }

    /// In MiB.
    fn end(self) -> u64 {
        self.task.abort();
        self.seen.load(Ordering::Relaxed)
    }
}

/// The host's own limits, for calls that write: one says that nothing was begun, one that nobody knows.
async fn own_limits(report: &mut Report, way: &Way, vars: &[(&str, &str)], rounds: usize) -> Result<()> {
    let host = Host::start("127.0.0.1:0", OURS, vars, &["--limit-rate", "60", "--limit-burst", "8"])?;
    let calls = links(host.address, CLIENTS, rounds).await;
    let refused = calls.iter().filter(|called| matches!(called.known, Known::NotMade(_))).count();
    report.calls("calls come faster than the host allows", refused as u64, calls, &["made", "rate_limit: not made"])?;
    let host = Host::start("127.0.0.1:0", OURS, vars, &["--limit-time", "0.5"])?;
    let already = way.injected(Fault::Slow);
    way.play(Fault::Slow, false);
    let calls = links(host.address, CLIENTS, 1).await;
    way.play(Fault::None, false);
    report.calls("Nango answers after 3 s, the host waits for 0.5 s", way.injected(Fault::Slow) - already, calls, &["time_limit: perhaps"])
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
