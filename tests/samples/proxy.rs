//! The toolset proxy.

use serde_json::Value;

use crate::table::Table;

/// See [`super::sample`].
pub(super) fn sample(_tool: &str) -> Option<(Value, Table)> {
    None
}
