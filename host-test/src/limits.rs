//! What one call may use, and how many there may be: the table of limits, which is the source of the flags.

use std::time::Duration;

use clap::Args;
use wasmtime::ResourceLimiter;

const MIB: usize = 1 << 20;

/// Limits of one call, and of all together.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Memory of a call's instance.
    #[arg(long = "limit-memory", value_name = "SIZE", default_value = "64MiB", value_parser = memory)]
    pub memory: usize,
    /// Seconds of a call, computing and waiting together. The component ends by itself at 55 s, clients give up at 60 s.
    #[arg(long = "limit-time", value_name = "SECONDS", default_value = "58", value_parser = seconds)]
    pub time: Duration,
    /// Calls at once. A call that waits for a person holds its place.
    #[arg(long = "limit-calls", value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub calls: u32,
    /// Calls that wait for a place, 5 s at most; more are told that the server is busy.
    #[arg(long = "limit-queue", value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub queue: u32,
    /// Requests that one call may send: an audit sends 20, a wait 45.
    #[arg(long = "limit-requests", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub requests: u32,
    /// What all answers to one call's requests may hold together: 20 pages of 4 MiB, and some.
    #[arg(long = "limit-received", value_name = "SIZE", default_value = "96MiB", value_parser = size)]
    pub received: u64,
    /// What the result of a call may hold: the largest file is 8 MiB.
    #[arg(long = "limit-output", value_name = "SIZE", default_value = "16MiB", value_parser = size)]
    pub output: u64,
    /// Entries of a table of a call's instance; the component has a few hundred functions in one.
    #[arg(long = "limit-tables", value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub tables: u32,
    /// Core instances in a call's instance; the component has a handful.
    #[arg(long = "limit-instances", value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub instances: u32,
    /// Tool calls a minute of one token, or of the one client on stdio; 0 for as many as it likes.
    #[arg(long = "limit-rate", value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub rate: u32,
    /// Calls that may come at once after a pause; by default a tenth of the rate.
    #[arg(long = "limit-burst", value_name = "N", requires = "rate", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub burst: Option<u32>,
    /// Calls at once of one token; `None` for as many as there are.
    #[arg(skip)]
    pub share: Option<u32>,
    /// Whether a trap leaves a dump of the guest's memory; for tests of what a guest can see.
    #[arg(skip)]
    pub dump: bool,
}

impl Limits {
    /// What one of several tokens has of the calls at once unless its policy says otherwise: three quarters. So one alone, whose
    /// calls all wait for people, cannot shut the others out.
    pub(crate) fn fair_share(&self) -> u32 {
        (self.calls - self.calls / 4).max(1)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 * MIB,
            time: Duration::from_secs(58),
            calls: 64,
            queue: 64,
            requests: 100,
            received: 96 << 20,
            output: 16 << 20,
            tables: 10_000,
            instances: 16,
            rate: 0,
            burst: None,
            share: None,
            dump: false,
        }
    }
}

/// A number of bytes, with or without KiB, MiB or GiB.
fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (number, shift) = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift))).unwrap_or((text, 0));
    let bytes = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| "a size is a number of bytes, or one of KiB, MiB or GiB, such as 64MiB".into())
}

/// A memory that can be reserved once a call.
fn memory(text: &str) -> Result<usize, String> {
    let bytes = usize::try_from(size(text)?).unwrap_or(usize::MAX);
    if (MIB..=4096 * MIB).contains(&bytes) { Ok(bytes) } else { Err("an instance has from 1MiB to 4GiB".into()) }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "a call has from 0.1 to 3600 seconds".into())
}

/// Holds an instance to its limits and remembers a refusal, so that the trap that follows can be explained.
#[derive(Debug)]
pub(crate) struct Guard {
    limits: Limits,
    /// What was refused.
    pub(crate) refused: Option<Refused>,
    /// The most memory it has had, in bytes.
    pub(crate) peak: usize,
}

/// Growth that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Memory,
    Tables,
}

impl Guard {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, refused: None, peak: 0 }
    }
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grants = desired <= self.limits.memory;
        if grants {
            self.peak = self.peak.max(desired);
        } else {
            self.refused = Some(Refused::Memory);
        }
        Ok(grants)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grants = u32::try_from(desired).is_ok_and(|desired| desired <= self.limits.tables);
        if !grants {
            self.refused = Some(Refused::Tables);
        }
        Ok(grants)
    }

    fn instances(&self) -> usize {
        usize::try_from(self.limits.instances).unwrap_or(usize::MAX)
    }

    fn memories(&self) -> usize {
        4
    }

    fn tables(&self) -> usize {
        8
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        limits: Limits,
    }

    fn parsed(arguments: &[&str]) -> Result<Limits, String> {
        let all = std::iter::once("x").chain(arguments.iter().copied());
        Command::try_parse_from(all).map(|command| command.limits).map_err(|error| error.to_string())
    }

    #[test]
    fn the_flags_default_to_the_defaults() {
        assert_eq!(format!("{:?}", parsed(&[]).unwrap()), format!("{:?}", Limits::default()));
    }

    #[test]
    fn what_cannot_hold_is_refused_by_name() {
        let good = parsed(&["--limit-memory", "32MiB", "--limit-received", "1024", "--limit-time", "0.5", "--limit-queue", "0"]).unwrap();
        assert_eq!((good.memory, good.received, good.time, good.queue), (32 << 20, 1024, Duration::from_millis(500), 0));
        for (flag, values) in [
            ("--limit-memory", ["0", "64", "64MB", "5GiB", "-1", "18446744073709551615GiB"].as_slice()),
            ("--limit-received", &["0", "x", "1.5MiB", "17179869184GiB"]),
            ("--limit-output", &["0", ""]),
            ("--limit-time", &["0", "3601", "NaN", "inf", "1s"]),
            ("--limit-calls", &["0", "10001", "x"]),
            ("--limit-queue", &["-1", "10001"]),
            ("--limit-requests", &["0"]),
            ("--limit-tables", &["0"]),
            ("--limit-instances", &["0", "101"]),
            ("--limit-rate", &["-1", "1000001"]),
        ] {
            for value in values {
                let refused = parsed(&[&format!("{flag}={value}")]).unwrap_err();
                assert!(refused.contains(flag), "{flag} {value}: {refused}");
            }
        }
    }

    #[test]
    fn growth_beyond_a_limit_is_refused_and_remembered() {
        let mut guard = Guard::new(Limits { memory: 100, tables: 10, ..Limits::default() });
        assert!(guard.memory_growing(0, 100, None).unwrap() && guard.table_growing(0, 10, None).unwrap());
        assert_eq!((guard.refused, guard.peak), (None, 100));
        assert!(!guard.table_growing(10, 11, None).unwrap());
        assert_eq!(guard.refused, Some(Refused::Tables));
        assert!(!guard.memory_growing(100, 101, None).unwrap());
        assert_eq!((guard.refused, guard.peak), (Some(Refused::Memory), 100));
    }
}
