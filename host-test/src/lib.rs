//! A wasmtime host for `nango-mcp.wasm`, and the bench on which the component is tested.
//!
//! It loads a component that exports the WIT interface `nango:mcp/tools`, gives every call a fresh instance with a
//! limited memory, a limited time, a few named variables and one HTTP origin, and speaks MCP over stdio and
//! Streamable HTTP. The embedded [`nango`] stands in for a real one in the demo and in tests, and only there.

#![forbid(unsafe_code)]

pub mod audit;
mod bucket;
pub mod demo;
pub mod doors;
pub mod dumps;
pub mod egress;
mod elicit;
pub mod fault;
pub mod http;
pub mod incoming;
pub mod keys;
pub mod limits;
mod lines;
mod listen;
pub mod mcp;
pub mod metrics;
pub mod monitor;
pub mod nango;
mod offers;
mod outcome;
mod places;
pub mod policy;
mod progress;
mod record;
mod resolver;
pub mod sandbox;
pub mod secrets;
pub mod settings;
mod signals;
pub mod start;
pub mod stdio;
mod streams;
pub mod timings;
mod unanswered;
pub mod wire;
