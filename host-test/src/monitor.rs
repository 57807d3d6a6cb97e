//! What the operator sees: counters, the audit log and the timings of one host.

use crate::audit::Audit;
use crate::metrics::Metrics;
use crate::timings::Timings;

/// All of it.
#[derive(Default)]
pub struct Monitor {
    /// Counters.
    pub metrics: Metrics,
    /// Who did what.
    pub audit: Audit,
    /// Where the time goes, if anybody asked.
    pub timings: Option<Timings>,
}
