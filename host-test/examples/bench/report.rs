//! What was measured, as text, as a table beside the goals, and as docs/performance.md.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::calls::{NATIVE, NOTHING, SANDBOX, STDIO, WAYS};
use crate::host::file;
use crate::start::Starts;
use crate::worlds::Worlds;

#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) starts: Starts,
    pub(crate) placements: Vec<Placement>,
    /// Calls a second with sixteen outstanding.
    pub(crate) stdio: f64,
    pub(crate) http: f64,
    /// Two workers to one, and instances a second of each.
    pub(crate) workers: (f64, f64, f64),
    /// MiB.
    pub(crate) resident: f64,
    /// The world of Wassette.
    pub(crate) worlds: Worlds,
    /// KiB of a live instance: its own, and with what it shares.
    pub(crate) live: (f64, f64),
}

/// Who runs where, and what calls took.
pub(crate) struct Placement {
    pub(crate) name: String,
    pub(crate) cases: Value,
    pub(crate) timings: String,
}

impl Placement {
    fn cases(&self) -> impl Iterator<Item = &Value> {
        self.cases.as_array().into_iter().flatten()
    }

    /// A percentile of the case that makes one POST, in microseconds.
    pub(crate) fn link(&self, way: usize, percent: usize) -> f64 {
        let case = self.cases().find(|case| case.get("tool").and_then(Value::as_str) == Some("create_connect_session"));
        case.map_or(0.0, |case| at(case, way, percent))
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("\none call, {}, interleaved, microseconds p50 / p99; errors: 0\n", self.name);
        for case in self.cases() {
            let of = |name: &str| case.get(name).and_then(Value::as_str).unwrap_or_default();
            let rounds = case.get("rounds").and_then(Value::as_u64).unwrap_or_default();
            let _ = writeln!(text, "  {} = {}, {rounds} rounds", of("asked"), of("tool"));
            let ways = case.get("ways").and_then(Value::as_array).map_or(0, Vec::len);
            for (way, name) in WAYS.iter().enumerate().take(ways) {
                let note = match way {
                    SANDBOX | STDIO => format!("added {:+.0}", at(case, way, 50) - at(case, NATIVE, 50)),
                    way if way > STDIO => format!("this one {:+.0}", at(case, STDIO, 50) - at(case, way, 50)),
                    _ => String::new(),
                };
                let _ = writeln!(text, "    {name:<46} {:>7.0} / {:>7.0}   {note}", at(case, way, 50), at(case, way, 99));
            }
        }
        let _ = write!(text, "  the POST on stdio, {}", self.timings.replace('\n', "\n    "));
        text
    }
}

fn at(case: &Value, way: usize, percent: usize) -> f64 {
    case.pointer(&format!("/ways/{way}/{percent}")).and_then(Value::as_f64).unwrap_or_default()
}

/// One goal: what, how much at most (or at least), and how much it is.
struct Row(&'static str, Goal, f64, &'static str);

enum Goal {
    Most(f64),
    Least(f64),
}

impl Measured {
    fn rows(&self) -> Result<Vec<Row>> {
        let raw = std::fs::read(file("dist/nango-mcp.wasm")).context("build it first: make build")?;
        let zip = std::process::Command::new("gzip").arg("-9c").arg(file("dist/nango-mcp.wasm")).output()?.stdout;
        let mut rows = vec![
            Row("start of the host to its first answered call, compiled code in the cache", Goal::Most(20.0), self.starts.warm, "ms"),
            Row("the very first start, which compiles", Goal::Most(300.0), self.starts.first, "ms"),
        ];
        for (placement, added) in self.placements.iter().zip([200.0, 275.0]) {
            let same = placement.name == "same core";
            let name = |one, other| if same { one } else { other };
            let cost = placement.link(SANDBOX, 50) - placement.link(NATIVE, 50);
            rows.push(Row(
                name("added to a POST by the sandbox, same core", "added to a POST by the sandbox, split cores"),
                Goal::Most(added),
                cost,
                "us",
            ));
            rows.push(Row(
                name("a call with one POST on stdio, same core", "a call with one POST on stdio, split cores"),
                Goal::Most(600.0),
                placement.link(STDIO, 50),
                "us",
            ));
            rows.push(Row(
                name("a fresh instance that does nothing, same core", "a fresh instance that does nothing, split cores"),
                Goal::Most(50.0),
                placement.link(NOTHING, 50),
                "us",
            ));
        }
        rows.extend([
            Row("calls a second, 16 outstanding, stdio", Goal::Least(4000.0), self.stdio, ""),
            Row("calls a second, 16 outstanding, HTTP", Goal::Least(4000.0), self.http, ""),
            Row("instances a second, two workers to one", Goal::Least(1.5), self.workers.0, "x"),
            Row("RSS of the host after 1,000 calls", Goal::Most(28.0), self.resident, "MiB"),
            Row("memory of a live instance that has made a request", Goal::Most(130.0), self.live.0, "KiB"),
            Row("the world of Wassette, loaded without a cache", Goal::Most(500.0), self.worlds.load, "ms"),
            Row("a call of it that sends nothing, beside the component's", Goal::Most(1.5), self.worlds.nothing, "x"),
            Row("a call of it with one GET, beside the component's", Goal::Most(1.5), self.worlds.request, "x"),
            Row("the component", Goal::Most(420.0), raw.len() as f64 / 1e3, "kB"),
            Row("the component, gzip -9", Goal::Most(150.0), zip.len() as f64 / 1e3, "kB"),
        ]);
        Ok(rows)
    }

    /// All goals, as a table in Markdown.
    pub(crate) fn table(&self) -> Result<String> {
        let mut table = "| what | goal | measured | |\n|---|---|---|---|\n".to_owned();
        for Row(what, goal, measured, unit) in self.rows()? {
            let (sign, limit, met) = match goal {
                Goal::Most(limit) => ("<=", limit, measured <= limit),
                Goal::Least(limit) => (">=", limit, measured >= limit),
            };
            let digits = usize::from(limit < 30.0) + usize::from(limit < 10.0);
            let verdict = if met { "met" } else { "**missed**" };
            let (goal, unit) = (format!("{sign} {limit}"), if unit.is_empty() { String::new() } else { format!(" {unit}") });
            let _ = writeln!(table, "| {what} | {goal}{unit} | {measured:.digits$}{unit} | {verdict} |");
        }
        Ok(table)
    }

    /// docs/performance.md.
    pub(crate) fn document(&self, table: &str) -> String {
        let mut text = format!(
            "# Performance\n\n\
             Written by `make bench`; all of it was measured in one run. Times belong to the machine, two shared cores here; what was\n\
             compared was interleaved in one loop, client and Nango pinned to the same core or to two (`taskset`), medians, errors\n\
             counted: one error, and there is no report. In place of Nango a stub answers from one thread, with what the embedded\n\
             Nango once answered. [profiles.md](profiles.md) says where the time goes and what was tried where a goal is missed.\n\
             `make bench-serve` measures the component in `wasmtime serve`.\n\n\
             {table}\n![one call with one POST](performance.svg)\n"
        );
        for placement in &self.placements {
            let _ = write!(text, "\n## One call, {}\n\n```text\n{}\n```\n", placement.name, placement.text().trim_start());
        }
        let ((_, one, two), (own, all)) = (self.workers, self.live);
        let _ = write!(
            text,
            "\n## Many\n\n```text\ninstances a second, 16 callers: {one:.0} with one worker, {two:.0} with two\n\
             a live instance: {own:.0} KiB of its own (PSS); {all:.0} KiB in RSS, which counts the component's memory image for each\n```\n"
        );
        text
    }
}
