//! How the component serves over HTTP, beside a bare component, the least that speaks MCP, and a native server.
//!
//! Run it with `make bench-serve`. Times of one machine say little, so servers that are compared take turns, a slice each, in
//! many rounds, and what counts is the ratio within a round. Every answer is looked at, the requests that reach Nango are
//! counted, and a server that complains is an error: a benchmark that measures refusals is worthless, and fails. A goal that
//! is missed is only printed.

mod load;
mod servers;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

use load::{Tally, Work};
use servers::Child;

const KEY: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";
/// Memory that the pooling allocator, which `wasmtime serve` uses anyway, keeps for the next instance and clears itself, instead
/// of giving it back to the system after each.
const KEEP: &[&str] = &["-O", "pooling-allocator=y", "-O", "pooling-memory-keep-resident=2097152"];
/// The same, but it asks the system which pages were written (Linux 6.7 or newer; elsewhere it does as above) and clears no others.
const SCAN: &[&str] = &["-O", "pooling-allocator=y", "-O", "pooling-memory-keep-resident=2097152", "-O", "pooling-pagemap-scan=auto"];

/// How long it all takes: about seven minutes, or three quarters of a one for CI.
struct Pace {
    slice: Duration,
    rounds: usize,
    soak: Option<Duration>,
    starts: usize,
}

const FULL: Pace = Pace { slice: Duration::from_secs(1), rounds: 12, soak: Some(Duration::from_secs(60)), starts: 10 };
const QUICK: Pace = Pace { slice: Duration::from_millis(250), rounds: 5, soak: None, starts: 10 };

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let pace = match arguments.as_slice() {
        ["--native", nango] => return servers::native(nango.parse()?),
        [] => FULL,
        ["--quick"] => QUICK,
        _ => bail!("usage: bench_serve [--quick]"),
    };
    // One thread: the clients are not what is measured, and should leave the cores to what is.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        // Who ends this process ends its servers: they go with the values that hold them.
        tokio::select! {
            done = whole(pace) => done,
            _ = terminated.recv() => bail!("terminated"),
            _ = interrupted.recv() => bail!("interrupted"),
        }
    })
}

async fn whole(pace: Pace) -> Result<()> {
    let bench = Bench::new(pace)?;
    bench.about()?;
    for connections in [1, 16, 64] {
        bench.level(connections).await?;
    }
    if let Some(lasting) = bench.pace.soak {
        bench.soak(lasting).await?;
    }
    bench.starts().await
}

struct Bench {
    pace: Pace,
    wasmtime: PathBuf,
    /// Where compiled components lie; removed at the end.
    folder: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Who takes a turn in each round.
struct Contender {
    name: &'static str,
    server: Child,
    work: Work,
    tallies: Vec<Tally>,
    /// Processor time of the server, in seconds.
    used: f64,
}

impl Contender {
    fn new(name: &'static str, server: Result<Child>, work: Work) -> Result<Self> {
        Ok(Self { name, server: server?, work, tallies: Vec::new(), used: 0.0 })
    }

    /// One turn. `nango` is whom it asks: there arrives one POST a call, or nothing.
    async fn turn(&self, nango: SocketAddr, connections: usize, lasting: Duration) -> Result<Tally> {
        let asked = load::allowance(nango).await?;
        let tally = load::slice(self.server.address, &self.work, connections, lasting).await?;
        let arrived = load::allowance(nango).await?.since(asked);
        tally.faultless()?;
        let due = if self.work.posts { tally.calls } else { 0 };
        ensure!(arrived.is_none_or(|arrived| arrived == due), "{} calls, and {arrived:?} requests to Nango", tally.calls);
        self.server.content()?;
        Ok(tally)
    }
}

impl Bench {
    fn new(pace: Pace) -> Result<Self> {
        let wasmtime = variable("WASMTIME").map_or_else(|| file("target/tools/bin/wasmtime"), PathBuf::from);
        let folder = std::env::temp_dir().join(format!("bench-serve-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let bench = Self { pace, wasmtime, folder };
        for name in ["nango-mcp", "bare", "least"] {
            let mut compile = Command::new(&bench.wasmtime);
            compile.arg("compile").arg("-o").arg(bench.compiled(name)).arg(component(name));
            let status = compile.status().with_context(|| format!("{} does not start: WASMTIME names it", bench.wasmtime.display()))?;
            ensure!(status.success(), "{} does not compile", component(name).display());
        }
        Ok(bench)
    }

    fn compiled(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("cwasm")
    }

    fn about(&self) -> Result<()> {
        let version = Command::new(&self.wasmtime).arg("--version").output()?.stdout;
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let size = |name: &str| std::fs::metadata(component(name)).map_or(0, |metadata| metadata.len());
        let version = String::from_utf8_lossy(&version);
        say(&format!("{}; {cores} cores, shared by clients, servers and Nango, nothing pinned", version.trim()))?;
        say(&format!(
            "nango-mcp.wasm {} bytes, the bare component {}, the least that speaks MCP {}",
            size("nango-mcp"),
            size("bare"),
            size("least")
        ))
    }

    fn serve(&self, nango: &Child, name: &str, options: &[&str]) -> Result<Child> {
        let options = [&["--allow-precompiled"], options].concat();
        Child::serve(&self.wasmtime, &self.compiled(name), nango, &options)
    }

    /// All servers at so many connections. Each level has processes of its own, because Nango keeps every session.
    async fn level(&self, connections: usize) -> Result<()> {
        let nango = Child::nango()?;
        let mut contenders = vec![
            Contender::new("nango-mcp", self.serve(&nango, "nango-mcp", &[]), Work::call())?,
            Contender::new("bare component", self.serve(&nango, "bare", &[]), Work::post())?,
            Contender::new("the least that speaks MCP", self.serve(&nango, "least", &[]), Work::call())?,
            Contender::new("nango-mcp, 2 MiB kept resident", self.serve(&nango, "nango-mcp", KEEP), Work::call())?,
            Contender::new("bare component, 2 MiB kept resident", self.serve(&nango, "bare", KEEP), Work::post())?,
            Contender::new("nango-mcp, 2 MiB kept, pages scanned", self.serve(&nango, "nango-mcp", SCAN), Work::call())?,
            Contender::new("bare component, 2 MiB kept, scanned", self.serve(&nango, "bare", SCAN), Work::post())?,
            Contender::new("native, a connection for each request", Child::native(&nango), Work::post())?,
            Contender::new("(Nango alone, connections kept)", Child::nango(), Work::direct())?,
        ];
        if connections == 16 {
            contenders.push(Contender::new("(nango-mcp, tools/list)", self.serve(&nango, "nango-mcp", &[]), Work::list())?);
        }
        let asked = |contender: &Contender| if contender.work.direct { contender.server.address } else { nango.address };
        let nangos: Vec<_> = contenders.iter().map(asked).collect();
        for round in 0..=self.pace.rounds {
            // To and fro, so that nobody always comes after the same.
            let mut turns: Vec<(&mut Contender, _)> = contenders.iter_mut().zip(&nangos).collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            for (contender, nango) in turns {
                // The first round is not counted: what is loaded lazily is loaded then.
                let lasting = if round == 0 { self.pace.slice / 10 } else { self.pace.slice };
                let before = contender.server.used()?;
                let tally = contender.turn(*nango, connections, lasting).await;
                let tally = tally.with_context(|| format!("{}: a comparison with errors is worthless", contender.name))?;
                if round > 0 {
                    contender.used += contender.server.used()? - before;
                    contender.tallies.push(tally);
                }
            }
        }
        let (rounds, slice) = (self.pace.rounds, self.pace.slice.as_secs_f64());
        say(&format!("\none POST a call; connections: {connections}; {rounds} rounds of {slice} s for each, in turns; errors: 0"))?;
        say(&format!("    {:<38} {:>8} {:>9} {:>9} {:>9} {:>8}", "", "calls/s", "p50 us", "p99 us", "CPU us", "RSS MB"))?;
        for contender in &contenders {
            let rate = contender.tallies.iter().map(Tally::rate).sum::<f64>() / rounds as f64;
            let (p50, p99) = load::percentiles(&contender.tallies);
            let calls: usize = contender.tallies.iter().map(|tally| tally.calls).sum();
            let (used, memory) = (contender.used * 1e6 / calls as f64, contender.server.resident()? as f64 / 1e3);
            say(&format!("    {:<38} {rate:>8.0} {p50:>9.0} {p99:>9.0} {used:>9.0} {memory:>8.1}", contender.name))?;
        }
        if let [ours, bare, least, ours_kept, bare_kept, ours_scanned, bare_scanned, native, ..] = contenders.as_slice() {
            ratio("nango-mcp / bare", ours, bare, Some(0.90))?;
            ratio("the least that speaks MCP / bare", least, bare, None)?;
            ratio("nango-mcp / the least that speaks MCP", ours, least, Some(0.90))?;
            ratio("nango-mcp / bare, 2 MiB kept resident", ours_kept, bare_kept, Some(0.90))?;
            ratio("nango-mcp / bare, 2 MiB kept, scanned", ours_scanned, bare_scanned, Some(0.90))?;
            ratio("nango-mcp, 2 MiB kept resident / not", ours_kept, ours, None)?;
            ratio("nango-mcp, 2 MiB kept, scanned / not", ours_scanned, ours, None)?;
            ratio("nango-mcp / native", ours, native, None)?;
        }
        Ok(())
    }

    /// Many connections for long, at the component as it is delivered: nothing fails, and memory stays what it is.
    async fn soak(&self, lasting: Duration) -> Result<()> {
        const CONNECTIONS: usize = 64;
        let nango = Child::nango()?;
        let server = Child::serve(&self.wasmtime, &component("nango-mcp"), &nango, &[])?;
        let work = Work::call();
        load::once(server.address, &work).await?;
        let begin = server.resident()?;
        let middle = async {
            tokio::time::sleep(lasting / 2).await;
            server.resident()
        };
        let (tally, middle) = tokio::join!(load::slice(server.address, &work, CONNECTIONS, lasting), middle);
        let (tally, middle, end) = (tally?, middle?, server.resident()?);
        let flat = verdict(end as f64 <= middle as f64 * 1.10);
        let (begin, middle, end) = (begin as f64 / 1e3, middle as f64 / 1e3, end as f64 / 1e3);
        say(&format!("\n{CONNECTIONS} connections for {} s: {} calls, errors: {}", lasting.as_secs(), tally.calls, tally.errors))?;
        say(&format!(
            "    RSS MB: after one call {begin:.1}, half-way {middle:.1}, at the end {end:.1}   goal <= 1.10 x half-way: {flat}"
        ))?;
        tally.faultless()?;
        server.content()
    }

    /// Spawn to the first answered call, from compiled code, in turns.
    async fn starts(&self) -> Result<()> {
        let nango = Child::nango()?;
        let cases = [("nango-mcp", Work::call()), ("bare", Work::post())];
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..=self.pace.starts {
            for ((name, work), times) in cases.iter().zip(&mut times) {
                let begun = now();
                let server = self.serve(&nango, name, &[])?;
                load::once(server.address, work).await?;
                // The first one may have read the files from the disk.
                if round > 0 {
                    times.push(begun.elapsed().as_secs_f64() * 1e3);
                }
                server.content()?;
            }
        }
        let [ours, bare] = times.map(|times| spread(times).1);
        let (ratio, starts) = (ours / bare, self.pace.starts);
        say(&format!("\nspawn to the first answered call, from a .cwasm, median of {starts}, in turns"))?;
        say(&format!("    nango-mcp {ours:.1} ms, bare {bare:.1} ms: {ratio:.2} x   goal <= 1.50: {}", verdict(ratio <= 1.5)))
    }
}

/// The ratio of two throughputs, round by round: what disturbs a round disturbs both.
fn ratio(name: &str, one: &Contender, other: &Contender, goal: Option<f64>) -> Result<()> {
    let (low, median, high) = spread(one.tallies.iter().zip(&other.tallies).map(|(one, other)| one.rate() / other.rate()).collect());
    let goal = goal.map_or(String::new(), |goal| format!("   goal >= {goal:.2}: {}", verdict(median >= goal)));
    say(&format!("    {name:<38} {median:>8.2} x  ({low:.2} to {high:.2}){goal}"))
}

/// The least, the middle and the greatest.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    let last = values.len().saturating_sub(1);
    (at(0), f64::midpoint(at(last / 2), at(values.len() / 2)), at(last))
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn component(name: &str) -> PathBuf {
    match name {
        "nango-mcp" => file("dist/nango-mcp.wasm"),
        name => file("target/bench").join(name).with_extension("wasm"),
    }
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is told where its tools are")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
