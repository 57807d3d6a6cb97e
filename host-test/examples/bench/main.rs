//! How long the host takes to start, what a call through the sandbox costs beside a native client, how many there can be, and in
//! how much memory.
//!
//! Run it with `make bench`, which writes docs/performance.md. Times of one machine say little, so everything that is compared is
//! interleaved in one loop, both sides are pinned (a loopback round trip is several times faster on one core than across two),
//! and errors are counted: a benchmark that only measures refusals is worthless, and fails. A goal that is missed is only printed.

mod calls;
mod crowd;
mod host;
mod plot;
mod report;
mod start;
mod stub;
mod wassette;
mod worlds;

#[path = "../../tests/outside.rs"]
mod outside;

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::host::{HOST, Host, KEY, Listening, file, is_good, link, prefixed};
use crate::report::{Measured, Placement};

/// How long it all takes: three minutes, or half a one for CI.
struct Pace {
    starts: usize,
    rounds: usize,
    calls: usize,
    slices: usize,
    live: u32,
}

const FULL: Pace = Pace { starts: 10, rounds: 1000, calls: 16_000, slices: 11, live: 1000 };
const QUICK: Pace = Pace { starts: 4, rounds: 200, calls: 3200, slices: 3, live: 200 };

/// How long instances are counted at a time.
const SLICE: Duration = Duration::from_millis(500);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--stub"] => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(stub::serve()),
        ["--calls", base, rounds, ..] => {
            let measured = runtime()?.block_on(calls::measure(base, rounds.parse()?, arguments.get(3)))?;
            say(&measured.to_string())
        }
        ["--live", base, count] => say(&serde_json::to_string(&runtime()?.block_on(crowd::live(base, count.parse()?))?)?),
        ["--workers"] => say(&format!("{:?}", crowd::workers(FULL.slices, SLICE)?)),
        [] => whole(&FULL, None, true),
        ["--quick"] => whole(&QUICK, None, false),
        ["--against", _] => whole(&FULL, arguments.get(1), false),
        _ => bail!("usage: bench [--quick | --against <another build of the host>]"),
    }
}

fn whole(pace: &Pace, other: Option<&String>, write: bool) -> Result<()> {
    let pinned = Command::new("taskset").args(["-c", "1", "true"]).status().is_ok_and(|status| status.success());
    let placements: &[(&str, &[&str], &[&str])] = match pinned {
        true => &[
            ("same core", &["taskset", "-c", "0"], &["taskset", "-c", "0"]),
            ("split cores", &["taskset", "-c", "0"], &["taskset", "-c", "1"]),
        ],
        false => &[("unpinned (no taskset, or one core)", &[], &[])],
    };
    let mut measured = Measured { starts: start::measure(pace.starts)?, ..Measured::default() };
    say(&measured.starts.line())?;
    for (name, own, others) in placements {
        let stub = stub::start(others)?;
        let mut command = prefixed(own, &std::env::current_exe()?);
        command.args(["--calls", &stub.base, &pace.rounds.to_string()]).args(other);
        let cases: Value = serde_json::from_str(&printed(command)?)?;
        let timings = timings(own, &stub.base, pace.rounds)?;
        let placement = Placement { name: (*name).to_owned(), cases, timings };
        say(&placement.text())?;
        measured.placements.push(placement);
    }
    let stub = stub::start(&[])?;
    measured.stdio = crowd::stdio(&stub.base, pace.calls)?;
    measured.http = tokio::runtime::Runtime::new()?.block_on(crowd::http(&stub.base, pace.calls))?;
    say(&format!("\n16 outstanding calls: {:.0} a second on stdio, {:.0} over HTTP; errors: 0", measured.stdio, measured.http))?;
    measured.workers = crowd::workers(pace.slices, SLICE)?;
    let (ratio, one, two) = measured.workers;
    say(&format!("instances a second, one worker {one:.0}, two {two:.0}: {ratio:.2}"))?;
    measured.resident = resident(&stub.base)?;
    say(&format!("RSS of the host after 1000 calls: {:.1} MiB", measured.resident))?;
    let nango = Listening::nango()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--live", &nango.base, &pace.live.to_string()]);
    measured.live = serde_json::from_str(&printed(command)?)?;
    let (own, all) = measured.live;
    say(&format!("{} live instances: {own:.0} KiB each, {all:.0} KiB with the pages that they share", pace.live))?;
    measured.worlds = tokio::runtime::Runtime::new()?.block_on(worlds::measure(&stub.base, pace.slices, pace.rounds))?;
    let worlds = &measured.worlds;
    say(&format!("the world of Wassette, loaded without a cache: {:.0} ms, the main component {:.0} ms", worlds.load, worlds.main_load))?;
    let table = measured.table()?;
    say(&format!("\n{table}"))?;
    if write {
        std::fs::write(file("docs/performance.md"), measured.document(&table)).context("docs/performance.md")?;
        plot::draw(&measured, &file("docs/performance.svg"))?;
        say("written: docs/performance.md, docs/performance.svg")?;
    }
    Ok(())
}

/// The phases of a call, as the host tells them in the end.
fn timings(prefix: &[&str], base: &str, calls: usize) -> Result<String> {
    let (tool, arguments) = link();
    let vars = [("NANGO_BASE_URL", base), ("NANGO_SECRET_KEY", KEY)];
    let mut host = Host::start(prefix, &file(HOST), &["--timings"], &vars)?;
    host.hello()?;
    for _ in 0..calls {
        ensure!(is_good(&host.call(tool, &arguments)?), "a call failed");
    }
    let said = host.end()?;
    let table = said.find("timings of").and_then(|at| said.get(at..)).context("the host told no timings")?;
    Ok(table.trim_end().to_owned())
}

/// MiB of resident memory of a host on stdio that has answered a thousand calls.
fn resident(base: &str) -> Result<f64> {
    let (tool, arguments) = link();
    let mut host = Host::start(&[], &file(HOST), &[], &[("NANGO_BASE_URL", base), ("NANGO_SECRET_KEY", KEY)])?;
    host.hello()?;
    for _ in 0..1000 {
        ensure!(is_good(&host.call(tool, &arguments)?), "a call failed");
    }
    Ok(host.resident()? as f64 / 1024.0)
}

/// What a part of this program prints that runs as a process of its own.
fn printed(mut command: Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "a measuring process failed");
    Ok(String::from_utf8(output.stdout)?)
}

/// The hundred percentiles of these times, in microseconds.
fn percentiles(mut times: Vec<Duration>) -> Vec<f64> {
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0.0, |time| (time.as_secs_f64() * 1e8).round() / 100.0);
    (0..100).map(at).collect()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
