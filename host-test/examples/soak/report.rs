//! What was expected, and what happened.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::load::{Called, outcomes};
use crate::say;

/// What was seen, fault by fault.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<String>,
    pub(crate) failed: Vec<String>,
    pub(crate) totals: BTreeMap<String, usize>,
    pub(crate) calls: Vec<Called>,
}

impl Report {
    /// One expectation.
    pub(crate) fn row(&mut self, fault: &str, seen: &str, expected: &str, held: bool) -> Result<()> {
        let row = format!("| {fault} | {seen} | {expected} | {} |", if held { "held" } else { "**NOT**" });
        say(&row)?;
        self.rows.push(row);
        if !held {
            self.failed.push(fault.to_owned());
        }
        Ok(())
    }

    /// Calls, how they ended, and whether that was among what was expected.
    pub(crate) fn calls(&mut self, fault: &str, injected: u64, calls: Vec<Called>, expected: &[&str]) -> Result<()> {
        let counts = outcomes(&calls);
        let seen: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let held = injected > 0 && counts.keys().all(|name| expected.contains(&name.as_str()));
        for (name, count) in counts {
            *self.totals.entry(name).or_insert(0) += count;
        }
        let count = calls.len();
        self.calls.extend(calls);
        self.row(fault, &format!("{count} calls, {injected} times: {}", seen.join(", ")), &expected.join(" or "), held)
    }
}
