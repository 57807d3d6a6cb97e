//! Counters for Prometheus, in its text format. Labels are names of the operator's and of the table of tools, never
//! what a client or Nango sent.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The form of what [`Metrics::text`] gives (OpenMetrics 1.0, which Prometheus asks for and reads).
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters of one host.
pub struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    seconds: Family<Outcome, Histogram, fn() -> Histogram>,
    outbound: Family<Outcome, Counter>,
    refused: Family<Status, Counter>,
    reloads: Family<Outcome, Counter>,
    running: Gauge,
    waiting: Gauge,
    connections: Gauge,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    principal: Arc<str>,
    tool: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: u16,
}

/// From a call that sends nothing to one that waits for a person.
fn buckets() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds: Family<Outcome, Histogram, fn() -> Histogram> = Family::new_with_constructor(buckets);
        let mut made = Self {
            calls: Family::default(),
            seconds,
            outbound: Family::default(),
            refused: Family::default(),
            reloads: Family::default(),
            running: Gauge::default(),
            waiting: Gauge::default(),
            connections: Gauge::default(),
            registry: Registry::with_prefix("nango_mcp"),
        };
        let registry = &mut made.registry;
        registry.register("calls", "Tool calls, by who called, the tool and how it ended", made.calls.clone());
        registry.register("call_seconds", "How long tool calls took", made.seconds.clone());
        registry.register("outbound_requests", "Requests of the component to Nango: sent, denied, or echoed a key", made.outbound.clone());
        registry.register("http_refused", "Requests to the endpoint that did not reach MCP, by status", made.refused.clone());
        registry.register("reloads", "Times the configuration was read again", made.reloads.clone());
        registry.register("calls_running", "Calls that have an instance", made.running.clone());
        registry.register("calls_waiting", "Calls that wait for a place", made.waiting.clone());
        registry.register("connections", "Open connections of clients", made.connections.clone());
        registry.register("build", "The version of the host", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        made
    }
}

impl Metrics {
    pub(crate) fn called(&self, principal: &Arc<str>, tool: &str, outcome: &'static str, took: Duration) {
        self.calls.get_or_create(&Call { principal: principal.clone(), tool: tool.to_owned(), outcome }).inc();
        self.seconds.get_or_create(&Outcome { outcome }).observe(took.as_secs_f64());
    }

    /// `outcome` is sent, denied or echoed.
    pub(crate) fn outbound(&self, outcome: &'static str) {
        self.outbound.get_or_create(&Outcome { outcome }).inc();
    }

    pub(crate) fn refused(&self, status: u16) {
        self.refused.get_or_create(&Status { status }).inc();
    }

    pub(crate) fn reloaded(&self, well: bool) {
        self.reloads.get_or_create(&Outcome { outcome: if well { "ok" } else { "refused" } }).inc();
    }

    /// Open connections, one more or one fewer.
    pub(crate) fn connections(&self, more: i64) {
        self.connections.inc_by(more);
    }

    /// All of them, for a scrape.
    pub(crate) fn text(&self, running: u32, waiting: u32) -> String {
        self.running.set(running.into());
        self.waiting.set(waiting.into());
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
