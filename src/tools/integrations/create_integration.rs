//! A new integration.

use super::{Credentials, Integration, Settings, changed};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::{IntegrationKey, Label, Path, ProviderName, Request};
use crate::tool::{Arg, Effect, Int, Passed, Toolset, object, result};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// The provider, by its name in Nango's catalogue.
        provider: ProviderName,
        /// The key that tools and your code will use, such as github-prod; best not renamed later.
        unique_key: IntegrationKey,
        /// The name for people; without it the provider's.
        display_name: Option<Label>,
        /// Of your app at the provider. Auth modes OAUTH1, OAUTH2, APP and CUSTOM need them, TBA takes them, others refuse them.
        credentials: Option<Credentials>,
        /// Whether Nango forwards the provider's webhooks; without it, it does.
        forward_webhooks: Option<bool>,
        /// Values of the provider's integration_config fields, as get_provider shows them.
        integration_config: Option<Settings>,
        /// Other settings, for providers without integration_config.
        custom: Option<Settings>,
    }
}

result! {
    /// What was made.
    pub(crate) struct Output {
        /// The integration.
        integration: Passed<Integration>,
        /// How many fields of Nango's object are not shown here.
        dropped_fields: Int<0, 1_000_000>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "create_integration";
    const TITLE: &'static str = "Create an integration";
    const DESCRIPTION: &'static str = "Create an integration: a provider of Nango's catalogue, set up so that people can connect accounts. Use it once for \
        each service, after get_provider has shown the auth mode; to find the provider use search_provider_templates, to \
        change an integration update_integration, to let a person connect create_connect_session. With OAuth the app must \
        exist at the provider first; its client id and secret stay in Nango and are never shown. A taken key fails with \
        `integration_exists`. Needs environment:integrations:create.";
    const TOOLSET: Toolset = Toolset::Integrations;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:integrations:create"];

    fn rules(args: &Args) -> Result<(), Error> {
        args.credentials.as_ref().map_or(Ok(()), Credentials::rules)
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let mut body = args.give();
        if let (Some(credentials), Some(fields)) = (&args.credentials, body.as_object_mut()) {
            json::put(fields, "credentials", credentials.body());
        }
        let answer = cx.send(&Request::post("POST /integrations", Path::fixed("/integrations"), body))?;
        let mut dropped = 0;
        let integration = changed(&answer, &args.unique_key, &mut dropped)?;
        Ok(Output { integration, dropped_fields: Int(dropped) })
    }
}
