//! What one call may use.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Limits of one call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Linear memory of the instance, in bytes.
    pub memory: usize,
    /// The whole call: computing and waiting together. The guest ends by itself at 55 s, clients give up at 60 s.
    pub time: Duration,
    /// Calls at once; more wait for a place.
    pub concurrency: u32,
    /// Requests that one call may send: an audit sends 20, a wait 45.
    pub requests: u32,
    /// What all answers of one call may hold together, in bytes: 20 pages of 4 MiB.
    pub received: u64,
    /// Whether a trap leaves a dump of the guest's memory; for tests of what a guest can see.
    pub dump: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 64 << 20, time: Duration::from_secs(58), concurrency: 64, requests: 100, received: 96 << 20, dump: false }
    }
}

/// Holds an instance to [`Limits::memory`] and remembers a refusal, so that the trap that follows can be explained.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    most: usize,
    /// Whether growth was refused.
    pub(crate) reached: bool,
    /// The most memory it has had, in bytes.
    pub(crate) peak: usize,
}

impl MemoryLimit {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, reached: false, peak: 0 }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grants = desired <= self.most;
        self.reached |= !grants;
        if grants {
            self.peak = self.peak.max(desired);
        }
        Ok(grants)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // The component's own table has a few hundred entries.
        Ok(desired <= 10_000)
    }

    fn instances(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        4
    }

    fn tables(&self) -> usize {
        8
    }
}
