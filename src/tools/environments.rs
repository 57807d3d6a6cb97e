//! What is configured, and whether it works.

pub(crate) mod check_environment;
pub(crate) mod list_environments;
