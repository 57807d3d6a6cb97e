//! Integrations: the services that an environment can connect.

pub(crate) mod list_integrations;
