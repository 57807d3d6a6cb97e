//! What Wassette does with a component, as the tests of that world do it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, dead_code, reason = "it belongs to tests")]

#[path = "../../tests/wassette/gateway.rs"]
pub(crate) mod gateway;
#[path = "../../tests/wassette/sections.rs"]
pub(crate) mod sections;
#[path = "../../tests/wassette/values.rs"]
mod values;
