//! A connection taken out of Nango.

use super::succeeded;
use crate::context::Context;
use crate::error::Error;
use crate::nango::{ConnectionId, IntegrationKey, Path, Request};
use crate::tool::{Effect, Toolset, object, result};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
    }
}

result! {
    /// What was deleted.
    pub(crate) struct Output {
        /// The connection's id.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// Always true: a connection that is not there is an error.
        deleted: bool,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "delete_connection";
    const TITLE: &'static str = "Delete a connection for good";
    const DESCRIPTION: &'static str = "Delete one connection from Nango: credentials, tags and metadata, for good. Use it when a person leaves or disconnects \
        an account; to repair one that fails use create_reconnect_session, to remove an integration with all its connections \
        delete_integration. Access granted at the provider is not revoked there. A second call fails with \
        `unknown_connection`. Needs environment:connections:delete.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Destructive;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:connections:delete"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let path = Path::fixed("/connections").segment(&args.connection_id);
        let request = Request::delete("DELETE /connections/:id", path).query("provider_config_key", &*args.provider_config_key);
        succeeded(&cx.send(&request)?)?;
        Ok(Output {
            connection_id: args.connection_id.to_string(),
            provider_config_key: args.provider_config_key.to_string(),
            deleted: true,
        })
    }
}
