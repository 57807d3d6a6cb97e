//! What the operator sees: counters and the audit log of one host.

use crate::audit::Audit;
use crate::metrics::Metrics;

/// Both.
#[derive(Default)]
pub struct Monitor {
    /// Counters.
    pub metrics: Metrics,
    /// Who did what.
    pub audit: Audit,
}
