//! The built component in the real host, over real sockets. `make test` builds both first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may panic, and reads the clock and the environment of its children"
)]

mod act;
mod bench;
mod calls;
mod cli;
mod component;
mod composition;
mod conversation;
mod deploy;
mod documents;
mod endpoint;
mod evals;
mod faults;
mod hostile;
mod keys;
mod memory;
mod operator;
mod outside;
mod page;
mod replay;
mod sandbox;
mod scenarios;
mod stdio;
mod wassette;
