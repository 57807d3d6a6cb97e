//! One connection.

use super::{ConnectionError, Person, connection_config_names, read};
use crate::context::Context;
use crate::error::{ApiError, Error};
use crate::nango::{AnyKey, ConnectionId, IntegrationKey};
use crate::tool::{Dict, Effect, Int, List, Open, Passed, Toolset, object, result};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
        /// Return credentials too; refused unless the operator has set NANGO_MCP_ALLOW_CREDENTIALS=true.
        include_credentials: bool = false,
    }
}

result! {
    /// What Nango's connection shows of itself.
    pub(crate) struct Output {
        /// The connection's id.
        connection_id: String,
        /// Its integration's unique key.
        provider_config_key: String,
        /// Nango's name for the provider.
        provider: Option<String>,
        /// What is wrong; empty when it works.
        errors: List<Passed<ConnectionError>, 0, 1000>,
        /// The person, where the connection was made with end_user.
        end_user: Option<Passed<Person>>,
        /// Tags.
        tags: Option<Passed<Dict<AnyKey, String, 100>>>,
        /// Metadata: your application's own data.
        metadata: Option<Open>,
        /// Names of the connection_config fields that are set; values may be secret and stay in Nango.
        connection_config_names: Option<List<String, 0, 1000>>,
        /// When it was made.
        created_at: Option<String>,
        /// When it was last authorized or changed.
        updated_at: Option<String>,
        /// When its credentials were last read.
        last_fetched_at: Option<String>,
        /// The provider's credentials; only when asked for and allowed.
        credentials: Option<Open>,
        /// How many fields of Nango's object are not shown here.
        dropped_fields: Option<Int<0, 1_000_000>>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "get_connection";
    const TITLE: &'static str = "Show a connection";
    const DESCRIPTION: &'static str = "Show one connection: person, tags, metadata and health. Use it to see whether a known connection works (`errors` is \
        empty); to find connections use list_connections, for scopes, settings and provider get_connection_context, to repair \
        one create_reconnect_session. Credentials stay in Nango unless the operator allows them and the call asks. An expired \
        token is refreshed on the way; if the provider refuses, the call fails with `refresh_failed`: the person must \
        reconnect. Needs environment:connections:read, for credentials :read_credentials too.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:read"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:read_credentials"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        if args.include_credentials && !cx.config.allow_credentials {
            return Err(Error::policy(
                "credentials_not_allowed",
                "this server does not hand out credentials; call without `include_credentials`, or the operator sets NANGO_MCP_ALLOW_CREDENTIALS=true",
            ));
        }
        let answer = cx.send(&read(&args.connection_id, &args.provider_config_key))?;
        let mut dropped = 0;
        let mut output: Output = answer.project(None, &mut dropped)?;
        if output.connection_id != *args.connection_id || output.provider_config_key != *args.provider_config_key {
            return Err(Error::invalid_answer(answer.route, answer.status));
        }
        // Without the scope they are left out in silence (observed).
        if args.include_credentials && output.credentials.as_ref().is_none_or(Open::is_empty) {
            let message = "Nango shows this API key no credentials, or there are none: it needs environment:connections:read_credentials";
            let hint = Some("call without `include_credentials`, or the operator adds that scope to the API key".to_owned());
            let (status, code) = (answer.status, "missing_scope".to_owned());
            return Err(Error::nango(ApiError { status, code, message: message.to_owned(), hint, ..ApiError::default() }));
        }
        if !args.include_credentials && output.credentials.take().is_some() {
            dropped += 1;
        }
        output.connection_config_names = connection_config_names(&answer)?;
        dropped -= i64::from(output.connection_config_names.is_some());
        output.dropped_fields = Some(Int(dropped));
        Ok(output)
    }
}
