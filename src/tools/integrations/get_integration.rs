//! One integration.

use super::{Integration, path, shown};
use crate::context::Context;
use crate::error::Error;
use crate::nango::{IntegrationKey, Request};
use crate::tool::{Effect, Int, Passed, Toolset, object, result};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Unique key, as list_integrations shows it.
        integration_id: IntegrationKey,
        /// Also return the address at which Nango receives the provider's webhooks.
        include_webhook: bool = false,
    }
}

result! {
    /// The integration.
    pub(crate) struct Output {
        /// The integration.
        integration: Passed<Integration>,
        /// Where Nango receives the provider's webhooks; absent unless asked for, and where Nango handles none of this provider.
        webhook_url: Option<String>,
        /// How many fields of Nango's object are not shown here.
        dropped_fields: Int<0, 1_000_000>,
    }
}

result! {
    /// What stands beside the integration on request.
    struct Aside {
        /// The address.
        webhook_url: Option<String>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "get_integration";
    const TITLE: &'static str = "Show an integration";
    const DESCRIPTION: &'static str = "Show one integration: its provider, name and webhook forwarding. Use it when the unique key is known, or for the \
        webhook address to register at the provider; to find the key use list_integrations, for connected accounts \
        list_connections. Its client id and secret are never shown. An unknown key fails with `unknown_integration`. Needs \
        environment:integrations:read.";
    const TOOLSET: Toolset = Toolset::Integrations;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:integrations:read"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let request = Request::get("GET /integrations/:uniqueKey", path(&args.integration_id));
        let answer = cx.send(&request.query_if("include", args.include_webhook.then_some("webhook")))?;
        let mut dropped = 0;
        let integration = shown(&answer, &args.integration_id, &mut dropped)?;
        let mut webhook_url = None;
        if args.include_webhook {
            webhook_url = answer.project::<Aside>(Some("data"), &mut 0)?.webhook_url;
            dropped -= i64::from(webhook_url.is_some());
        }
        Ok(Output { integration, webhook_url, dropped_fields: Int(dropped) })
    }
}
