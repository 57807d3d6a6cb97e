//! The built component in the real host, over real sockets. `make test` builds both first.

mod bench;
mod calls;
mod cli;
mod component;
mod faults;
mod http;
mod replay;
mod sandbox;
mod stdio;
