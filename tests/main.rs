//! The library from outside: what its tools promise, send and answer. No network, no sleeping; time is a table's.

#![allow(clippy::needless_pass_by_value, reason = "a `json!` written where it is used is given away")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test they are assertions; clippy excuses them in #[test] functions only, not in what those share"
)]

mod calls;
mod config;
mod contract;
mod documents;
mod fuzz;
mod generated;
mod kinds;
mod layers;
mod mcp;
mod migration;
mod rules;
mod samples;
mod table;
